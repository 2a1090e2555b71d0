"""MLPerf's LoadGen asks for the runs: its scenario 'single-stream', the next query when the last is answered."""

from __future__ import annotations

import importlib.metadata
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redmobile.bench.closed_loop import Progress, Samples
from redmobile.bench.job import LoadGen
from redmobile.bench.plan import MLPERF_MOBILE, ClosedLoop
from redmobile.errors import MissingExtraError, RedmobileError, ToolError

_PACKAGE = "mlcommons-loadgen"
_SUMMARY = "mlperf_log_summary.txt"
_P90 = "90.0th percentile latency (ns)"
_RESULT = "Result is"


def single_stream(network: Callable[[], object], loop: ClosedLoop, on_progress: Progress | None = None) -> tuple[Samples, LoadGen]:
    """Durations of the runs that LoadGen asked for, as we see them, and what LoadGen says of them.

    Its own log lies in a folder that is thrown away. Raises MissingExtraError, ToolError, and what the network raises.
    """
    try:
        import mlperf_loadgen
    except ModuleNotFoundError as error:
        raise MissingExtraError(_PACKAGE, "loadgen", "--scenario single-stream") from error
    asked = _Asked(network, loop, mlperf_loadgen, on_progress)
    warm_up = [asked.timed() for _ in range(loop.warm_up)]
    with tempfile.TemporaryDirectory() as folder:
        _run(mlperf_loadgen, asked, loop, Path(folder))
        if asked.error is not None:
            raise asked.error
        return Samples([warm_up], [asked.samples_ms]), _read(Path(folder) / _SUMMARY, len(asked.samples_ms), loop)


class _Asked:
    """The system under test, as LoadGen calls it."""

    def __init__(self, network: Callable[[], object], loop: ClosedLoop, loadgen: Any, on_progress: Progress | None) -> None:
        self._network = network
        self._runs = loop.runs
        self._loadgen = loadgen
        self._on_progress = on_progress
        self.samples_ms: list[float] = []
        self.error: RedmobileError | None = None

    def timed(self) -> float:
        """How long one run takes, in milliseconds."""
        began = time.perf_counter_ns()
        self._network()
        return (time.perf_counter_ns() - began) / 1e6

    def issue(self, queries: list[Any]) -> None:
        """Answer. After an error no more runs are made; LoadGen cannot be stopped, so it still gets its answers."""
        for query in queries:
            if self.error is None:
                try:
                    self.samples_ms.append(self.timed())
                except RedmobileError as error:
                    self.error = error
            self._loadgen.QuerySamplesComplete([self._loadgen.QuerySampleResponse(query.id, 0, 0)])
            if self._on_progress and len(self.samples_ms) <= self._runs:
                self._on_progress(len(self.samples_ms), self._runs)


def _run(loadgen: Any, asked: _Asked, loop: ClosedLoop, folder: Path) -> None:
    settings = loadgen.TestSettings()
    settings.scenario = loadgen.TestScenario.SingleStream
    settings.mode = loadgen.TestMode.PerformanceOnly
    settings.min_query_count = loop.runs
    settings.min_duration_ms = round(1000 * loop.min_seconds)
    settings.max_duration_ms = round(1000 * loop.max_seconds)
    logs = loadgen.LogSettings()
    logs.log_output.outdir = str(folder)
    logs.enable_trace = False
    system = loadgen.ConstructSUT(asked.issue, lambda: None)
    library = loadgen.ConstructQSL(1, 1, lambda _: None, lambda _: None)
    try:
        loadgen.StartTestWithLogSettings(system, library, settings, logs, str(folder / "audit.config"))
    finally:
        loadgen.DestroyQSL(library)
        loadgen.DestroySUT(system)


def _read(summary: Path, queries: int, loop: ClosedLoop) -> LoadGen:
    """What LoadGen's summary says. Raises ToolError if it says it otherwise than the versions known here."""
    lines = summary.read_text().splitlines() if summary.is_file() else []
    found = {key.strip(): value.strip() for line in lines for key, sign, value in [line.partition(" : ")] if sign}
    if _RESULT not in found or not found.get(_P90, "").isdigit():
        raise ToolError(f"LoadGen's {_SUMMARY} holds no '{_P90}' and '{_RESULT}': another version than 6.0?")
    faults = [" ".join(line.split()) for line in lines if "satisfied" in line and not line.endswith("Yes")]
    normal = loop.runs >= MLPERF_MOBILE["runs"] and loop.min_seconds >= MLPERF_MOBILE["min_seconds"]
    asked = "as in a normal run of MLPerf Mobile" if normal else "fewer than in a normal run of MLPerf Mobile"
    return LoadGen(
        version=importlib.metadata.version(_PACKAGE),
        valid=found[_RESULT] == "VALID",
        p90_ms=int(found[_P90]) / 1e6,
        queries=queries,
        says="; ".join([f"at least {loop.runs} queries and {loop.min_seconds:g} s were asked for, {asked}", *faults]),
    )
