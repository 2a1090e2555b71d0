"""Vela, Arm's compiler for Ethos-U: run it within limits, read its estimate.

All cycles and frames a second are Vela's own estimate for a system that its configuration describes; nothing here ran on hardware.
Vela ends with 0 even if every operator stays on the CPU, so its exit code says nothing: what counts are the operators it names.
"""

from __future__ import annotations

import collections
import csv
import dataclasses
import glob
import importlib.util
import math
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from redmobile.errors import MissingExtraError, OutputError, ToolError, UsageError

PACKAGE = "ethos-u-vela"
DEFAULT_TIMEOUT_S = 300.0
DEFAULT_MEMORY_BYTES = 8 * 2**30

_CHILD = """
import importlib.metadata, resource, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
print("ethos-u-vela", importlib.metadata.version("ethos-u-vela"), flush=True)
from ethosu.vela import vela
sys.exit(vela.main(sys.argv[1:]))
"""
"""Sets the limit in the child itself, before Vela is imported: nothing of ours runs between fork and exec. It may run in another environment."""

_USUAL_SRAM_BYTES = 4 * 2**20
"""What Vela's own configuration grants an Ethos-U55 in its mode Shared_Sram; chips with more are rare."""

_SHOWN = 240
"""Characters of Vela's words that go into an error."""

_VERSION = re.compile(rf"^{PACKAGE} (\S+)$", re.MULTILINE)
_REASON = re.compile(r"operator: (\S+), ofm: '(.*)'\n\s*-?\s*Reason: (.*)")
_VELA_INI = "Arm/vela.ini"


@dataclasses.dataclass(frozen=True)
class System:
    """What surrounds the accelerator: names of sections of Vela's configuration file."""

    config: str
    memory_mode: str


SYSTEMS = {
    "ethos-u55": System("Ethos_U55_High_End_Embedded", "Shared_Sram"),
    "ethos-u65": System("Ethos_U65_Client_Server", "Dedicated_Sram"),
    "ethos-u85": System("Ethos_U85_SYS_DRAM_Mid", "Dedicated_Sram"),
}
"""The system that is assumed where none is named. Dedicated_Sram keeps all activations in SRAM, however many they are: SRAM used says how many."""

DEFAULT_CONFIGS = {"ethos_u55": "ethos-u55-256", "ethos_u65": "ethos-u65-512", "ethos_u85": "ethos-u85-512"}
"""Target → the accelerator that is assumed where none is named."""

CONFIGS = {
    "ethos_u55": tuple(f"ethos-u55-{macs}" for macs in (32, 64, 128, 256)),
    "ethos_u65": tuple(f"ethos-u65-{macs}" for macs in (256, 512)),
    "ethos_u85": tuple(f"ethos-u85-{macs}" for macs in (128, 256, 512, 1024, 2048)),
}
"""Target → accelerators, named as Vela names them: after how many multiply-accumulates they do in a cycle."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How Vela is run. config: the accelerator; system, memory_mode: sections of Vela's configuration file.

    timeout_s, memory_bytes: limits of the process; keep: a folder for Vela's files and log, None: thrown away.
    python: the interpreter of the environment that Vela is installed in, None: this one.
    """

    config: str
    system: str
    memory_mode: str
    timeout_s: float = DEFAULT_TIMEOUT_S
    memory_bytes: int = DEFAULT_MEMORY_BYTES
    keep: Path | None = None
    python: Path | None = None


