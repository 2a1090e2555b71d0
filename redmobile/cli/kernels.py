"""`redmobile kernels`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redmobile.cli.console import ERR, OUT, json_option, print_json, table
from redmobile.cli.options import pairs

if TYPE_CHECKING:
    from redmobile.kernels.mca import Estimate

_CPUS = ("cortex-a55", "neoverse-n1", "neoverse-v1", "neoverse-n2")
_TARGETS = ("host", "aarch64-linux", "aarch64-android")
_KIB = 1024


@click.group(
    epilog="""\b
Examples:
  redmobile kernels build
  redmobile kernels build --target aarch64-linux --out libredmobile_delegate.so
  redmobile kernels plan my_int8.tflite --l2 512K
  redmobile kernels mca --cpu neoverse-n1
  redmobile bench model_latency --delegate redmobile --peer models/red_mobile/red_mobile_int8.tflite
"""
)
def command() -> None:
    """Our INT8 kernels: a delegate that runs a network row by row, so that what lies between layers stays in the cache."""


@command.command(
    epilog="""\b
Examples:
  redmobile kernels build
  redmobile kernels build --target aarch64-linux --out libredmobile_delegate.so
"""
)
@click.option("--target", type=click.Choice(_TARGETS), default="host", show_default=True, help="What kind of machine for.")
@click.option("--out", type=click.Path(path_type=Path), help="Write a copy of the library here.")
@click.option("--again", is_flag=True, help="Build also if it stands already.")
@json_option
def build(target: str, out: Path | None, again: bool, as_json: bool) -> None:
    """Build libredmobile_delegate.so with CMake into the cache ($REDMOBILE_CACHE, else ~/.cache/redmobile).

    Commands with --delegate redmobile find it there; other programs load the copy (--out) as an external delegate of TensorFlow Lite.
    """
    import contextlib

    from redmobile.core.artifact import read_bytes, sha256_file, write_bytes
    from redmobile.kernels.library import build_library

    with ERR.status(f"building the kernels for {target} …") if ERR.is_terminal else contextlib.nullcontext():
        library = build_library(target, again=again)
    if out is not None:
        write_bytes(out, read_bytes(library))
    where = out or library
    if as_json:
        print_json({"target": target, "library": str(where), "bytes": where.stat().st_size, "sha256": sha256_file(where)})
    else:
        OUT.print(str(where), markup=False, soft_wrap=True)


@command.command(
    epilog="""\b
Examples:
  redmobile kernels plan my_int8.tflite
  redmobile kernels plan my_int8.tflite --l2 256K --threads 4 --json
"""
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--l2", default="512K", show_default=True, help="Cache that a thread's rings of rows should fit into.")
@click.option("--threads", type=click.IntRange(1, 8), default=1, show_default=True, help="Bands that every picture is made in.")
@click.option("--delegate-option", "options", multiple=True, callback=pairs, metavar="KEY=VALUE", help="More for the delegate, such as isa=scalar.")
@json_option
def plan(file: Path, l2: str, threads: int, options: dict[str, str], as_json: bool) -> None:
    """Show how the kernels run FILE, an INT8 .tflite: chains of layers, rows kept, bytes predicted to and from memory."""
    from redmobile.runtimes.base import Delegate, open_runtime
    from redmobile.runtimes.external_delegate import DelegatedRuntime

    runtime = open_runtime(file, "litert", threads, Delegate("redmobile", {"l2": l2, **options}))
    if not isinstance(runtime, DelegatedRuntime):
        raise TypeError(type(runtime).__name__)
    if as_json:
        print_json([dict(part) for part in runtime.plans])
        return
    for part in runtime.plans:
        _print(part)


@command.command(
    epilog="""\b
Examples:
  redmobile kernels mca
  redmobile kernels mca --cpu neoverse-v1 --all --json
  redmobile kernels mca --out redmobile/kernels/LOOPS.md

\b
Needs llvm-mca-19 (apt install llvm-19) and a cross compiler (apt install gcc-aarch64-linux-gnu).
"""
)
@click.option("--cpu", "cpus", type=click.Choice(_CPUS), multiple=True, default=("neoverse-n1",), show_default=True, help="Model of a core; again.")
@click.option("--all", "everything", is_flag=True, help="Also the loops that requantize in float, which run where no line is found.")
@click.option("--out", type=click.Path(path_type=Path), help="Write all loops on all processors as Markdown.")
@json_option
def mca(cpus: tuple[str, ...], everything: bool, out: Path | None, as_json: bool) -> None:
    """Show what llvm-mca estimates for the inner loops of the Arm kernels: cycles a turn, products a cycle against the peak, ports.

    Estimates of a core's inside by LLVM's model, with all data in the first cache: not times, and nothing about memory.
    """
    import contextlib

    from redmobile.core.artifact import write_text
    from redmobile.kernels.library import build_library
    from redmobile.kernels.mca import as_markdown, estimate, library_loops

    with ERR.status("building the library for aarch64 and asking llvm-mca …") if ERR.is_terminal else contextlib.nullcontext():
        loops = library_loops(build_library("aarch64-linux"))
        shown = [loop for loop in loops if everything or out is not None or "float" not in loop.requantizes]
        found = {cpu: estimate(cpu, shown) for cpu in (_CPUS if out is not None else cpus)}
    if out is not None:
        write_text(out, as_markdown(found))
    elif as_json:
        print_json({cpu: [loop.as_json() for loop in estimates] for cpu, estimates in found.items()})
    else:
        for cpu, estimates in found.items():
            _print_loops(cpu, estimates)


def _print_loops(cpu: str, estimates: Sequence[Estimate]) -> None:
    from redmobile.kernels.mca import CPUS, cells_of_loop

    figures = (">instr.", "products", ">codes", ">instr./code", ">limit", ">cycles", ">MAC/cycle", ">of peak", "busiest port")
    made = table(f"Inner loops on {cpu} ({CPUS[cpu]}), a turn each; estimates by llvm-mca", "function", "requantizes", *figures)
    for found in estimates:
        share = "-" if found.share_of_peak is None else f"{found.share_of_peak:.0%}"
        port = f"{found.busiest} {found.busiest_cycles:.1f}"
        made.add_row(*cells_of_loop(found), f"{found.cycles:.1f}", f"{found.macs_per_cycle:.1f}" if found.loop.products else "-", share, port)
    OUT.print(made)


def _print(part: Any) -> None:
    for number, level in enumerate(part["levels"]):
        made = table(f"Chain {number}: rings of {level['ring_bytes'] / _KIB:.0f} KiB a thread", "node", "operator", "output", "kept", "rows", "again")
        for operator in [*level["before"], *level["chain"]]:
            node = str(operator["node"]) if operator["node"] >= 0 else "-"
            size = "×".join(map(str, operator["output"]))
            rows = str(operator["ring_rows"]) if operator["ring_rows"] else ""
            again = str(operator["steps_made_again"]) if operator["steps_made_again"] else ""
            made.add_row(node, operator["kind"], size, operator["kept"], rows, again)
        OUT.print(made)
    by_op, deep = part["predicted_bytes_op_by_op"], part["predicted_bytes_depth_first"]
    OUT.print(
        f"{part['nodes']} operators, {part['threads']} threads, {part['isa']}; memory {part['memory_bytes'] / _KIB:.0f} KiB. "
        f"Predicted bytes to and from memory: {deep / 1e6:.1f} MB, operator by operator {by_op / 1e6:.1f} MB ({deep / by_op:.2f}).",
        markup=False,
    )
