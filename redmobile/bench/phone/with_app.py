"""A plan carried out by the demo app's benchmark activity; every figure is computed here, from the single runs that it kept."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shlex
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from redmobile.android.app_benchmark import MODELS, Request, run_benchmark
from redmobile.android.benchmark_model import unit_of
from redmobile.android.demo_app import PACKAGE, check_installed
from redmobile.android.device import Device
from redmobile.android.facts import Facts
from redmobile.android.vitals import Sampler, Vitals, read_vitals
from redmobile.bench import assemble
from redmobile.bench.conditions import Conditions
from redmobile.bench.job import Delegate, Load, VideoRecord
from redmobile.bench.measured import LatencyResult, Try, VideoResult
from redmobile.bench.phone import watching
from redmobile.bench.phone.options import LONG_S, PhoneOptions
from redmobile.bench.phone.repetition import Repeated, Say, repeat
from redmobile.bench.result import Bundle, from_builtins
from redmobile.bench.stats import Summary
from redmobile.bench.target import Assignment
from redmobile.core.artifact import sha256_file
from redmobile.errors import DeviceError, DocumentError, RedmobileError, ToolError, UsageError

Run = LatencyResult | VideoResult

_GRACE_S = 180.0
_PERCENT = 100
_DEFAULT_THREADS = 4


@dataclasses.dataclass(frozen=True)
class _Attempt:
    """Implements repetition.Attempted. document: as the app wrote it; problem: why it is not whole, '' if it is."""

    document: Run
    problem: str
    began: float
    seconds: float
    samples: tuple[Vitals, ...]

    def summary(self) -> Try:
        """See Attempted."""
        found = _latency(self.document)
        return Try(n=found.n, mean_ms=found.mean_ms, min_ms=found.min_ms, max_ms=found.max_ms, p50_ms=found.p50_ms, p95_ms=found.p95_ms)


class AppBench:
    """Copies the network to the app's folder, and lets the app measure it."""

    def __init__(self, work: Assignment, device: Device, facts: Facts, options: PhoneOptions, say: Say) -> None:
        self._work, self._device, self._facts, self._options, self._say = work, device, facts, options, say
        self._sha256 = sha256_file(work.model)
        self._remote = f"{MODELS}/{self._sha256[:16]}.tflite"
        self._threads = work.settings.threads or min(_DEFAULT_THREADS, max(1, len(facts.cores)))

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        """The network is on the device while the block runs."""
        try:
            check_installed(self._device)
        except DeviceError as error:
            raise DeviceError(f"{error} Or name TFLite's benchmark program for the phone: --target-option benchmark_model=FILE") from error
        self._device.do(f"mkdir -p {MODELS}", what="making the app's folder of models")
        self._say(f"copying {self._work.model.name}", 0, 1)
        try:
            self._device.push(self._work.model, self._remote)
            yield
        finally:
            with contextlib.suppress(RedmobileError):  # a device that has gone keeps it; the next run writes it again under the same name
                self._device.remove(self._remote)

    def measure(self, delegate: str) -> Run:
        """The result with one delegate. Raises DeviceError, ToolError."""
        before = read_vitals(self._device)
        most = 1 if self._expected_s > LONG_S else self._options.tries
        repeated = repeat(lambda number: self._attempt(delegate, number), self._device, self._options, self._say, most=most)
        return self._result(delegate, repeated, before)

    @property
    def _expected_s(self) -> float:
        """How long one run takes at most, without what is around it."""
        settings = self._work.settings
        if settings.open_loop is not None:
            return settings.open_loop.seconds
        return settings.closed_loop.max_seconds if settings.closed_loop is not None else 0.0

    @property
    def _plan(self) -> str:
        """The app's name for what is to be done; a plan of the user's own is the one of its kind, with other numbers."""
        if self._work.settings.closed_loop is not None:
            return "model_latency"
        return "soak_1080p30" if self._expected_s > LONG_S else "video_1080p30"

    def _request(self, delegate: str) -> Request:
        settings = self._work.settings
        loop, stream = settings.closed_loop, settings.open_loop
        return Request(
            plan=self._plan,
            run_id=uuid.uuid4().hex[:12],
            model=self._remote,
            delegate=delegate,
            threads=self._threads,
            seconds=round(self._expected_s),
            runs=loop.runs if loop else None,
            warm_up=loop.warm_up if loop else stream.warm_up if stream else None,
            fps=settings.fps,
        )

    def _attempt(self, delegate: str, number: int) -> _Attempt:
        what = f"{delegate}, try {number + 1}"
        request = self._request(delegate)
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="redmobile-") as folder, Sampler(self._device, self._options.sample_s) as sampler:
            self._say(what, 0, _PERCENT)
            outcome = run_benchmark(
                self._device,
                request,
                Path(folder),
                self._expected_s + _GRACE_S,
                lambda part: self._say(what, round(_PERCENT * part), _PERCENT),
                patience_s=self._options.patience_s,
            )
        seconds = time.monotonic() - began
        if outcome.document is None:
            raise ToolError(f"{outcome.problem}. `redmobile android logs` tells more.")
        document = self._read(outcome.document, outcome.problem, request)
        return _Attempt(document, outcome.problem, began, seconds, tuple(sampler.samples))

    def _read(self, data: bytes, problem: str, request: Request) -> Run:
        name = f"the demo app's result of run {request.run_id}"
        try:
            found = from_builtins(json.loads(data), name)
        except (ValueError, DocumentError) as error:
            if problem:
                raise ToolError(f"{problem}; what it left of its result cannot be read.") from error
            raise ToolError(f"{name}: does not fit benchmarks/result.schema.json ({error}). Is the app another version than redmobile?") from error
        document = found.results[0] if isinstance(found, Bundle) and len(found.results) == 1 else found
        if not isinstance(document, LatencyResult | VideoResult):
            raise ToolError(f"{name}: is of another kind than was asked for ({type(document).__name__}).")
        model = document.measured.model if isinstance(document, LatencyResult) else document.model
        if model.sha256 != self._sha256:
            raise ToolError(f"{name}: tells of another network (sha256 {model.sha256[:12]}, {self._sha256[:12]} was expected).")
        return document

    def _result(self, delegate: str, repeated: Repeated[_Attempt], before: Vitals) -> Run:
        last = repeated.last
        document = last.document
        problem = last.problem or (str(repeated.broken) if repeated.broken else "")
        head = assemble.header(
            self._work,
            f"adb:{self._device.serial}",
            watching.device_facts(self._facts, self._device.serial, before, app=f"{PACKAGE}, {document.environment.system}"),
            run_id=document.run_id,
            incomplete=problem or None,
        )
        head["settings"] = document.settings  # what the app really did, which an older one may not have been told
        conditions = self._conditions(last, repeated.start)
        more: dict[str, Any] = {"doubts": repeated.doubts, "remarks": (*watching.remarks(before), *_remarks(delegate, document))}
        if isinstance(document, VideoResult):
            return self._video(head, document, conditions, more, repeated.tries)
        return self._latency(head, document, conditions, more, repeated.tries)

    def _latency(
        self, head: dict[str, Any], document: LatencyResult, conditions: Conditions, more: dict[str, Any], tries: tuple[Try, ...]
    ) -> LatencyResult:
        found = document.measured
        row = assemble.measured(
            self._work.model,
            found.load,
            found.samples_ms,
            conditions,
            document.threads,
            head["settings"],
            warm_up_ms=found.warm_up_ms,
            profile=found.profile,
            incomplete=head["incomplete"],
            **more,
        )
        result = assemble.latency_result(head, [row], conditions, document.threads, scenario=document.scenario)
        return msgspec.structs.replace(result, tries=tries)

    def _video(
        self, head: dict[str, Any], document: VideoResult, conditions: Conditions, more: dict[str, Any], tries: tuple[Try, ...]
    ) -> VideoResult:
        names = tuple(stage.name for stage in document.stages)
        record = VideoRecord(
            stages=names,
            offered=document.offered,
            frames=document.frames,
            source=document.source,
            conditions=conditions,
            drops=tuple((drop.number, drop.before) for drop in document.drops),
            cpu_seconds=None if document.cpu_ms is None else document.cpu_ms * len(document.frames) / 1000,
            stage_cpu_seconds=_stage_cpu_seconds(document),
        )
        result = assemble.video_result(head, self._work.model, document.load, record, document.threads, profile=document.profile, **more)
        return msgspec.structs.replace(result, tries=tries)

    def _conditions(self, last: _Attempt, start: Vitals) -> Conditions:
        """The app knows best how long it measured, and its own samples are nearer; what it does not tell, adb saw."""
        told = last.document.conditions
        seen = watching.conditions(self._facts, None, start, last.samples, last.began, told.seconds)
        missing = {name: getattr(seen, name) for name in Conditions.__struct_fields__ if getattr(told, name) in (None, ())}
        return msgspec.structs.replace(told, **missing)


