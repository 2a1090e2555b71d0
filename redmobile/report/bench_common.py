"""What every benchmark result has: header, verdict, trust, device, delegate, heat."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

from redmobile.report import charts
from redmobile.report.charts import Line
from redmobile.report.document import Place
from redmobile.report.figures import Figure
from redmobile.report.view import BarsBlock, Block, Cell, ChartBlock, Check, ListBlock, Nature, Part, Run, Sign, SplitBlock, TableBlock, Verdict

_SIGNS: Mapping[str, Sign] = {"met": "good", "missed": "bad", "not to be trusted": "doubtful", "no budget": "none", "not measured": "none"}
_BARS = 10
"""Operators that get a bar each."""

_ZONES = 6
_SHA = 12


@dataclasses.dataclass(frozen=True)
class Common:
    """The part of a result that all kinds share. budget_ms: what a frame may take: of a stream from its arrival, else one frame's time."""

    result: Place
    model: Place
    budget_ms: float

    @classmethod
    def of(cls, result: Place, model: Place) -> Common:
        """From a result, and where in it the model stands."""
        deadline = result.get("deadline_ms")
        return cls(result, model, deadline.number() if deadline else 1000 / result["settings"]["fps"].number())

    def run(
        self,
        nature: Nature,
        tiles: Sequence[Figure],
        compared: dict[str, Figure],
        blocks: Sequence[Block],
        stability: Place | None = None,
        load: Place | None = None,
    ) -> Run:
        """The run, with what there is to say against it before its blocks and what it was taken with behind them."""
        result, verdict = self.result, self.verdict()
        return Run(
            name=_device_name(result),
            target=result["target"].text(),
            model=file_name(self.model),
            plan=result["plan"].text(),
            nature=nature,
            verdict=verdict,
            tiles=[figure for figure in tiles if figure.value is not None],
            compared=compared,
            blocks=[*_doubts(stability, verdict), *blocks, *_remarks(stability)],
            facts=self._facts(load),
            date=result["environment"]["date"].text(),
            command=result["command"].text(),
            checks=[self._check(verdict)],
            budget_ms=self.budget_ms,
        )

    def verdict(self) -> Verdict:
        """The document's own, as a sentence."""
        found = self.result["verdict"]
        outcome = found["outcome"].text()
        incomplete = self.result.get("incomplete")
        says = found["says"].text()
        says = says[:1].upper() + says[1:] + (f" It ended before its time: {incomplete.text()}." if incomplete else "")
        return Verdict(_SIGNS.get(outcome, "none"), outcome.capitalize(), says)

    def _check(self, verdict: Verdict) -> Check:
        outcomes = {"good": "passed", "bad": "failed"}
        name = f"{self.result['plan'].text()} on {self.result['target'].text()}: {file_name(self.model)}"
        return Check(name, outcomes.get(verdict.sign, "skipped"), f"{verdict.word}. {verdict.says}")  # type: ignore[arg-type]

    def _facts(self, load: Place | None) -> dict[str, str]:
        """Label → text: what the figures were taken with."""
        result, device = self.result, self.result["device"]
        facts = {
            "Target": result["target"].text(),
            "Device": device["name"].text(),
            **_texts(device, {"soc": "SoC", "abi": "ABI", "system": "System", "cores": "Cores"}),
            **{label: place.text() for label, place in (device["details"].entries() if device.get("details") else {}).items()},
            "Model": file_name(self.model),
            "Model sha256": self.model["sha256"].text(),
            **_texts(result, {"threads": "Threads", "scenario": "Scenario"}),
            **(_engine(load) if load else {}),
            "Plan": result["plan"].text(),
            **_texts(result, {"plan_sha256": "Plan sha256", "run_id": "Run"}),
        }
        return {**facts, **environment_facts(result["environment"])}


def _doubts(stability: Place | None, verdict: Verdict) -> list[Block]:
    """What speaks against the figures, unless the verdict says it already."""
    reasons = [reason["says"].text() for reason in stability["reasons"].items()] if stability else []
    unsaid = [reason for reason in reasons if reason not in verdict.says]
    return [ListBlock("Not to be trusted, because", unsaid)] if unsaid else []


def _remarks(stability: Place | None) -> list[Block]:
    """What is not known, or worth knowing."""
    remarks = stability["remarks"].texts() if stability and stability.get("remarks") else []
    return [ListBlock("Worth knowing", remarks)] if remarks else []


