"""Comparisons of stages and of files, as runs: gates, figures, the worst picture between which one slides."""

from __future__ import annotations

import math
from collections.abc import Sequence

from redmobile.errors import DocumentError
from redmobile.report.bench_common import environment_facts, share_of
from redmobile.report.document import Place
from redmobile.report.figures import Figure, Unit
from redmobile.report.view import BarsBlock, Block, Cell, Check, ListBlock, Pair, Part, Picture, Run, Sign, SliderBlock, TableBlock, Verdict

_UNITS: dict[str, Unit] = {"psnr": "dB", "ssim": "score", "max_difference": "codes", "mean_difference": "codes"}
_OUTCOMES = {"passed": "passed", "failed": "failed", "not judged": "skipped"}
_MOST_PICTURES = 40


def parity_run(result: Place) -> Run:
    """A run from a `redmobile parity` of one target."""
    stages = result["stages"].items()
    last = stages[-1]
    gates = result["gates"].items()
    pairs = result["pairs"].items()
    blocks: list[Block] = [
        *_findings(result),
        *_slider(result.get("sheet")),
        *([_gates(gates)] if gates else []),
        *([_pairs(pairs)] if pairs else []),
        *_truth(result.get("truth")),
        *(_pictures(pairs) if pairs else []),
        *_layers(result.many("layers")),
    ]
    tiles = _against_last(pairs, last["name"].text())
    return Run(
        name=" → ".join(stage["name"].text() for stage in stages),
        target="parity",
        model=last["file"].text().rsplit("/", 1)[-1],
        plan="parity",
        nature="measured",
        verdict=_verdict(result, [gate["says"].text() for gate in gates]),
        tiles=tiles,
        compared={figure.label: figure for figure in tiles if figure.label.startswith("PSNR")},
        blocks=blocks,
        facts={**_stage_facts(stages), "Converter": result["converter"].text() or "–", **environment_facts(result["environment"])},
        date=result["environment"]["date"].text(),
        checks=[*_finding_checks(result, last["name"].text()), *(_gate_check(gate, last["name"].text()) for gate in gates)],
    )


def files_run(result: Place) -> Run:
    """A run from a `redmobile parity` of several files."""
    files, pairs = result["files"].items(), result["pairs"].items()
    outputs = [(pair, output) for pair in pairs for output in pair["outputs"].items()]
    rows: list[list[Cell]] = [
        [f"{pair['expected'].text()} → {pair['found'].text()}", output["name"].text(), *output["figures"].figures(_FILE_UNITS)]
        for pair, output in outputs
    ]
    table = TableBlock("Output by output", ["", "output", *_FILE_COLUMNS.values()], rows)
    sqnr = [figure for _, output in outputs if (figure := output["figures"].figure("sqnr", "signal to noise", "dB")).value is not None]
    tiles = [min(sqnr, key=lambda figure: figure.value or 0.0)] if sqnr else []
    least = result.get("least_sqnr_db")
    asked = f"Every output had to reach {least.number():g} dB." if least else "No least signal-to-noise ratio was asked for."
    return Run(
        name=" → ".join(file["name"].text() for file in files),
        target="parity",
        model=files[-1]["name"].text(),
        plan="parity",
        nature="measured",
        verdict=_verdict(result, [asked]),
        tiles=tiles,
        compared={},
        blocks=[*_findings(result), table, *_layers(result.many("layers"))],
        facts={
            **{file["name"].text(): f"sha256 {file['sha256'].text()}, {file['runtime'].text()}" for file in files},
            **environment_facts(result["environment"]),
        },
        date=result["environment"]["date"].text(),
        checks=_finding_checks(result, files[-1]["name"].text()),
    )


_FILE_UNITS: dict[str, Unit] = {"sqnr": "dB", "cosine": "plain", "max_difference": "plain", "mean_difference": "plain"}
_FILE_COLUMNS = {"sqnr": "signal to noise", "cosine": "cosine", "max_difference": "largest difference", "mean_difference": "mean difference"}
_HEADS = ("", "PSNR", "SSIM", "largest", "mean")
_COLUMNS = {"psnr": "PSNR", "ssim": "SSIM", "max_difference": "largest difference", "mean_difference": "mean difference"}


def _verdict(result: Place, says: Sequence[str]) -> Verdict:
    passed, findings = result["passed"].flag(), result["findings"].texts()
    sign: Sign = "good" if passed else "bad"
    return Verdict(sign, "Passed" if passed else "Failed", " ".join(findings or says) or "No gate was to be judged.")


def _findings(result: Place) -> list[Block]:
    found = [("What is wrong", result["findings"].texts()), ("Worth knowing", result["remarks"].texts())]
    return [ListBlock(title, texts) for title, texts in found if texts]


def _finding_checks(result: Place, last: str) -> list[Check]:
    findings = result["findings"].texts()
    return [Check(f"{last}: shape, dtype, layout, finiteness", "failed" if findings else "passed", "\n".join(findings))]


def _gate_check(gate: Place, last: str) -> Check:
    outcome = _OUTCOMES.get(gate["outcome"].text(), "skipped")
    return Check(f"{last}: {_gate_title(gate)}", outcome, gate["says"].text())  # type: ignore[arg-type]


def _gate_title(gate: Place) -> str:
    sign = ">=" if gate["higher_is_better"].flag() else "<="
    return f"{gate['metric'].text()} against {gate['against'].text()} {sign} {gate['threshold'].number():g} {gate['unit'].text()}".rstrip()


