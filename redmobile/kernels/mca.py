"""What llvm-mca says of the Arm kernels' inner loops: cycles, ports and products a cycle, by its models of processors. Estimates, not times."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from redmobile.errors import DeviceError, ToolError, UsageError
from redmobile.kernels.loops import Loop, inner_loops

CPUS: Mapping[str, str] = {
    "cortex-a55": "Cortex-A55",
    "neoverse-n1": "Cortex-A76 and its like",
    "neoverse-v1": "Cortex-X1",
    "neoverse-n2": "Cortex-A710",
}
"""Processors as LLVM calls them → what in a phone has such a core."""

PROGRAM = "llvm-mca-19"
"""Models of neoverse-n1 and neoverse-v1 of their own came with LLVM 16; Debian 12 has 14 and 19."""

OBJDUMP = "aarch64-linux-gnu-objdump"
_ITERATIONS = 100
_SECONDS = 300
_MACS = {"sdot": 16, "smmla": 32, "": 0}
"""Multiplications and additions of one instruction."""

_INDEPENDENT = {
    "sdot": [f"sdot v{n}.4s, v30.16b, v31.16b" for n in range(24)],
    "smmla": [f"smmla v{n}.4s, v30.16b, v31.16b" for n in range(24)],
}
"""What a processor can do at most: products that do not wait for each other."""


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A loop on a processor. cycles: of one turn; peak: products a cycle at most; busiest: the port under most pressure, cycles a turn."""

    loop: Loop
    cycles: float
    peak: float
    busiest: str
    busiest_cycles: float

    @property
    def macs_per_cycle(self) -> float:
        """Multiplications with addition."""
        return self.loop.products * _MACS[self.loop.product] / self.cycles

    @property
    def share_of_peak(self) -> float | None:
        """Of the products that the processor could do in those cycles; None for a loop without any."""
        return self.loop.products / self.cycles / self.peak if self.loop.products else None

    @property
    def limit(self) -> float | None:
        """The share of the peak that is left if every vector instruction takes a place where a product could be; None without products."""
        return self.loop.products / self.loop.vectors if self.loop.products else None

    @property
    def instructions_per_code(self) -> float | None:
        """None for a loop that writes no codes."""
        return len(self.loop.body) / self.loop.outputs if self.loop.outputs else None

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        loop = self.loop
        return {
            "function": loop.function,
            "requantizes": loop.requantizes,
            "instructions": len(loop.body),
            "vector_instructions": loop.vectors,
            "product": loop.product,
            "products": loop.products,
            "codes": loop.outputs,
            "stack_accesses": loop.spills,
            "instructions_per_code": self.instructions_per_code,
            "cycles": self.cycles,
            "macs_per_cycle": self.macs_per_cycle,
            "share_of_peak": self.share_of_peak,
            "limit": self.limit,
            "busiest_port": self.busiest,
            "busiest_port_cycles": self.busiest_cycles,
        }


def missing_mca_tools() -> tuple[str, ...]:
    """What this needs and the machine lacks, each with the line that installs it."""
    tools = {OBJDUMP: "apt install binutils-aarch64-linux-gnu", PROGRAM: "apt install llvm-19"}
    return tuple(f"{tool} ({get})" for tool, get in tools.items() if shutil.which(tool) is None)


def library_loops(library: Path) -> tuple[Loop, ...]:
    """The inner loops of an aarch64 library's kernels, but for the scalar ones; of loops that do the same work in a function, the shortest.

    Raises DeviceError (a tool is missing), ToolError (it fails).
    """
    missing = missing_mca_tools()
    if missing:
        raise DeviceError(f"Looking at the kernels' loops needs {' and '.join(missing)}.")
    best: dict[tuple[Any, ...], Loop] = {}
    for loop in inner_loops(_run([OBJDUMP, "-d", "--no-show-raw-insn", str(library)])):
        if loop.function.endswith("__scalar") or not (loop.products or (loop.outputs and loop.vectors)):
            continue
        work = loop.function, loop.products, loop.outputs, loop.requantizes
        if work not in best or len(loop.body) < len(best[work].body):
            best[work] = loop
    return tuple(best.values())