@dataclasses.dataclass(frozen=True)
class CpuOperator:
    """An operator that Vela left to the CPU. op: Vela's name of its kind; name: of its output; reason: Vela's, '' if it gave none."""

    op: str
    name: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Layer:
    """One operation after Vela's own rewriting. op: the kind in the file; name: of its output; unit: 'NPU' or 'CPU'.

    cycles: Vela's estimate, of whatever takes longest, the NPU itself (npu_cycles) or one of its memories; 0 on the CPU.
    utilization: share of the NPU's multiply-accumulators that are busy, in [0, 1].
    """

    op: str
    name: str
    unit: str
    cycles: int
    npu_cycles: int
    macs: int
    utilization: float


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What Vela made of a file. Every figure is its estimate; the time of operators on the CPU is not in it.

    frames_per_second: 0 where nothing runs on the NPU. sram_bytes, dram_bytes, flash_bytes: memory used; *_traffic_bytes: moved for one
    inference. operators: on the NPU. macs: as Vela counts, with what it adds itself. cycles_by_operator: kind → cycles, the most first.
    layers: in the order in which they run.
    """

    vela: str
    config: str
    system: str
    memory_mode: str
    clock_hz: float
    cycles: int
    frames_per_second: float
    macs: int
    sram_bytes: int
    dram_bytes: int
    flash_bytes: int
    sram_traffic_bytes: int
    dram_traffic_bytes: int
    operators: int
    cpu: tuple[CpuOperator, ...]
    cycles_by_operator: dict[str, int]
    layers: tuple[Layer, ...]


def is_installed() -> bool:
    """Whether Vela can be run."""
    return importlib.util.find_spec("ethosu") is not None


def sram_remark(sram_bytes: int) -> str:
    """What to say, without a full stop, of an estimate that takes more SRAM than most chips have beside the NPU; '' if it does not."""
    if sram_bytes <= _USUAL_SRAM_BYTES:
        return ""
    return f"The estimate keeps {sram_bytes / 1e6:.1f} MB in SRAM beside the NPU; a chip with less is slower"


def accelerators() -> tuple[str, ...]:
    """Every accelerator that Vela knows, the smallest first of each family."""
    return tuple(config for configs in CONFIGS.values() for config in configs)


def target_of(config: str) -> str:
    """The target ('ethos_u55', …) of an accelerator ('ethos-u55-256', …). Raises UsageError."""
    found = next((target for target, configs in CONFIGS.items() if config in configs), None)
    if found is None:
        raise UsageError(f"No accelerator '{config}'. Known: {', '.join(accelerators())}.")
    return found


def settings_for(
    target: str,
    config: str | None = None,
    system: str | None = None,
    memory_mode: str | None = None,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    memory_bytes: int = DEFAULT_MEMORY_BYTES,
    keep: Path | None = None,
    python: Path | None = None,
) -> Settings:
    """The settings for `target` ('ethos_u55', …), with defaults for what is None. Raises UsageError for an accelerator of another kind."""
    chosen = config or DEFAULT_CONFIGS[target]
    if chosen not in CONFIGS[target]:
        raise UsageError(f"Accelerator '{chosen}' is none of {target}. Known: {', '.join(CONFIGS[target])}.")
    around = SYSTEMS[chosen.rpartition("-")[0]]
    return Settings(chosen, system or around.config, memory_mode or around.memory_mode, timeout_s, memory_bytes, keep, python)


def compile_with_vela(data: bytes, settings: Settings, name: str = "model") -> Estimate:
    """Compile the .tflite file `data`; `name` names it in messages and in the files that are kept.

    Raises MissingExtraError (Vela is not installed), ToolError (it failed, or ran into a limit), OutputError (its files cannot be kept).
    """
    if settings.python is None and not is_installed():
        raise MissingExtraError(PACKAGE, "npu", "An Ethos-U estimate")
    with tempfile.TemporaryDirectory(prefix="redmobile-vela-") as temporary:
        folder = Path(temporary)
        source = folder / f"{name}.tflite"
        source.write_bytes(data)
        log = _run(source, folder / "out", settings)
        _keep(folder / "out", log, settings, name)
        return _estimate(folder / "out", log, settings, name)


def supported_operators(folder: Path) -> str:
    """The text of Vela's own list of what it supports, written into the empty `folder`. Raises as `compile_with_vela`."""
    if not is_installed():
        raise MissingExtraError(PACKAGE, "npu", "Vela's list of operators")
    _child(["--supported-ops-report"], settings_for("ethos_u85"), "the list of operators", folder)
    return (folder / "SUPPORTED_OPS.md").read_text()


def _run(source: Path, out: Path, settings: Settings) -> str:
    arguments = [str(source), "--accelerator-config", settings.config, "--config", _VELA_INI, "--system-config", settings.system]
    arguments += ["--memory-mode", settings.memory_mode, "--output-dir", str(out), "--show-cpu-operations", "--verbose-performance"]
    return _child(arguments, settings, source.stem, source.parent)