def _gates(gates: Sequence[Place]) -> Block:
    rows: list[list[Cell]] = []
    for gate in gates:
        worst = gate.get("worst")
        named = f"{worst['image'].text()}: {worst['value'].number():.2f}" if worst else "–"
        rows.append([_gate_title(gate), gate["outcome"].text(), gate.figure("value", "value", _UNITS.get(gate["metric"].text(), "plain")), named])
    return TableBlock("Gates", ["", "outcome", "found", "worst picture"], rows)


def _against_last(pairs: Sequence[Place], last: str) -> list[Figure]:
    """Figures of the converted file against what comes closest to it."""
    for pair in pairs:
        if pair["found"].text() == last:
            against = pair["expected"].text()
            return [_named(_value(pair["pooled"], key), f"{label} to {against}") for key, label in _COLUMNS.items()]
    return []


def _named(figure: Figure, label: str) -> Figure:
    return Figure(label, figure.value, figure.unit, figure.path)


def _value(figures: Place, key: str) -> Figure:
    return figures.figure(key, key, _UNITS.get(key, "plain"))


def _pairs(pairs: Sequence[Place]) -> Block:
    rows: list[list[Cell]] = [[f"{pair['expected'].text()} → {pair['found'].text()}", *pair["pooled"].figures(_UNITS)] for pair in pairs]
    says = "Over all pictures, each with the same weight; largest and mean difference of a value."
    return TableBlock("Stage by stage", _HEADS, rows, says=says)


def _truth(truth: Place | None) -> list[Block]:
    if truth is None:
        return []
    rows: list[list[Cell]] = [[row["stage"].text(), *(_value(row["mean"], key) for key in ("psnr", "ssim"))] for row in truth["rows"].items()]
    loss = truth["loss_psnr_db"].number()
    says = f"Means over the pictures. Against {truth['loss_from'].text()}, the converted file loses {loss:.2f} dB."
    return [TableBlock("Against the ground truth", ["", "PSNR", "SSIM"], rows, says=says)]


def _pictures(pairs: Sequence[Place]) -> list[Block]:
    """The last pair's pictures: the lowest PSNR is what one looks for."""
    pair = pairs[-1]
    rows: list[list[Cell]] = [[scores["image"].text(), *scores["values"].figures(_UNITS)] for scores in pair["images"].items()]
    title = f"Pictures: {pair['expected'].text()} → {pair['found'].text()}"
    named = [(scores["image"].text(), _value(scores["values"], "psnr")) for scores in pair["images"].items()]
    drawn = [(name, figure) for name, figure in named if figure.value is not None and math.isfinite(figure.value)]
    lowest = sorted(drawn, key=lambda one: one[1].value or 0.0)[:_MOST_PICTURES]
    longest = max((figure.value or 0.0 for _, figure in lowest), default=0.0)
    parts = [Part(name, figure, share_of(figure.value, longest)) for name, figure in lowest]
    shown: list[Block] = [BarsBlock("PSNR by picture, the lowest first", "PSNR", parts)] if parts else []
    return [*shown, TableBlock(title, _HEADS, rows, folded=True)]


def _layers(layers: Sequence[Place]) -> list[Block]:
    blocks: list[Block] = []
    for pair in layers:
        first = pair.get("first_bad")
        says = f"The first that parts: {first.text()}." if first else "None parts by more than its weights' type explains."
        rows: list[list[Cell]] = [
            [
                layer["name"].text(),
                layer["operator"].text(),
                layer.figure("sqnr_db", "", "dB"),
                layer.figure("own_steps", ""),
                layer["bad"].flag() * "bad",
            ]
            for layer in pair["layers"].items()
        ]
        columns = ["", "operator", "signal to noise", "own error in steps", ""]
        blocks.append(TableBlock(f"Layers: {pair['expected'].text()} → {pair['found'].text()}", columns, rows, folded=True, says=says))
    return blocks


def _slider(sheet: Place | None) -> list[Block]:
    if sheet is None:
        return []
    expected, found = sheet["expected_name"].text(), sheet["found_name"].text()
    scale = f"difference, brightest: {sheet['full_scale_codes'].number():g} codes and more"
    words = {"input": "before", "expected": expected, "found": f"after, {found}", "difference": scale}
    pictures = [Picture(key, _data_uri(sheet[key]), says) for key, says in words.items()]
    pairs = [
        Pair("Before and after", "input", "found"),
        Pair(f"{expected} and {found}", "expected", "found"),
        Pair("Difference", "found", "difference"),
    ]
    says = f"{sheet['image'].text()}, the picture on which {found} is furthest from {expected}: PSNR {sheet['psnr_db'].number():.2f} dB."
    return [SliderBlock("The worst picture", pictures, pairs, int(sheet["width"].number()), int(sheet["height"].number()), says=says)]


def _data_uri(place: Place) -> str:
    """Nothing but a picture inside the page: an address elsewhere would be asked for when the page is opened."""
    text = place.text()
    if not text.startswith("data:image/"):
        raise DocumentError(f"{place.file}: '{place.path}' is no picture; text that begins with data:image/ was expected.")
    return text


def _stage_facts(stages: Sequence[Place]) -> dict[str, str]:
    return {
        stage["name"].text(): f"{stage['file'].text()}, sha256 {stage['sha256'].text()}, {stage['runtime'].text()}; {stage['input'].text()}"
        for stage in stages
    }
