"""TFLite's `benchmark_model` and LiteRT's `benchmark_litert_model`: the program is the user's; how it is called, and what it says.

Neither tells single runs, only what they come down to: count, mean, standard deviation, least, greatest and, in newer versions, 5th
percentile, median and 95th percentile.
"""

from __future__ import annotations

import dataclasses
import re
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from redmobile.android.benchmark_protos import parse_result
from redmobile.android.complaints import shortened
from redmobile.core.artifact import read_bytes, sha256_bytes
from redmobile.errors import DeviceError, InputError, ToolError, UsageError

_MACHINES = {183: "arm64-v8a", 40: "armeabi-v7a", 62: "x86_64", 3: "x86", 243: "riscv64"}
"""e_machine of an ELF header → Android's name of the ABI."""

_ELF_HEAD = 20
_LITERT_FLAGS = {"gpu": ("--use_gpu=true",), "npu": ("--use_npu=true",)}
_TFLITE_FLAGS = {"cpu": ("--use_xnnpack=true",), "gpu": ("--use_gpu=true",), "nnapi": ("--use_nnapi=true",)}
_NUMBER = r"(-?[\d.]+(?:e[+-]?\d+)?)"
_STATISTICS = re.compile(
    rf"count=(?P<n>\d+)(?: first={_NUMBER.replace('(', '(?:', 1)})? curr=(?P<curr>[\d.]+)(?:\s*\(all same\))?"
    rf"(?: min=(?P<min>\S+) max=(?P<max>\S+) avg=(?P<avg>\S+) std=(?P<std>[^\s]+))?(?: p5=(?P<p5>\S+) median=(?P<median>\S+) p95=(?P<p95>\S+))?"
)
_TIMINGS = re.compile(
    rf"Inference timings in us: Init: {_NUMBER}, First inference: {_NUMBER}, Warmup \(avg\): {_NUMBER}, Inference \(avg\): {_NUMBER}"
)
_PEAK = re.compile(rf"(?:Overall peak memory footprint \(MB\) via periodic monitoring|Peak memory): *{_NUMBER}")
_REPLACING = re.compile(
    r"Replacing (?P<taken>\d+)(?: out of (?P<all>\d+))? node\(s\) with delegate \((?P<name>[^)]*)\) node, yielding (?P<pieces>\d+)"
)
_REFUSED = re.compile(r"Failed to apply (?P<name>.+?) delegate|Disallowed CPU fallback|Failed to create .*delegate")
_UNITS = {
    "xnnpack": "cpu",
    "gpu": "gpu",
    "litert_cl": "gpu",
    "nnapi": "nnapi",
    "dispatch": "npu",
    "qnn": "npu",
    "hexagon": "npu",
    "redmobile": "redmobile",
}
"""Part of a delegate's name, in small letters → what we call it."""

_US_PER_MS, _MEBIBYTE = 1000.0, 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Tool:
    """A benchmark program. litert: it is LiteRT's, not TFLite's; profiles: it can write its operators' times as protobuf."""

    file: Path
    sha256: str
    litert: bool
    profiles: bool

    @property
    def name(self) -> str:
        """For people."""
        return f"{'benchmark_litert_model' if self.litert else 'benchmark_model'} {self.sha256[:12]}"


@dataclasses.dataclass(frozen=True)
class Input:
    """A file on the device that holds the network's input: raw bytes of that shape."""

    tensor: str
    shape: tuple[int, ...]
    remote: str


@dataclasses.dataclass(frozen=True)
class Call:
    """One run of the program. remote: the program's place on the device; model: the network's; mask: of cores, None: all of them.

    delegate: 'cpu', 'gpu', 'nnapi', 'npu' or the name of an external one, whose library is at external. options: key → value, for the delegate.
    """

    remote: str
    model: str
    threads: int
    warm_up: int
    runs: int
    max_seconds: float
    delegate: str
    options: Mapping[str, str]
    external: str | None = None
    mask: int | None = None
    input: Input | None = None


