"""From a plan with [conversion] to its result: environments, networks, conversions, figures, latency by turns."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from redmobile.bench.peers.conversion import Frames, ReadyNetwork, convert_once
from redmobile.bench.peers.environments import make_environment
from redmobile.bench.peers.figures import Figures, Vela, why_not_timed
from redmobile.bench.peers.limited import Limits
from redmobile.bench.peers.networks import load_frames, network_size, onnx_network, ready_network
from redmobile.bench.peers.result import FORMAT, LatencyRun, NetworkFacts, PeersResult, Row, to_builtins
from redmobile.bench.peers.tables import ConversionTable, ConverterTable, NetworkTable, Precision
from redmobile.bench.peers.tools import Tool, make_tool
from redmobile.bench.peers.unfinished import Part, Unfinished
from redmobile.bench.plan import ClosedLoop, Plan, adapt, load_plan
from redmobile.core.artifact import sha256_file
from redmobile.core.environment import describe
from redmobile.core.results import write_json
from redmobile.data.calibration import load_calibration
from redmobile.errors import DocumentError, RedmobileError, ToolError, UsageError
from redmobile.shelf import find

Progress = Callable[[str, int, int], None]
"""(what is being done, done, all) → None."""

_LATENCY = "latency"
RESULT = "result.json"
"""The result's name in the output folder."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """What of a plan is carried out, and on what. only, converters: names; empty: all. onnx: files that are converted as well.

    calibrate, pictures: folders, in place of the plan's photographs. out: folder of conversions, logs and the result.
    """

    out: Path
    only: Sequence[str] = ()
    converters: Sequence[str] = ()
    onnx: Sequence[Path] = ()
    calibrate: Path | None = None
    pictures: Path | None = None


def compare_converters(
    plan: str,
    choice: Choice,
    *,
    threads: int | None = None,
    runs: int | None = None,
    seconds: float | None = None,
    on_progress: Progress | None = None,
) -> PeersResult:
    """Carry out the plan called `plan` (on the shelf, or a path), and leave its result in `choice.out` too.

    threads, runs, seconds: of the latency measurement, in place of the plan's values. A comparison that was stopped goes on where it was, if it is
    called again with the same folder. What one converter cannot do, for whatever reason, is a
    row of the result. Raises InputError, DocumentError, UsageError, OutputError.
    """
    settings = adapt(load_plan(plan), runs=runs, seconds=seconds)
    if settings.conversion is None or settings.closed_loop is None:
        raise DocumentError(f"{plan}: has no table [conversion]; a plan that compares converters was expected.")
    table = _chosen(settings.conversion, choice)
    if threads is not None:
        table = msgspec.structs.replace(table, threads=(threads,))
    choice = dataclasses.replace(choice, out=choice.out.resolve())  # the converters run in folders of their own
    result = _Work(plan, msgspec.structs.replace(settings, conversion=table), table, choice, on_progress).carry_out(settings.closed_loop)
    write_json(choice.out / RESULT, to_builtins(result))
    Unfinished(choice.out).clear()
    return result


def _chosen(table: ConversionTable, choice: Choice) -> ConversionTable:
    """The table with what was asked for only; ours, the first converter, always stays, for the others are measured against it."""
    networks = [network.name for network in table.network] + [path.stem for path in choice.onnx]
    faults = [f"no network '{name}' (known: {', '.join(networks)})" for name in choice.only if name not in networks]
    known = [converter.name for converter in table.converter]
    faults += [f"no converter '{name}' (known: {', '.join(known)})" for name in choice.converters if name not in known]
    faults += [f"two networks are called '{name}'" for name in sorted({name for name in networks if networks.count(name) > 1})]
    if faults:
        raise UsageError(f"The plan has {'; '.join(faults)}.")
    ours, *others = table.converter
    return msgspec.structs.replace(
        table,
        network=tuple(network for network in table.network if not choice.only or network.name in choice.only),
        converter=(ours, *(other for other in others if not choice.converters or other.name in choice.converters)),
    )


@dataclasses.dataclass
class _Found:
    """A network on its way. network: None where it could not be had, for `reason`."""

    name: str
    network: ReadyNetwork | None
    frames: Frames | None
    reason: str = ""


_Tools = Sequence[tuple[ConverterTable, Tool | RedmobileError]]
"""Each converter, and how it is called, or why it cannot be."""


class _Work:
    """One comparison being carried out."""

    def __init__(self, plan: str, settings: Plan, table: ConversionTable, choice: Choice, on_progress: Progress | None) -> None:
        self._plan, self._settings, self._table, self._choice = plan, settings, table, choice
        self._file = find("benchmarks", plan).resolve()
        self._folder = self._file.parent
        self._calibrate = choice.calibrate or find("models", table.photographs) / "calibration"
        self._pictures = choice.pictures or find("models", table.photographs) / "demo"
        self._onnx = [path for path in choice.onnx if not choice.only or path.stem in choice.only]
        self._limits = Limits(seconds=table.seconds, memory_mib=table.memory_mib)
        self._on_progress = on_progress
        self._done = 0
        self._runs: list[LatencyRun] = []
        self._builder: Tool | RedmobileError | None = None
        self._unfinished = Unfinished(choice.out)
        self._common: list[str] = []
        """What all rows depend on."""

    def carry_out(self, loop: ClosedLoop) -> PeersResult:
        """Everything, in order: environments one at a time, then network after network."""
        calibration = load_calibration(self._calibrate, 1, 1, self._table.frames).lock  # unreadable pictures are told of before anything is installed
        pictures = load_calibration(self._pictures, 1, 1, self._table.pictures).lock
        self._common = [repr(self._settings), repr(sorted(pictures.items())), repr(sorted(describe()["packages"].items()))]
        onnx = [onnx_network(path) for path in self._onnx]
        tools = [(converter, self._announced_tool(converter)) for converter in self._table.converter]
        figures = Figures(
            out=self._choice.out,
            pictures=self._pictures,
            count=self._table.pictures,
            threads=max(self._table.threads),
            loop=loop,
            rules=self._settings.stability,
            limits=self._limits,
            vela=self._vela(),
        )
        rows: list[Row] = []
        ready: list[ReadyNetwork] = []
        for found in self._networks(onnx):
            ready += [] if found.network is None else [found.network]
            for precision in self._table.precisions:
                rows += self._part(found, precision, tools, figures)
        self._say("done")
        return PeersResult(
            format=FORMAT,
            plan=self._plan,
            plan_sha256=sha256_file(self._file),
            settings=self._settings,
            environment=describe(),
            requirements={name: sha256_file(self._folder / one.requirements) for name, one in self._table.environment.items()},
            calibration=calibration,
            pictures=pictures,
            networks=tuple(map(_network_facts, ready)),
            rows=tuple(rows),
            runs=tuple(self._runs),
        )

    def _networks(self, onnx: Sequence[ReadyNetwork]) -> Iterator[_Found]:
        """One after the other, each built when it is its turn; then those that were given as files."""
        yield from map(self._ready, self._table.network)
        for network in onnx:
            yield _Found(network.name, network, self._frames(network.size))

    def _announced_tool(self, converter: ConverterTable) -> Tool | RedmobileError:
        self._say(f"environment of {converter.name}")
        return self._tool(converter)

    def _tool(self, converter: ConverterTable) -> Tool | RedmobileError:
        try:
            return make_tool(converter.name, converter.driver, converter.environment, self._table, self._folder, converter.recipes)
        except RedmobileError as error:
            return error

    def _vela(self) -> Vela | None:
        self._say("environment of vela")
        if self._table.vela is None:
            return None
        name = self._table.vela.environment
        try:
            python: Path | str = make_environment(name, self._table.environment[name], self._folder / self._table.environment[name].requirements)
        except RedmobileError as error:
            python = str(error)
        return Vela(python, self._table.vela.accelerator)

    def _make_builder(self) -> Tool:
        """The tool that builds PyTorch networks, made once. Raises what making it raised."""
        if self._builder is None:
            self._builder = self._tool(ConverterTable(name=self._table.builder, driver="export_network", environment=self._table.builder))
        if isinstance(self._builder, RedmobileError):
            raise self._builder
        return self._builder

    def _frames(self, size: tuple[int, int]) -> Frames:
        return load_frames(self._calibrate, self._table.frames, size, self._choice.out)

    def _ready(self, table: NetworkTable) -> _Found:
        self._say(f"network {table.name}")
        try:
            frames = self._frames(network_size(table, self._folder))
            network = ready_network(table, frames, self._folder, self._make_builder, self._choice.out, self._limits)
        except RedmobileError as error:
            return _Found(table.name, None, None, str(error))
        return _Found(table.name, network, frames)

    def _part(self, found: _Found, precision: Precision, tools: _Tools, figures: Figures) -> tuple[Row, ...]:
        """All rows of one network and precision, those of a comparison that was stopped included."""
        name, depends = f"{found.name}_{precision}", [*self._common, *_depends(found, tools)]
        part = self._unfinished.find(name, depends)
        if part is None:
            before = len(self._runs)
            part = Part(rows=tuple(self._rows(found, precision, tools, figures)), runs=tuple(self._runs[before:]))
            if all(map(_lasts, part.rows)):
                self._unfinished.keep(name, depends, part)
        else:
            self._runs += part.runs
            self._done += self._steps_of_part
        return part.rows

    def _rows(self, found: _Found, precision: Precision, tools: _Tools, figures: Figures) -> list[Row]:
        """All rows of one network and precision."""
        rows = [self._converted(found, converter, tool, precision) for converter, tool in tools]
        rows = [self._measured(row, found, figures) for row in rows]
        for threads in self._table.threads:
            rows = self._with_latency(rows, threads, figures)
        return rows

    def _converted(self, found: _Found, converter: ConverterTable, tool: Tool | RedmobileError, precision: Precision) -> Row:
        self._say(f"{found.name} {precision}: {converter.name}")
        row = Row(network=found.name, converter=converter.name, precision=precision, outcome="failed", reason=found.reason or str(tool))
        if found.network is not None and found.network.module is None and converter.takes == "module":
            return msgspec.structs.replace(row, outcome="not applicable", reason="takes PyTorch modules, and this network is an ONNX file")
        if found.network is None or found.frames is None or isinstance(tool, RedmobileError):
            return row
        try:
            conversion, cached = convert_once(tool, found.network, precision, found.frames, self._choice.out, self._limits)
        except ToolError as error:
            return msgspec.structs.replace(row, reason=str(error))
        return msgspec.structs.replace(row, outcome=conversion.outcome, reason=conversion.reason, cached=cached, conversion=conversion)

    def _measured(self, row: Row, found: _Found, figures: Figures) -> Row:
        self._say(f"{row.network} {row.precision}: figures of {row.converter}")
        if found.network is None:
            return row
        row = figures.of(row, found.network)
        reason = why_not_timed(row)
        return msgspec.structs.replace(row, missing=row.missing | {_LATENCY: reason}) if reason else row

    def _with_latency(self, rows: list[Row], threads: int, figures: Figures) -> list[Row]:
        """`rows` with one latency more, the files running by turns; those that did not load, or compute something else, stay without."""
        self._say(f"{rows[0].network} {rows[0].precision}: latency, {threads} thread{'' if threads == 1 else 's'}")
        try:
            timed = [row for row in rows if row.load is not None and _LATENCY not in row.missing]
            latencies, run = figures.latency(timed, threads, self._table.converter[0].name)
        except RedmobileError as error:
            missing = {f"latency {threads}": str(error)}
            return [row if row.load is None else msgspec.structs.replace(row, missing=row.missing | missing) for row in rows]
        self._runs += [] if run is None else [run]
        return [msgspec.structs.replace(row, latency=(*row.latency, latencies[row.converter])) if row.converter in latencies else row for row in rows]

    def _say(self, what: str) -> None:
        """Announce a step that begins, after those that are done."""
        if self._on_progress:
            self._on_progress(what, self._done, self._steps)
        self._done += 1

    @property
    def _steps(self) -> int:
        table, converters = self._table, len(self._table.converter)
        networks = len(table.network) + len(self._onnx)
        return converters + 1 + len(table.network) + networks * len(table.precisions) * self._steps_of_part

    @property
    def _steps_of_part(self) -> int:
        return 2 * len(self._table.converter) + len(self._table.threads)


def _lasts(row: Row) -> bool:
    """Whether another try would find the same: time and memory depend on what else the machine does, environments on the network."""
    return row.outcome in ("converted", "not applicable") or (row.outcome == "failed" and row.conversion is not None)


def _depends(found: _Found, tools: _Tools) -> list[str]:
    """What the rows of a network depend on, besides the plan."""
    called = [str(tool) if isinstance(tool, RedmobileError) else tool.fingerprint for _, tool in tools]
    network = found.reason if found.network is None else found.network.onnx_sha256
    return [*called, network, found.frames.sha256 if found.frames else ""]


def _network_facts(network: ReadyNetwork) -> NetworkFacts:
    weights = Path(network.module.weights) if network.module else None
    return NetworkFacts(
        name=network.name,
        size=network.size,
        onnx_bytes=network.onnx.stat().st_size,
        onnx_sha256=network.onnx_sha256,
        weights_sha256=sha256_file(weights) if weights else None,
    )