def _device_name(result: Place) -> str:
    """A phone by its name; this machine, whose name says nothing, by its processor."""
    device = result["device"]
    soc = device.get("soc")
    return soc.text() if soc is not None and result["target"].text() == "host" else device["name"].text()


def environment_facts(environment: Place) -> dict[str, str]:
    """Machine and versions, label → text."""
    packages = environment.get("packages")
    versions = ", ".join(f"{name} {place.text()}" for name, place in packages.entries().items()) if packages else ""
    machine = f"{environment['cpu'].text()}, {environment['cores'].number():g} cores, {environment['machine'].text()}, {environment['system'].text()}"
    python = environment.get("python")
    return {
        "Measured from": machine,
        "Date": environment["date"].text(),
        **({"Python": python.text()} if python else {}),
        **({"Packages": versions} if versions else {}),
    }


def _texts(place: Place, labels: Mapping[str, str]) -> dict[str, str]:
    found = {label: place.get(key) for key, label in labels.items()}
    return {label: str(value.value) for label, value in found.items() if value is not None}


def _engine(load: Place) -> dict[str, str]:
    facts = {"Runtime": load["runtime"].text()}
    delegate = load.get("delegate")
    if delegate is not None:
        asked = delegate.get("asked")
        facts["Delegate"] = delegate["ran"].text() + (f" (asked for: {asked.text()})" if asked else "")
        options = delegate.get("options")
        if options is not None and options.entries():
            facts["Delegate options"] = ", ".join(f"{key}={value.value}" for key, value in options.entries().items())
    for name, key in (("Input", "inputs"), ("Output", "outputs")):
        facts[name] = "; ".join(_tensor(tensor) for tensor in load[key].items())
    return facts


def _tensor(tensor: Place) -> str:
    shape = "×".join(f"{size:g}" for size in tensor["shape"].numbers())
    return f"{tensor['name'].text()}: {shape} {tensor['dtype'].text()} {tensor['layout'].text()}"


def file_name(model: Place) -> str:
    """The last part of a model's path."""
    return model["file"].text().replace("\\", "/").rsplit("/", 1)[-1]


def share_of(part: float | None, whole: float) -> float:
    """Part / whole, 0 where there is nothing."""
    return (part or 0.0) / whole if whole else 0.0


def bars(title: str, column: str, parts: Sequence[tuple[str, Figure]], says: str = "", most: int = _BARS) -> list[Block]:
    """A bar each for the largest, in falling order; the others share a row."""
    ordered = sorted((part for part in parts if part[1].value), key=lambda part: -(part[1].value or 0.0))
    if not ordered:
        return []
    kept, rest = ordered[:most], ordered[most:]
    total, longest = sum(figure.value or 0.0 for _, figure in ordered), ordered[0][1].value or 0.0
    made = [Part(label, figure, share_of(figure.value, longest), share_of(figure.value, total)) for label, figure in kept]
    if rest:
        left = sum(figure.value or 0.0 for _, figure in rest)
        others = Figure("", left, rest[0][1].unit)
        made.append(Part(f"{len(rest)} others", others, 0.0, share_of(left, total)))
    return [BarsBlock(title, column, made, says=says)]


def operator_blocks(holder: Place) -> list[Block]:
    """Where a run's time goes, operator by operator, and by kind."""
    profile = holder.get("profile")
    if profile is None:
        return []
    operators = profile.many("operators")
    if not operators:
        return [ListBlock("Time by operator", [profile["says"].text()])]
    by_kind: dict[str, float] = {}
    for operator in operators:
        by_kind[operator["kind"].text()] = by_kind.get(operator["kind"].text(), 0.0) + operator["mean_ms"].number()
    named = [(f"{operator['kind'].text()} {operator['name'].text()}", operator.figure("mean_ms", "mean", "ms")) for operator in operators]
    rows: list[list[Cell]] = [
        [operator["name"].text(), operator["kind"].text(), operator["unit"].text(), operator.figure("mean_ms", "mean", "ms")]
        for operator in operators
    ]
    kinds = [(kind, Figure("", total, "ms")) for kind, total in by_kind.items()]
    return [
        *bars("Time by kind of operator", "time a run", kinds, says=profile["says"].text()),
        *bars("Time by operator", "time a run", named),
        TableBlock("All operators in their order", ["name", "kind", "unit", "time a run"], rows, folded=True),
    ]