@dataclasses.dataclass(frozen=True)
class Taken:
    """What a delegate took. unit: 'cpu', 'gpu', 'nnapi', 'npu', or its own name; nodes: of `of` (None: not told), in `pieces`."""

    unit: str
    nodes: int
    of: int | None
    pieces: int


@dataclasses.dataclass(frozen=True)
class Statistics:
    """What the counted runs of one call come down to. p50_ms, p95_ms, peak_bytes: None where the program does not tell them."""

    n: int
    mean_ms: float
    std_ms: float
    min_ms: float
    max_ms: float
    p50_ms: float | None
    p95_ms: float | None
    init_ms: float
    first_ms: float
    peak_bytes: int | None
    taken: tuple[Taken, ...]


def open_tool(file: Path, abis: Sequence[str]) -> Tool:
    """Look at the program `file`, which a device with those ABIs is to run. Raises InputError (no program), DeviceError (for another processor)."""
    data = read_bytes(file)
    if data[:4] != b"\x7fELF" or len(data) < _ELF_HEAD:
        raise InputError(f"{file}: is no program for Android; the binary benchmark_model or benchmark_litert_model for arm64-v8a was expected.")
    machine = struct.unpack_from("<H", data, 18)[0]
    abi = _MACHINES.get(machine, f"processor {machine}")
    if abi not in abis:
        raise DeviceError(f"{file}: is built for {abi}; the device runs {', '.join(abis) or 'what it does not tell'}. Take the build for {abis[0]}.")
    return Tool(file, sha256_bytes(data), b"result_file_path" in data, b"op_profiling_output_mode" in data)


def arguments(tool: Tool, call: Call) -> str:
    """The command line for the device's shell. Raises UsageError: a delegate that this program does not know."""
    flags = [
        f"--graph={call.model}",
        f"--num_threads={call.threads}",
        f"--warmup_runs={call.warm_up}",
        "--warmup_min_secs=0",
        f"--num_runs={call.runs}",
        "--min_secs=0",
        f"--max_secs={call.max_seconds:g}",
        "--report_peak_memory_footprint=true",
        *_delegate_flags(tool, call),
        *_input_flags(tool, call.input),
    ]
    prefix = f"taskset {call.mask:x} " if call.mask else ""
    return f"{prefix}{call.remote} {' '.join(flags)}"


def profile_flags(remote: str) -> str:
    """To be added for a run that writes its operators' times to `remote`."""
    return f" --enable_op_profiling=true --op_profiling_output_mode=proto --op_profiling_output_file={remote}"


def parse_log(said: str, code: int, what: str) -> Statistics:
    """What a call of benchmark_model wrote and its exit code. Raises ToolError: it failed, a delegate refused, or it says nothing that is known."""
    check_end(said, code, what)
    found, timings = list(_STATISTICS.finditer(said)), _TIMINGS.search(said)
    if not found or timings is None:
        raise ToolError(f"{what}: ended well but told no times ({_last(said)}). Is it benchmark_model?")
    runs = {key: float(value) / _US_PER_MS for key, value in found[-1].groupdict().items() if value is not None}
    if "avg" not in runs:  # all runs took equally long, and the program says so in short
        runs = {**dict.fromkeys(("min", "max", "avg", "median", "p95"), runs["curr"]), "std": 0.0}
    return Statistics(
        n=int(found[-1]["n"]),
        mean_ms=runs["avg"],
        std_ms=runs["std"],
        min_ms=runs["min"],
        max_ms=runs["max"],
        p50_ms=runs.get("median"),
        p95_ms=runs.get("p95"),
        init_ms=float(timings[1]) / _US_PER_MS,
        first_ms=float(timings[2]) / _US_PER_MS,
        peak_bytes=_peak(said),
        taken=parse_taken(said),
    )