def _child(arguments: list[str], settings: Settings, name: str, folder: Path) -> str:
    """Everything that Vela printed."""
    command = [str(settings.python or sys.executable), "-c", _CHILD, str(settings.memory_bytes), *arguments]
    try:
        ended = subprocess.run(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=settings.timeout_s, check=False
        )
    except subprocess.TimeoutExpired as expired:
        said = expired.stdout.decode(errors="replace") if isinstance(expired.stdout, bytes) else expired.stdout or ""
        _keep(folder / "out", said, settings, name)
        raise ToolError(f"{name}: Vela did not end within {settings.timeout_s:g} s and was stopped. Give it more with --timeout.") from expired
    if ended.returncode:
        _keep(folder / "out", ended.stdout, settings, name)
        raise ToolError(_failure(name, ended.returncode, ended.stdout, settings))
    return ended.stdout


def _failure(name: str, code: int, said: str, settings: Settings) -> str:
    if "MemoryError" in said or "bad_alloc" in said or "Cannot allocate memory" in said:
        return (
            f"{name}: Vela needed more than {settings.memory_bytes / 2**30:g} GiB of memory and was stopped. Convolutions with a stride above 3 on "
            "large images do that; convert with row planes (--with ethos_u65), or allow more with --memory."
        )
    words = " ".join(said.rpartition("Error: ")[2].split())[:_SHOWN]
    return f"{name}: Vela failed with exit code {code} ({words or 'it said nothing'}). What the rules say alone: --rules-only."


def _keep(out: Path, log: str, settings: Settings, name: str) -> None:
    """Copy Vela's files and its log to where they were asked for."""
    if settings.keep is None:
        return
    try:
        settings.keep.mkdir(parents=True, exist_ok=True)
        (settings.keep / f"{name}_vela.log").write_text(log)
        if out.is_dir():
            shutil.copytree(out, settings.keep, dirs_exist_ok=True)
    except OSError as error:
        raise OutputError(f"{settings.keep}: Vela's files cannot be kept there ({error.strerror or error}).") from error


def _estimate(out: Path, log: str, settings: Settings, name: str) -> Estimate:
    summary, rows = _summary(out, name), _rows(out, f"{glob.escape(name)}_per-layer.csv", name)
    layers = tuple(_layer(row) for row in rows)
    reasons = {output: reason.strip() for _, output, reason in _REASON.findall(log)}
    cycles: collections.Counter[str] = collections.Counter()
    for layer in layers:
        cycles[layer.op] += layer.cycles
    cpu = tuple(CpuOperator(layer.op, layer.name, reasons.get(layer.name, "")) for layer in layers if layer.unit != "NPU")
    rate = float(summary["inferences_per_second"])
    version = _VERSION.search(log)
    return Estimate(
        vela=version[1] if version else "unknown",
        config=settings.config,
        system=settings.system,
        memory_mode=settings.memory_mode,
        clock_hz=float(summary["core_clock"]),
        cycles=int(float(summary["cycles_total"])),
        frames_per_second=rate if math.isfinite(rate) else 0.0,
        macs=int(float(summary["nn_macs"])),
        sram_bytes=_kibibytes(summary["sram_memory_used"]),
        dram_bytes=_kibibytes(summary["dram_memory_used"]),
        flash_bytes=_kibibytes(summary["off_chip_flash_memory_used"]),
        sram_traffic_bytes=int(float(summary["sram_total_bytes"])),
        dram_traffic_bytes=int(float(summary["dram_total_bytes"])),
        operators=len(layers) - len(cpu),
        cpu=cpu,
        cycles_by_operator={kind: count for kind, count in cycles.most_common() if count},
        layers=layers,
    )


def _layer(row: dict[str, str]) -> Layer:
    return Layer(
        op=row["Original Operator"],
        name=row["Name"],
        unit=row["Target"],
        cycles=round(float(row["Op Cycles"])),
        npu_cycles=round(float(row["NPU"])),
        macs=round(float(row["MAC Count"])),
        utilization=float(row["Util% (MAC)"]) / 100,
    )


def _kibibytes(text: str) -> int:
    return round(float(text) * 1024)


def _summary(out: Path, name: str) -> dict[str, str]:
    return _rows(out, f"{glob.escape(name)}_summary_*.csv", name)[0]


def _rows(out: Path, pattern: str, name: str) -> list[dict[str, str]]:
    found = sorted(out.glob(pattern))
    if len(found) != 1:
        raise ToolError(f"{name}: Vela ended without an error but left {len(found)} files like {pattern}, expected one. Another version of Vela?")
    with found[0].open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise ToolError(f"{name}: Vela's file {found[0].name} is empty. Another version of Vela?")
    return rows