def coverage_blocks(load: Place) -> list[Block]:
    """What the delegate took of the graph, and what it left."""
    coverage = load.get("coverage")
    if coverage is None:
        return []
    unit = coverage["unit"].text() if coverage.get("unit") else "delegate"
    inside, outside = coverage["inside"].entries(), coverage["outside"].entries()
    counts = [("inside", inside), ("outside", outside)]
    nodes = [Figure("operators", sum(place.number() for place in kinds.values()), "count", f"{coverage.path}.{key}:sum") for key, kinds in counts]
    macs = [coverage.figure(f"macs_{key}", "multiply-accumulates", "count") for key, _ in counts]
    total = sum(figure.value or 0.0 for figure in nodes)
    parts = [Part(name, figure, share_of(figure.value, total)) for name, figure in zip((unit, "plain CPU"), nodes, strict=True)]
    partitions = coverage["partitions"].number()
    left = ", ".join(f"{place.number():g} {kind}" for kind, place in outside.items())
    says = f"{partitions:g} partition{'' if partitions == 1 else 's'} on {unit}; {'left outside: ' + left if left else 'nothing is left outside'}."
    rows: list[list[Cell]] = [
        [kind, *(kinds[kind].as_figure(kind, "count") if kind in kinds else "–" for _, kinds in counts)]
        for kind in dict.fromkeys([*inside, *outside])
    ]
    return [
        SplitBlock("Delegate coverage", "operators", parts, ["MACs"], [[figure] for figure in macs], says=says),
        TableBlock("Operators by kind", ["", unit, "plain CPU"], rows, folded=True),
    ]


def machine_blocks(result: Place) -> list[Block]:
    """The machine during the measurement: load, clock, heat, battery."""
    conditions = result.get("conditions")
    if conditions is None:
        return []
    shares = {"own_share": "this process", "other_share": "other processes", "steal_share": "the machine's host"}
    cells = [conditions.figure(key, label, "share") for key, label in shares.items()]
    clocks = {"clock_first_mhz": "clock, first", "clock_last_mhz": "clock, last", "clock_cap_mhz": "allowed at the end", "clock_top_mhz": "can do"}
    cells += [conditions.figure(key, label, "MHz") for key, label in clocks.items()]
    cells += [conditions.figure("throttle_events", "slowed down for heat", "count")]
    known = [figure for figure in cells if figure.value is not None]
    blocks: list[Block] = []
    if known:
        says = f"Shares of all cores' time; governor: {conditions['governor'].text() if conditions.get('governor') else 'not known'}."
        blocks.append(TableBlock("The machine meanwhile", [figure.label for figure in known], [known], says=says))
    return [*blocks, *_heat(conditions.many("samples"))]


def _heat(samples: Sequence[Place]) -> list[Block]:
    drawn: list[Block] = []
    for title, key, unit in (("Temperature", "temperatures_c", "°C"), ("Clock", "clocks_mhz", "MHz")):
        series = _series(samples, key)
        if series:
            drawn.append(ChartBlock(title, charts.lines(series, unit)))
    for title, key, unit in (("Thermal status", "thermal_status", ""), ("Battery", "battery_percent", "%"), ("Battery current", "battery_ma", "mA")):
        points = [(sample["seconds"].number(), sample[key].number()) for sample in samples if sample.get(key) is not None]
        if len(points) > 1:
            status = key == "thermal_status"
            chart = charts.lines([Line(title.lower(), _steps(points) if status else points)], unit, from_zero=status)
            drawn.append(ChartBlock(title, chart, says="Android's, 0 (none) to 6 (shutdown)." if status else ""))
    return drawn


def _steps(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A value holds until the next one comes."""
    held = [(after, value) for (_, value), (after, _) in itertools.pairwise(points)]
    return [point for pair in itertools.zip_longest(points, held) for point in pair if point is not None]


def _series(samples: Sequence[Place], key: str) -> list[Line]:
    """A line a zone, the ones that got highest first."""
    points: dict[str, list[tuple[float, float]]] = {}
    for sample in samples:
        zones = sample.get(key)
        for zone, value in (zones.entries() if zones else {}).items():
            points.setdefault(zone, []).append((sample["seconds"].number(), value.number()))
    ordered = sorted((zone for zone, found in points.items() if len(found) > 1), key=lambda zone: -max(value for _, value in points[zone]))
    return [Line(zone, points[zone]) for zone in ordered[:_ZONES]]