def estimate(cpu: str, loops: Sequence[Loop]) -> tuple[Estimate, ...]:
    """Each loop on `cpu` (see CPUS), by one run of llvm-mca. Raises UsageError, DeviceError, ToolError."""
    if cpu not in CPUS:
        raise UsageError(f"No model of '{cpu}' is asked. Known: {', '.join(CPUS)}.")
    if shutil.which(PROGRAM) is None:
        raise DeviceError(f"Looking at the kernels' loops needs {PROGRAM} (apt install llvm-19).")
    peaks = {name: len(lines) / _simulate(cpu, [lines])[0][0] for name, lines in _INDEPENDENT.items() if _has(loops, name)}
    simulated = _simulate(cpu, [[str(instruction) for instruction in loop.body] for loop in loops])
    return tuple(
        Estimate(loop, cycles, peaks.get(loop.product, 0.0), port, busy) for loop, (cycles, port, busy) in zip(loops, simulated, strict=True)
    )


def _has(loops: Sequence[Loop], product: str) -> bool:
    return any(loop.product == product for loop in loops)


def _simulate(cpu: str, bodies: Sequence[Sequence[str]]) -> list[tuple[float, str, float]]:
    """Of each body, repeated: cycles a turn; the busiest port, and its cycles."""
    regions = [f"# LLVM-MCA-BEGIN {number}\n" + "\n".join(body) + "\n# LLVM-MCA-END" for number, body in enumerate(bodies)]
    command = [PROGRAM, "-mtriple=aarch64", f"-mcpu={cpu}", "-mattr=+dotprod,+i8mm", "-json", f"-iterations={_ITERATIONS}"]
    said = json.loads(_run(command, "\n".join(regions) + "\n"))
    ports = [name.replace("\u0000", "0").replace("\u0001", "1") for name in said["TargetInfo"]["Resources"]]
    return [_figures(region, ports) for region in sorted(said["CodeRegions"], key=lambda region: int(region["Name"]))]


def _figures(region: Mapping[str, Any], ports: Sequence[str]) -> tuple[float, str, float]:
    total = len(region["Instructions"])  # the line behind the last instruction holds the sums
    pressure = [entry for entry in region["ResourcePressureView"]["ResourcePressureInfo"] if entry["InstructionIndex"] == total]
    busiest = max(pressure, key=lambda entry: float(entry["ResourceUsage"]))
    return region["SummaryView"]["TotalCycles"] / _ITERATIONS, ports[busiest["ResourceIndex"]], float(busiest["ResourceUsage"])


def _run(command: Sequence[str], given: str = "") -> str:
    try:
        ended = subprocess.run(command, input=given, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{command[0]} did not end within {_SECONDS} s.") from error
    if ended.returncode:
        raise ToolError(f"{' '.join(command[:2])} failed ({ended.returncode}): {ended.stderr.strip()[-300:]}")
    return ended.stdout


def as_markdown(estimates: Mapping[str, Sequence[Estimate]]) -> str:
    """A table of all loops, a processor's cycles and share of the peak a column. estimates: processor → its estimates of the same loops."""
    head = ["function", "requantizes", "instructions", "products", "codes", "instr. a code", "limit"]
    lines = ["| " + " | ".join(head + [f"{cpu}: cycles, MAC a cycle, of peak, busiest port" for cpu in estimates]) + " |"]
    lines.append("|" + "---|" * (len(head) + len(estimates)))
    lines += ["| " + " | ".join([*cells_of_loop(row[0]), *map(_cell, row)]) + " |" for row in zip(*estimates.values(), strict=True)]
    return "\n".join(lines) + "\n"


def cells_of_loop(found: Estimate) -> list[str]:
    """What a table says of a loop on any processor: function, requantization, instructions, products, codes, instructions a code, limit."""
    loop, per_code, limit = found.loop, found.instructions_per_code, found.limit
    return [
        loop.function,
        loop.requantizes or "-",
        str(len(loop.body)),
        f"{loop.products} {loop.product}" if loop.products else "-",
        str(loop.outputs) if loop.outputs else "-",
        "-" if per_code is None else f"{per_code:.2f}",
        "-" if limit is None else f"{limit:.0%}",
    ]


def _cell(found: Estimate) -> str:
    share = "" if found.share_of_peak is None else f", {found.macs_per_cycle:.1f}, {found.share_of_peak:.0%}"
    return f"{found.cycles:.1f}{share}, {found.busiest} {found.busiest_cycles:.1f}"