def parse_result_file(data: bytes, said: str, what: str) -> Statistics:
    """What benchmark_litert_model wrote into its result file, and what it said. Raises ToolError."""
    result = parse_result(data, what)
    time, memory = result.latency_metrics, result.memory_metrics
    if not result.misc_metrics.num_runs:
        raise ToolError(f"{what}: its result file tells of no run ({_last(said)}).")
    return Statistics(
        n=result.misc_metrics.num_runs,
        mean_ms=time.avg_ms,
        std_ms=time.stddev_ms,
        min_ms=time.min_ms,
        max_ms=time.max_ms,
        p50_ms=time.median_ms,
        p95_ms=time.p95_ms,
        init_ms=time.init_ms,
        first_ms=time.first_inference_ms,
        peak_bytes=round(memory.peak_mem_mb * _MEBIBYTE) if memory.peak_mem_mb > 0 else None,
        taken=parse_taken(said),
    )


def parse_taken(said: str) -> tuple[Taken, ...]:
    """Which delegates took how much of the graph, in the order in which they were applied."""
    return tuple(
        Taken(unit_of(match["name"]), int(match["taken"]), int(match["all"]) if match["all"] else None, int(match["pieces"]))
        for match in _REPLACING.finditer(said)
    )


def unit_of(delegate: str) -> str:
    """What we call a delegate that calls itself so: 'TfLiteXNNPackDelegate' → 'cpu'."""
    small = delegate.lower()
    return next((unit for part, unit in _UNITS.items() if part in small), delegate)


def ran(asked: str, statistics: Statistics) -> str:
    """What really did the work: 'gpu', 'gpu+cpu', 'cpu'. An engine that says nothing of a delegate ran on the processor."""
    units = [one.unit if one.unit in _UNITS.values() else asked for one in statistics.taken if one.nodes]
    left = statistics.taken and statistics.taken[-1].of is not None and statistics.taken[-1].nodes < (statistics.taken[-1].of or 0)
    if not units or (left and "cpu" not in units):
        units.append("cpu")
    return "+".join(dict.fromkeys(units))


def _delegate_flags(tool: Tool, call: Call) -> list[str]:
    own = [f"--{key}={value}" for key, value in call.options.items()]
    if call.external is not None and not tool.litert:
        options = ";".join(f"{key}:{value}" for key, value in call.options.items())
        return [f"--external_delegate_path={call.external}", *([f"--external_delegate_options='{options}'"] if options else [])]
    known = {"cpu": (), **_LITERT_FLAGS} if tool.litert else _TFLITE_FLAGS
    if call.delegate not in known:
        way = "" if tool.litert else ", or an external one with --delegate-option path=LIBRARY.so"
        raise UsageError(f"--delegate {call.delegate}: {tool.name} does not know it. Known: {', '.join(known)}{way}.")
    return [*known[call.delegate], *own]


def _input_flags(tool: Tool, given: Input | None) -> list[str]:
    if given is None or tool.litert:
        return []
    name = given.tensor.replace(":", "::")
    shape = ",".join(map(str, given.shape))
    return [f"--input_layer='{given.tensor}'", f"--input_layer_shape={shape}", f"--input_layer_value_files='{name}:{given.remote}'"]


def check_end(said: str, code: int, what: str) -> None:
    """Raise ToolError if a call failed or a delegate refused."""
    refused = _REFUSED.search(said)
    if refused:
        raise ToolError(f"{what}: the delegate refused this network on this device ({_last(said)}).")
    if code > _SIGNALS:
        killed = "it was killed, most likely for want of memory" if code - _SIGNALS == _KILL else f"it crashed with signal {code - _SIGNALS}"
        raise ToolError(f"{what}: {killed} ({_last(said)}).")
    if code:
        raise ToolError(f"{what}: failed with exit code {code} ({_last(said)}).")


_SIGNALS, _KILL = 128, 9


def _peak(said: str) -> int | None:
    match = _PEAK.search(said)
    return round(float(match[1]) * _MEBIBYTE) if match else None


def _last(said: str) -> str:
    """What it complained of, or its last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR") or "rror:" in line]
    return shortened(" ".join(errors[:2]) or (lines[-1] if lines else "")) or "it said nothing"