def check(work: Assignment, options: PhoneOptions) -> None:
    """Raise UsageError unless the demo app can do what is asked."""
    if work.settings.closed_loop is None and work.settings.open_loop is None:
        raise UsageError(f"{work.plan}: a device cannot carry out a plan with [{work.settings.way}]; --on host can.")
    if work.settings.closed_loop is not None and work.settings.closed_loop.scenario != "back-to-back":
        raise UsageError("--scenario single-stream: the demo app runs back to back only; MLPerf's LoadGen is there with --on host.")
    if work.model.suffix.lower() != ".tflite":
        raise UsageError(f"{work.model}: a device runs .tflite files; convert it first: redmobile convert {shlex.quote(str(work.model))}")
    if work.frames is not None:
        raise UsageError("--video: the demo app brings frames of its own, the same for everybody; leave it out.")
    if options.cores:
        raise UsageError("--target-option cores: Android decides where an app runs; it belongs to --target-option benchmark_model=FILE.")
    if work.delegate_options:
        raise UsageError("--delegate-option: the demo app takes none; it belongs to --target-option benchmark_model=FILE.")


def _remarks(delegate: str, document: Run) -> tuple[str, ...]:
    load: Load = document.measured.load if isinstance(document, LatencyResult) else document.load
    really: Delegate | None = load.delegate
    if really is None:
        return (f"asked for '{delegate}'; the app does not tell what the graph ran on",)
    return () if unit_of(really.ran) == delegate else (f"asked for '{delegate}', the graph ran on '{really.ran}'",)


def _stage_cpu_seconds(document: VideoResult) -> tuple[float, ...]:
    """Of each stage, over all frames that it worked on: those that were not dropped before it. () if the app does not tell."""
    names = [stage.name for stage in document.stages]
    worked_on = [document.offered - sum(names.index(drop.before) <= index for drop in document.drops) for index in range(len(names))]
    per_frame = [stage.cpu_ms for stage in document.stages if stage.cpu_ms is not None]
    return tuple(each * count / 1000 for each, count in zip(per_frame, worked_on, strict=True)) if len(per_frame) == len(names) else ()


def _latency(document: Run) -> Summary:
    return document.measured.latency if isinstance(document, LatencyResult) else document.latency
