"use strict";
(() => {
  const root = document.documentElement;

  const theme = document.getElementById("theme");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const keep = (value) => { try { localStorage.setItem("redmobile-theme", value); } catch { /* a page opened as a file may keep nothing */ } };
  try { const kept = localStorage.getItem("redmobile-theme"); if (kept) root.dataset.theme = kept; } catch { /* the same */ }
  const tell = () => theme.setAttribute("aria-pressed", String(dark()));
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; keep(root.dataset.theme); tell(); });
  tell();

  for (const slider of document.querySelectorAll(".slider")) {
    const frame = slider.querySelector(".frame"), range = frame.querySelector("input");
    const pictures = [...frame.querySelectorAll("img")];
    const show = (pair) => {
      const [left, right] = pair.split(" ");
      for (const picture of pictures) {
        const side = picture.dataset.name === left ? "left" : picture.dataset.name === right ? "right" : "off";
        picture.className = side;
        if (side !== "off") frame.querySelector(`.tag.${side}`).textContent = picture.alt;
      }
    };
    const move = () => { frame.style.setProperty("--at", `${range.value}%`); range.setAttribute("aria-valuetext", `${Math.round(range.value)} % of the left picture`); };
    for (const choice of slider.querySelectorAll("input[type=radio]")) choice.addEventListener("change", () => show(choice.value));
    range.addEventListener("input", move);
    show(slider.querySelector("input[type=radio]:checked").value);
    move();
  }

  for (const plot of document.querySelectorAll(".plot[data-probe]")) {
    const [low, high] = plot.dataset.bounds.split(" ").map(Number), unit = plot.dataset.unit;
    const points = plot.dataset.probe.split(" ").map((point) => point.split(",").map(Number));
    const reading = document.createElement("span"), cursor = document.createElement("span");
    reading.className = "reading"; cursor.className = "cursor";
    const hide = () => { reading.remove(); cursor.remove(); };
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect(), at = low + (event.clientX - box.left) / box.width * (high - low);
      let best = points[0];
      for (const point of points) if (Math.abs(point[0] - at) < Math.abs(best[0] - at)) best = point;
      const left = `${(best[0] - low) / (high - low) * 100}%`;
      reading.textContent = `${unit === "run" ? `run ${best[0]}` : `${best[0].toFixed(2)} s`}: ${best[1].toFixed(2)} ms`;
      reading.style.left = cursor.style.left = left;
      plot.append(cursor, reading);
    });
    plot.addEventListener("pointerleave", hide);
  }

  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      try { await navigator.clipboard.writeText(code.textContent); button.textContent = "Copied"; }
      catch { getSelection().selectAllChildren(code); button.textContent = "Selected"; }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }

  const open = () => { const target = location.hash && document.getElementById(location.hash.slice(1)); if (target instanceof HTMLDetailsElement) target.open = true; };
  addEventListener("hashchange", open);
  open();
  addEventListener("beforeprint", () => { for (const run of document.querySelectorAll("details.run, details.facts-of")) { run.dataset.was = run.open ? "1" : ""; run.open = true; } });
  addEventListener("afterprint", () => { for (const run of document.querySelectorAll("details.run, details.facts-of")) run.open = run.dataset.was === "1"; });
})();
