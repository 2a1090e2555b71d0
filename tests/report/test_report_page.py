"""The page in a real Chromium: what a person would see, press and drag."""

import json
import re
import shutil

import pytest
import report_documents as documents

from redmobile.report.html import to_html
from redmobile.report.read import read_report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'redmobile[dev]'")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed: pip install 'redmobile[dev]'")

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SLOW = "video"
"""The document whose budget is missed."""


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def show(browser, tmp_path):
    """Documents → the page of their report, opened as a file; afterwards nothing may have gone wrong in it, or left the machine."""
    contexts, troubles = [], []

    def opened(*files, viewport=DESK, scheme="light"):
        path = tmp_path / f"report{len(contexts)}.html"
        path.write_text(to_html(read_report(files)), encoding="utf-8")
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: troubles.append(request.url) if not request.url.startswith((path.as_uri(), "data:")) else None)
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


def open_all(page):
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")


def look_up(document, path):
    for step in re.findall(r"[^.\[\]]+", path):
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def test_the_verdict_is_what_one_reads_first(show, written):
    page = show(*written.values())
    assert page.title().startswith("Missed: ")
    banner = page.locator(".banner")
    assert banner.locator("strong").inner_text() == "Missed"
    assert banner.bounding_box()["y"] < 100
    why, left = banner.locator(".why li").all()
    assert "most of the time goes to 'infer'" in why.inner_text()
    assert "1 of 3 operators fall back to the CPU" in left.inner_text()


def test_the_numbers_on_the_page_are_those_of_the_documents(show, written):
    page = show(*written.values())
    documents_read = [json.loads(file.read_text()) for file in written.values()]
    reading = "runs => runs.map(run => [...run.querySelectorAll('data[data-path]')].map(one => [one.dataset.path, one.value, one.textContent]))"
    shown = page.eval_on_selector_all("details.run", reading)
    assert [len(figures) >= 4 for figures in shown] == [True] * len(written)
    for document, figures in zip(documents_read, shown, strict=True):
        for path, value, text in figures:
            expected = look_up(document, path.removesuffix(":sum"))
            expected = sum(expected.values()) if path.endswith(":sum") else expected
            assert value == "None" if expected is None else float(value) == float(expected), path
            if text.endswith((" ms", " dB")):
                assert float(text.split()[0].replace(",", "")) == pytest.approx(expected, abs=0.0501 if expected >= 100 else 0.00501)


def test_every_sample_is_a_dot_and_every_drop_a_tick(show, written):
    page = show(written[SLOW])
    document = json.loads(written[SLOW].read_text())
    drawn = page.eval_on_selector_all(
        ".chart path", "found => found.map(one => [one.getAttribute('class'), one.getAttribute('d').split('M').length - 1])"
    )
    over = sum(frame["latency_ms"] > document["deadline_ms"] for frame in document["frames"])
    assert dict(drawn) == {"dot": len(document["frames"]) - over, "dot over": over, "dropped": document["dropped"]}


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_it_fits(show, written, viewport):
    page = show(*written.values(), viewport=viewport)
    open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(show, written, scheme):
    page = show(*(written[kind] for kind in ("video", "estimate", "parity")), scheme=scheme)
    open_all(page)
    found = axe.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    assert [(violation["id"], violation["nodes"][0]["html"][:120]) for violation in found.response["violations"]] == []


def mean_brightness(page, x_from, x_to):
    """Of a strip of the slider's frame, as it is on the screen."""
    import cv2
    import numpy as np

    frame = page.locator(".frame")
    frame.scroll_into_view_if_needed()
    picture = cv2.imdecode(np.frombuffer(frame.screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE)
    height, width = picture.shape
    return float(picture[height // 4 : height // 3, round(x_from * width) : round(x_to * width)].mean())


def test_the_slider_slides_with_pointer_and_keyboard(show, written):
    page = show(written["parity"])
    assert mean_brightness(page, 0.3, 0.45) * 2 < mean_brightness(page, 0.55, 0.7)
    box = page.locator(".frame").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert mean_brightness(page, 0.3, 0.45) == pytest.approx(mean_brightness(page, 0.55, 0.7), rel=0.2)
    slider = page.get_by_role("slider", name="Slide between the two pictures")
    before = float(slider.input_value())
    slider.press("ArrowRight")
    assert float(slider.input_value()) == before + 0.5
    assert float(page.locator(".frame").evaluate("frame => parseFloat(frame.style.getPropertyValue('--at'))")) == before + 0.5


def test_one_can_choose_which_two_pictures(show, written):
    page = show(written["parity"])
    shown = "pictures => pictures.filter(one => one.className !== 'off').map(one => one.dataset.name).sort()"
    assert page.eval_on_selector_all(".frame img", shown) == ["found", "input"]
    assert page.locator(".tag.left").inner_text() == "before"
    page.get_by_text("Difference", exact=True).click()
    assert page.eval_on_selector_all(".frame img", shown) == ["difference", "found"]
    assert page.locator(".tag.right").inner_text().startswith("difference, brightest: ")


def test_light_and_dark_follow_the_system_until_the_button_says_otherwise(show, written):
    background = "getComputedStyle(document.body).backgroundColor"
    light, dark = (show(written["latency"], scheme=scheme) for scheme in ("light", "dark"))
    assert light.evaluate(background) != dark.evaluate(background)
    button = light.locator("#theme")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert light.evaluate(background) == dark.evaluate(background)


def test_the_pointer_reads_off_the_timeline(show, written):
    page = show(written["latency"])
    samples = json.loads(written["latency"].read_text())["measured"]["samples_ms"]
    plot = page.locator(".plot[data-probe]")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 0.5, box["y"] + 50)
    assert plot.locator(".reading").inner_text() == f"run {len(samples)}: {samples[-1]:.2f} ms"
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 60)
    assert plot.locator(".reading").count() == 0


def test_a_link_opens_the_run_that_it_leads_to(show, written):
    page = show(*written.values())
    assert not page.locator("#run-4").evaluate("run => run.open")
    page.locator(".card a[href='#run-4']").click()
    assert page.locator("#run-4").evaluate("run => run.open")


def test_on_paper_every_run_is_open_and_both_pictures_are_there(show, written):
    page = show(*written.values(), scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    closed = page.locator("details.run:not([open]), details.facts-of:not([open])")
    assert closed.count() == 0
    pictures = [picture.bounding_box() for picture in page.locator(".frame img:not(.off)").all()]
    assert len(pictures) == 2
    assert abs(pictures[0]["x"] - pictures[1]["x"]) >= pictures[0]["width"] - 1
    assert not page.locator("#theme").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert closed.count() > 0


def test_words_from_outside_are_no_markup(show, tmp_path, monkeypatch):
    import msgspec

    result = documents.latency(monkeypatch)
    evil = "<img src=x onerror=document.title='owned'></script><script>document.title='owned'</script>"
    device = msgspec.structs.replace(result.device, soc=evil, details={evil: evil})
    page = show(documents.write(tmp_path / "evil.json", msgspec.structs.replace(result, device=device, command=evil)))
    assert page.title() == "Met: night<b>.tflite"
    assert page.locator("h2").inner_text() == evil
