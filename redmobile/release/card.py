"""The figures in a model's card, written from figures.json: nobody types them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redmobile.core.artifact import write_text
from redmobile.errors import DocumentError
from redmobile.release.document import Release

CARD = "card.md"
BEGIN, END = "<!-- figures: written by `redmobile release` -->", "<!-- end of figures -->"


def update_card(folder: Path, release: Release) -> None:
    """Write the figures between BEGIN and END of the card in `folder`, if it has such a place. Raises DocumentError, OutputError."""
    path = folder / CARD
    if path.is_file() and BEGIN in (text := path.read_text(encoding="utf-8")):
        before, _, rest = text.partition(BEGIN)
        if END not in rest:
            raise DocumentError(f"{path}: '{END}' was expected behind '{BEGIN}'.")
        write_text(path, f"{before}{BEGIN}\n{figures(release)}\n{END}{rest.partition(END)[2]}")


def figures(release: Release) -> str:
    """Everything that was measured, as Markdown."""
    parts = [_files(release)]
    for name, found in release.evaluations.items():
        if found["figures"]:
            parts.append(_evaluation(name, found, release))
        if found["noise"]:
            parts.append(_noise(name, found))
    return "\n\n".join(parts)


def _files(release: Release) -> str:
    targets = [cost.target for cost in next(iter(release.costs.values()), ())]
    known = {file.file: file for file in release.files}
    rows = []
    for name in dict.fromkeys([*release.costs, *known]):
        file = known.get(name)
        facts = [f"{file.graph[0]}×{file.graph[1]}", f"{file.bytes:,}", f"{file.macs / 1e9:.2f}", file.sha256[:12]] if file else [""] * 4
        rows.append([name, *facts, *(f"{cost.value:,.1f} (× {cost.ratio:.2f})" for cost in release.costs.get(name, ()))])
    lines = [_table(["file", ">graph", ">bytes", ">GMAC", ">sha256", *(f">{target}" for target in targets)], rows)]
    if targets:
        told = "; ".join(f"{cost.target}: {cost.measures}" for cost in next(iter(release.costs.values())))
        lines += ["", f"{told}. In brackets: times as much as {release.compared_with} (a frame's time, instructions or cycles)."]
        lines += [f"{name} on {cost.target}: {remark}." for name, each in release.costs.items() for cost in each for remark in cost.remarks]
    return "\n".join(lines)


def _evaluation(name: str, found: dict[str, Any], release: Release) -> str:
    rows = []
    for row in found["figures"]:
        before, after = row["before"], row["after"]
        scores = (before["psnr"], after["psnr"], row["gain_db"], row["pooled_db"], after["psnr_matched"])
        rows.append([row["condition"], row["subject"], str(row["images"]), *(_db(score) for score in scores), f"{after['ssim']:.3f}"])
    header = ["condition", "stage", ">pictures", ">input dB", ">PSNR dB", ">gain dB", ">pooled dB", ">matched dB", ">SSIM"]
    lines = [f"**{name}** ({found['source']})", "", _table(header, rows)]
    if name == "pairs":
        lines += [f"\nINT8 against float: {says}." for says in release.closeness]
    lines += [
        f"\nBanding on dark gradients: ripple {band['ripple_codes']:.2f} codes, {band['unavoidable_codes']:.2f} of them unavoidable ({band['band']})."
        for band in found["banding"]
    ]
    lines += [
        f"\nFlicker of a static, noisy scene: brightness {flicker['brightness_before_percent']:.3f} % before, "
        f"{flicker['brightness_after_percent']:.3f} % after; blocks of 32×32 pixels {flicker['blocks_before_percent']:.2f} % and "
        f"{flicker['blocks_after_percent']:.2f} %."
        for flicker in found["flicker"]
    ]
    return "\n".join(lines)


def _noise(name: str, found: dict[str, Any]) -> str:
    rows = []
    for point in found["noise"]:
        (after,) = point["after"].values()
        before = point["before"]
        rows.append(
            [
                f"{point['snr_db']:g}",
                f"{point['measured_snr_db']:.1f}",
                _db(before["psnr"]),
                _db(after["psnr"]),
                _db(after["psnr"] - before["psnr"]),
                _db(after["psnr_matched"]),
            ]
        )
    return f"**noise** (low light on {name})\n\n" + _table([">SNR dB", ">measured dB", ">input dB", ">PSNR dB", ">gain dB", ">matched dB"], rows)


def _db(value: float | str) -> str:
    """JSON has no infinity; results say "inf" and "nan"."""
    return "–" if math.isnan(float(value)) else f"{float(value):.2f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown; '>' before a column's name aligns it right."""
    lines = [[name.removeprefix(">") for name in header], ["---:" if name.startswith(">") else "---" for name in header], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
