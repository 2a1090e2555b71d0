"""How good pictures became, as a run: condition by condition, network beside network."""

from __future__ import annotations

from collections.abc import Sequence

from redmobile.report import charts
from redmobile.report.bench_common import environment_facts, share_of
from redmobile.report.charts import Line
from redmobile.report.document import Place
from redmobile.report.figures import Figure, Unit
from redmobile.report.view import BarsBlock, Block, Cell, ChartBlock, Part, Run, TableBlock, Verdict

_SCORES: dict[str, Unit] = {"psnr": "dB", "psnr_matched": "dB", "ssim": "score"}


def quality_run(result: Place) -> Run:
    """A run from a `redmobile evaluate`. There is no budget in it, so it has no verdict but what it found."""
    figures, subjects = result["figures"].items(), result["subjects"].items()
    tiles = _tiles(figures)
    return Run(
        name=result["source"].text(),
        target="evaluate",
        model=", ".join(subject["name"].text() for subject in subjects),
        plan="evaluate",
        nature="measured",
        verdict=Verdict("none", "Evaluated", _says(figures)),
        tiles=tiles,
        compared={figure.label: figure for figure in tiles},
        blocks=[
            *_by_condition(figures),
            *([_table(figures)] if figures else []),
            *_noise(result.many("noise")),
            *_banding(result.many("banding")),
            *_flicker(result.many("flicker")),
            *(block for found in figures for block in _pictures(found)),
        ],
        facts={
            "Pictures": result["source"].text(),
            **{
                subject["name"].text(): f"{subject['file'].text()}, sha256 {subject['sha256'].text()}, {subject['runtime'].text()}"
                for subject in subjects
            },
            **{f"What {name} is": place.text() for name, place in result["conventions"].entries().items()},
            **environment_facts(result["environment"]),
        },
        date=result["environment"]["date"].text(),
        checks=[],
    )


def _title(figures: Place) -> str:
    return f"{figures['subject'].text()} on {figures['condition'].text()}"


def _tiles(figures: Sequence[Place]) -> list[Figure]:
    """Of the first network under the first condition."""
    if not figures:
        return []
    after = figures[0]["after"]
    gain = figures[0].figure("gain_db", "gained", "dB")
    return [
        after.figure("psnr", "PSNR", "dB"),
        gain,
        after.figure("psnr_matched", "at matched brightness", "dB"),
        after.figure("ssim", "SSIM", "score"),
    ]


def _says(figures: Sequence[Place]) -> str:
    if not figures:
        return "No pictures were compared with references."
    first = figures[0]
    before, after = (first[key].figure("psnr", "", "dB").text for key in ("before", "after"))
    more = f" {len(figures) - 1} more below." if len(figures) > 1 else ""
    return f"{_title(first)}: {before} as given, {after} enhanced, mean of {len(first['images'].items())} pictures.{more}"


def _by_condition(figures: Sequence[Place]) -> list[Block]:
    """A bar for the pictures as they were given, and one for each network."""
    blocks: list[Block] = []
    for condition in dict.fromkeys(found["condition"].text() for found in figures):
        rows = [found for found in figures if found["condition"].text() == condition]
        values = [("as given", rows[0]["before"].figure("psnr", "as given", "dB"))]
        values += [(found["subject"].text(), found["after"].figure("psnr", "enhanced", "dB")) for found in rows]
        longest = max((figure.value for _, figure in values if charts.finite(figure.value)), default=0.0)
        parts = [Part(label, figure, share_of(figure.value, longest) if charts.finite(figure.value) else 1.0) for label, figure in values]
        blocks.append(BarsBlock(f"PSNR: {condition}", "PSNR", parts))
    return blocks


def _table(figures: Sequence[Place]) -> Block:
    rows: list[list[Cell]] = [
        [
            _title(found),
            Figure("pictures", len(found["images"].items()), "count"),
            found["before"].figure("psnr", "as given", "dB"),
            found["after"].figure("psnr", "PSNR", "dB"),
            found.figure("gain_db", "gained", "dB"),
            found.figure("pooled_db", "pooled", "dB"),
            found["after"].figure("psnr_matched", "matched", "dB"),
            found["after"].figure("ssim", "SSIM", "score"),
        ]
        for found in figures
    ]
    columns = ["", "pictures", "as given", "PSNR", "gained", "pooled", "matched brightness", "SSIM"]
    return TableBlock("Against the ground truth", columns, rows, says="Pooled: the PSNR of the mean squared error of all pictures.")


def _noise(points: Sequence[Place]) -> list[Block]:
    if not points:
        return []
    names = list(points[0]["after"].entries())
    at = [point["snr_db"].number() for point in points]
    given = Line("as given", [(snr, point["before"]["psnr"].number()) for snr, point in zip(at, points, strict=True)])
    made = [Line(name, [(snr, point["after"][name]["psnr"].number()) for snr, point in zip(at, points, strict=True)]) for name in names]
    rows: list[list[Cell]] = [
        [
            f"{point['snr_db'].number():g} dB",
            point.figure("measured_snr_db", "measured", "dB"),
            point["before"].figure("psnr", "as given", "dB"),
            *(point["after"][name].figure("psnr", name, "dB") for name in names),
        ]
        for point in points
    ]
    says = "PSNR over the signal-to-noise ratio of the dark picture, in dB."
    return [
        ChartBlock("Under noise", charts.lines([given, *made], "dB", along="dB"), says=says),
        TableBlock("Under noise, in figures", ["signal to noise", "measured", "as given", *names], rows, folded=True),
    ]


def _banding(found: Sequence[Place]) -> list[Block]:
    units: dict[str, Unit] = {"ripple_codes": "codes", "unavoidable_codes": "codes", "dip_codes": "codes"}
    rows: list[list[Cell]] = [[one["subject"].text(), *one.figures(units), one["band"].text()] for one in found]
    says = "Dark, smooth gradients, their worst band, in codes of 8 bits; unavoidable: what the 8-bit input has of it already."
    return [TableBlock("Banding", ["", "ripple", "unavoidable", "falls back by", "band"], rows, says=says)] if rows else []


def _flicker(found: Sequence[Place]) -> list[Block]:
    keys = ("brightness_before_percent", "brightness_after_percent", "blocks_before_percent", "blocks_after_percent")
    rows: list[list[Cell]] = [[one["subject"].text(), *one.figures(dict.fromkeys(keys, "plain"))] for one in found]
    columns = ["", "whole frame, given", "enhanced", "blocks, given", "enhanced"]
    says = "A static scene under new noise in each frame: change of brightness from one to the next, in percent of the mean."
    return [TableBlock("Flicker", columns, rows, says=says)] if rows else []


def _pictures(figures: Place) -> list[Block]:
    images = figures["images"].items()
    rows: list[list[Cell]] = [
        [image["image"].text(), image["before"].figure("psnr", "as given", "dB"), *image["after"].figures(_SCORES)] for image in images
    ]
    named = {key: figures[key].text() for key in ("best", "median", "worst")}
    says = "; ".join(f"{key}: {name}" for key, name in named.items())
    columns = ["", "as given", "PSNR", "matched brightness", "SSIM"]
    return [TableBlock(f"Pictures: {_title(figures)}", columns, rows, folded=True, says=f"By PSNR, {says}.")] if rows else []
