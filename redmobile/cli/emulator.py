"""`redmobile emulator`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from redmobile.cli.console import OUT, json_option, print_json, progress, table
from redmobile.errors import DeviceError, UsageError

if TYPE_CHECKING:
    from redmobile.emulator.counts import Counted, Counts
    from redmobile.emulator.system import Status

_MEGABYTE = 1_000_000
_STYLES = {"ready": "green", "missing": "yellow", "damaged": "bold red", "another version": "yellow"}


@click.command(
    epilog="""\b
Examples:
  redmobile emulator install
  redmobile emulator status --json
  redmobile emulator count --on cortex-a76 -- ./bench_aarch64 --frames 3
  redmobile emulator remove

\b
Exit code 7: Debian packages are missing here (the line that installs them is said), or status finds something that is not ready.
Exit code 8: a download failed (what is there is kept: the same command goes on), or the counted program did.
"""
)
@click.argument("action", type=click.Choice(["install", "status", "remove", "count"]))
@click.argument("program", nargs=-1)
@click.option("--mirror", help="install: where Debian's packages come from.  [default: http://deb.debian.org/debian]")
@click.option("--on", "device", metavar="DEVICE", help="count: the processor, a file in benchmarks/devices/, e.g. cortex-a76, or a .toml of yours.")
@click.option("--frames", type=click.IntRange(min=1), help="count: how many regions the program has to mark.  [default: any number]")
@json_option
def command(action: str, program: tuple[str, ...], mirror: str | None, device: str | None, frames: int | None, as_json: bool) -> None:
    """Emulated ARM: a small aarch64 system in the cache (~/.cache/redmobile or $REDMOBILE_CACHE), run by QEMU without root.

    install fetches Debian packages and the aarch64 wheels of LiteRT and tflite-runtime, checks them, and builds the plug-in that counts; it
    goes on where it was stopped, and repairs what is damaged. status compares every file. remove removes all of it.

    count runs PROGRAM (after --) on a processor and tells its instructions by class, bytes, and what its caches take from memory. The program
    marks what is to be counted by close(0x52454400) before and close(0x52454401) after it. Nothing here tells milliseconds.
    """
    from redmobile.emulator.system import System

    _check_options(action, program, {"--mirror": mirror, "--on": device, "--frames": frames})
    if action == "install":
        _install(mirror, as_json=as_json)
    elif action == "remove":
        removed = System().remove()
        if as_json:
            print_json({"removed_bytes": removed})
        else:
            OUT.print(f"Removed {removed / _MEGABYTE:.0f} MB.", markup=False)
    elif action == "status":
        _tell(System().status(), as_json=as_json)
    else:
        _count(program, device or "", frames, as_json=as_json)


_BELONGS = {"--mirror": "install", "--on": "count", "--frames": "count"}


def _check_options(action: str, program: tuple[str, ...], given: dict[str, object]) -> None:
    unfit = [name for name, value in given.items() if value is not None and _BELONGS[name] != action]
    if unfit:
        raise UsageError(f"{', '.join(unfit)}: does not belong to {action}.")
    if program and action != "count":
        raise UsageError(f"{action} takes no program, found '{program[0]}'.")
    if action == "count" and (not program or given["--on"] is None):
        raise UsageError("Say what is counted, and where: redmobile emulator count --on cortex-a76 -- PROGRAM [ARGUMENTS].")


def _install(mirror: str | None, *, as_json: bool) -> None:
    from redmobile.emulator.debian import MIRROR
    from redmobile.emulator.system import System

    with progress() as bar:
        task = bar.add_task("install", total=None, note="")
        status = System().install(mirror or MIRROR, lambda what, done, total: bar.update(task, description=what, completed=done, total=total))
    _tell(status, as_json=as_json)


def _tell(status: Status, *, as_json: bool) -> None:
    from redmobile.emulator.tools import install_line

    if as_json:
        print_json(status.as_json())
    else:
        made = table(str(status.folder), "piece", "state", "holds")
        for piece in status.pieces:
            few = piece.name == "debian"
            holds = f"{len(piece.contents)} packages" if few else ", ".join(f"{name} {version}" for name, version in piece.contents.items())
            made.add_row(piece.name, f"[{_STYLES[piece.state]}]{piece.state}[/]", piece.says or holds)
        OUT.print(made)
        OUT.print(f"{status.bytes / _MEGABYTE:.0f} MB", markup=False, style="dim")
        if status.counting:
            OUT.print(status.counting, markup=False)
    if status.missing_packages:
        raise DeviceError(f"Debian packages are missing here: {install_line(status.missing_packages)}")
    if not status.ready:
        faults = "; ".join(f"{piece.name}: {piece.says}" for piece in status.pieces if piece.state != "ready")
        raise DeviceError(f"The emulated ARM system is not ready ({faults}): redmobile emulator install")


def _count(program: tuple[str, ...], device: str, frames: int | None, *, as_json: bool) -> None:
    import msgspec

    from redmobile.emulator.counts import count

    counted = count(program, device, frames)
    if as_json:
        print_json(msgspec.to_builtins(counted))
    else:
        _print_counts(Path(program[0]).name, device, counted)


def _print_counts(name: str, device: str, counted: Counted) -> None:
    columns = [(f"region {number}", region) for number, region in enumerate(counted.regions, 1)] + [("whole program", counted.whole)]
    made = table(f"{name} on {device}", "", *(f">{title}" for title, _ in columns))
    rows = [_figures(counts) for _, counts in columns]
    for label in rows[0]:
        made.add_row(label, *(f"{row[label]:,}" for row in rows))
    OUT.print(made)


def _figures(counts: Counts) -> dict[str, int]:
    return {
        "instructions": counts.total,
        **{f"  {kind.replace('_', ' ')}": number for kind, number in counts.instructions.items()},
        "bytes loaded": counts.bytes_loaded,
        "bytes stored": counts.bytes_stored,
        "lines from memory, loads": counts.fills_by_loads,
        "lines from memory, stores": counts.fills_by_stores,
        "lines to memory": counts.write_backs,
    }
