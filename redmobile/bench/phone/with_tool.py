"""A plan with [closed_loop], carried out by TFLite's or LiteRT's benchmark program, which the user brings."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from redmobile.android import benchmark_model as tools
from redmobile.android.benchmark_model import Call, Input, Statistics, Tool
from redmobile.android.benchmark_protos import parse_profile
from redmobile.android.device import Device
from redmobile.android.facts import Facts, core_mask
from redmobile.android.vitals import Sampler, Vitals, read_vitals
from redmobile.bench import assemble, stability, stats
from redmobile.bench.conditions import Conditions
from redmobile.bench.inputs import arrays_for
from redmobile.bench.job import Coverage, Delegate, Load, OperatorTime, Profile, TensorFacts
from redmobile.bench.measured import LatencyResult, Measured, Try
from redmobile.bench.phone import summary, watching
from redmobile.bench.phone.options import LONG_S, PhoneOptions
from redmobile.bench.phone.repetition import Repeated, Say, repeat
from redmobile.bench.plan import ClosedLoop
from redmobile.bench.target import Assignment
from redmobile.core.artifact import read_bytes
from redmobile.errors import DeviceError, RedmobileError, UsageError
from redmobile.graph.macs import total_macs
from redmobile.graph.tflite_read import read_tflite
from redmobile.runtimes.base import Runtime, open_runtime

FOLDER = "/data/local/tmp/redmobile"
"""Ours on the device: made anew at the beginning, removed at the end."""

NO_SAMPLES = "the tool tells no single runs, only what they come down to; p90 is told as its p95, p99 as the longest run"
_GRACE_S = 120.0
_PROFILED_RUNS = 20
_BLAME = 240


@dataclasses.dataclass(frozen=True)
class _Attempt:
    """Implements repetition.Attempted. samples: of the device, while it ran; began: of time.monotonic."""

    told: Statistics
    said: str
    began: float
    seconds: float
    samples: tuple[Vitals, ...]

    def summary(self) -> Try:
        """See Attempted."""
        told = self.told
        return Try(n=told.n, mean_ms=told.mean_ms, min_ms=told.min_ms, max_ms=told.max_ms, p50_ms=told.p50_ms, p95_ms=told.p95_ms)


class ToolBench:
    """One program and one network on one device. Raises UsageError: cores that the device has not."""

    def __init__(self, work: Assignment, loop: ClosedLoop, device: Device, facts: Facts, tool: Tool, options: PhoneOptions, say: Say) -> None:
        self._work, self._loop, self._device, self._facts = work, loop, device, facts
        self._tool, self._options, self._say = tool, options, say
        self._mask = core_mask(facts.cores, options.cores) if options.cores else None
        self._runtime: Runtime = open_runtime(work.model, threads=1)
        self._threads = work.settings.threads or min(_MOST_THREADS, self._usable)

    @property
    def _usable(self) -> int:
        return self._mask.bit_count() if self._mask else max(1, len(self._facts.cores))

    @property
    def _takes_input(self) -> bool:
        """LiteRT's program makes its own input, and so does TFLite's unless it is given all of them."""
        return not self._tool.litert and len(self._runtime.inputs) == 1

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        """Program, network and input are on the device while the block runs."""
        self._device.do(f"rm -rf {FOLDER} && mkdir -p {FOLDER}", what=f"making {FOLDER}")
        try:
            self._copy()
            yield
        finally:
            with contextlib.suppress(RedmobileError):  # a device that has gone keeps them until the next run
                self._device.remove(FOLDER)

    def measure(self, delegate: str) -> LatencyResult:
        """The result with one delegate. Raises UsageError, DeviceError, ToolError."""
        call = self._call(delegate)
        tools.arguments(self._tool, call)  # a delegate that it does not know is told before anything runs
        before = read_vitals(self._device)
        most = 1 if self._loop.max_seconds > LONG_S else self._options.tries
        repeated = repeat(lambda number: self._attempt(call, number), self._device, self._options, self._say, most=most)
        profile, broken = self._profile(call, repeated)
        return self._result(delegate, repeated, profile, before, broken)

    def _copy(self) -> None:
        files = [(self._tool.file, f"{FOLDER}/{_PROGRAM}"), (self._work.model, f"{FOLDER}/{_MODEL}")]
        if library := self._work.delegate_options.get("path"):
            files.append((Path(library), f"{FOLDER}/{_LIBRARY}"))
        with tempfile.TemporaryDirectory(prefix="redmobile-") as temporary:
            if self._takes_input:
                local = Path(temporary) / _INPUT
                local.write_bytes(arrays_for(self._runtime.inputs)[0].tobytes())
                files.append((local, f"{FOLDER}/{_INPUT}"))
            for number, (local, remote) in enumerate(files):
                self._say(f"copying {local.name}", number, len(files))
                self._device.push(local, remote)
        self._device.do(f"chmod 755 {FOLDER}/{_PROGRAM}", what=f"making {self._tool.file.name} a program")

    def _call(self, delegate: str) -> Call:
        options = dict(self._work.delegate_options)
        external = f"{FOLDER}/{_LIBRARY}" if options.pop("path", None) and delegate not in {"cpu", "gpu", "nnapi"} else None
        spec = self._runtime.inputs[0]
        given = Input(spec.name, spec.shape, f"{FOLDER}/{_INPUT}")
        return Call(
            remote=f"{FOLDER}/{_PROGRAM}",
            model=f"{FOLDER}/{_MODEL}",
            threads=self._threads,
            warm_up=self._loop.warm_up,
            runs=self._loop.runs,
            max_seconds=self._loop.max_seconds,
            delegate=delegate,
            options=options,
            external=external,
            mask=self._mask,
            input=given if self._takes_input else None,
        )

    def _attempt(self, call: Call, number: int) -> _Attempt:
        what = f"{call.delegate}, try {number + 1}"
        self._say(what, number, self._options.tries)
        command = tools.arguments(self._tool, call)
        if self._tool.litert:
            command += f" --result_file_path={FOLDER}/{_RESULT}"
        began = time.monotonic()
        with Sampler(self._device, self._options.sample_s) as sampler:
            answer = self._device.shell(command, what=what, timeout_s=self._loop.max_seconds + _GRACE_S)
        seconds = time.monotonic() - began
        tools.check_end(answer.text, answer.code, what)
        told = self._told(answer.text, what) if self._tool.litert else tools.parse_log(answer.text, answer.code, what)
        return _Attempt(told, answer.text, began, seconds, tuple(sampler.samples))

    def _told(self, said: str, what: str) -> Statistics:
        return tools.parse_result_file(self._pulled(_RESULT), said, what)

    def _pulled(self, name: str) -> bytes:
        with tempfile.TemporaryDirectory(prefix="redmobile-") as temporary:
            local = Path(temporary) / name
            self._device.pull(f"{FOLDER}/{name}", local)
            return read_bytes(local)

    def _profile(self, call: Call, repeated: Repeated[_Attempt]) -> tuple[Profile | None, RedmobileError | None]:
        """Each operator's time, from a run of its own, for to look at them takes time. One that fails takes nothing from the figures."""
        if repeated.broken or not self._options.profile:
            return None, repeated.broken
        if not self._tool.profiles:
            return Profile(says=f"{self._tool.name} cannot write its operators' times"), None
        what = f"{call.delegate}, times of operators"
        self._say(what, 0, 1)
        short = dataclasses.replace(call, runs=min(call.runs, _PROFILED_RUNS))
        command = tools.arguments(self._tool, short) + tools.profile_flags(f"{FOLDER}/{_PROFILE}")
        try:
            answer = self._device.shell(command, what=what, timeout_s=self._loop.max_seconds + _GRACE_S)
            tools.check_end(answer.text, answer.code, what)
            operators = parse_profile(self._pulled(_PROFILE), what)
        except RedmobileError as error:
            return Profile(says=f"could not be taken: {str(error)[:_BLAME]}"), error if isinstance(error, DeviceError) else None
        times = (OperatorTime(name=one.name, kind=one.kind, mean_ms=one.mean_ms, unit=one.unit) for one in operators)
        return Profile(says=f"{self._tool.name}, {short.runs} runs apart from the measured ones", operators=tuple(times)), None

    def _result(
        self, delegate: str, repeated: Repeated[_Attempt], profile: Profile | None, before: Vitals, broken: RedmobileError | None
    ) -> LatencyResult:
        last, work = repeated.last, self._work
        incomplete = str(broken) if broken else None
        found = watching.conditions(self._facts, self._mask, repeated.start, last.samples, last.began, last.seconds)
        details = {"tool": f"{self._tool.file.name} {self._tool.sha256}", "core mask": f"{self._mask:x}" if self._mask else ""}
        head = assemble.header(
            work, f"adb:{self._device.serial}", watching.device_facts(self._facts, self._device.serial, before, **details), incomplete=incomplete
        )
        measured = self._measured(delegate, repeated, found, profile, before, incomplete)
        return LatencyResult(
            **head,
            threads=self._threads,
            conditions=found,
            verdict=summary.verdict(last.told, work.settings, measured.stability),
            measured=measured,
            tries=repeated.tries,
        )

    def _measured(
        self, delegate: str, repeated: Repeated[_Attempt], found: Conditions, profile: Profile | None, before: Vitals, incomplete: str | None
    ) -> Measured:
        told, settings = repeated.last.told, self._work.settings
        really = tools.ran(delegate, told)
        remarks = [*watching.remarks(before), *([] if really == delegate else [f"asked for '{delegate}', the graph ran on '{really}'"])]
        doubts = [*repeated.doubts]
        if incomplete:
            doubts.insert(0, stability.Doubt(flag="incomplete", says=f"it ended before its time: {incomplete}"))
        return Measured(
            model=assemble.model_file(self._work.model),
            load=self._load(delegate, really, told),
            latency=summary.summary(told),
            drift=stats.drift([one.mean_ms for one in repeated.tries]),
            over_budget=summary.over(told, settings.frame_ms),
            stability=stability.judge_count(told.n, found, self._threads, settings.stability, doubts=doubts, remarks=remarks),
            samples_ms=(),
            profile=profile,
            summary_only=NO_SAMPLES,
        )

    def _load(self, delegate: str, really: str, told: Statistics) -> Load:
        return Load(
            runtime=self._tool.name,
            inputs=tuple(map(TensorFacts.of, self._runtime.inputs)),
            outputs=tuple(map(TensorFacts.of, self._runtime.outputs)),
            init_ms=told.init_ms,
            first_ms=told.first_ms,
            peak_bytes=told.peak_bytes,
            delegate=Delegate(asked=delegate, ran=really, options={key: str(value) for key, value in self._work.delegate_options.items()}),
            coverage=self._coverage(told),
        )

    def _coverage(self, told: Statistics) -> Coverage | None:
        """Of the last delegate, which had the last word. Where it took all, so are the multiply-accumulates known."""
        if not told.taken:
            return None
        last = told.taken[-1]
        left = None if last.of is None else last.of - last.nodes
        macs = total_macs(read_tflite(read_bytes(self._work.model), str(self._work.model))) if left == 0 and len(told.taken) == 1 else None
        return Coverage(
            partitions=last.pieces,
            inside={"operators": last.nodes},
            outside={"operators": left} if left else {},
            unit=last.unit,
            macs_inside=macs,
            macs_outside=None if macs is None else 0,
        )


def check(work: Assignment) -> None:
    """Raise UsageError unless a benchmark program can do what is asked."""
    if work.settings.closed_loop is None:
        raise UsageError(
            f"{work.plan}: a benchmark program measures the network alone, in a plan with [closed_loop]; this one has [{work.settings.way}]. "
            "Leave --target-option benchmark_model out and let the demo app do it."
        )
    if work.settings.closed_loop.scenario != "back-to-back":
        raise UsageError("--scenario single-stream: a benchmark program runs back to back only; MLPerf's LoadGen is there with --on host.")
    if work.model.suffix.lower() != ".tflite":
        raise UsageError(f"{work.model}: a device runs .tflite files; convert it first: redmobile convert {shlex.quote(str(work.model))}")


_PROGRAM, _MODEL, _LIBRARY, _INPUT, _RESULT, _PROFILE = "benchmark", "model.tflite", "delegate.so", "input.bin", "result.pb", "profile.pb"
_MOST_THREADS = 4
