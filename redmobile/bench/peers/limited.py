"""A command of others, within limits of time and memory, its words kept in a file."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import psutil

from redmobile.core.documents import Document
from redmobile.errors import ToolError

_GLANCE_SECONDS = 0.05
_MEBIBYTE = 1024 * 1024
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_RAISED = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception)\b")
_COMPLAINED = re.compile(r"\berror\b", re.IGNORECASE)
_LONGEST_REASON = 240

End = Literal["done", "failed", "timed out", "out of memory"]


class Limits(Document):
    """The most a command may take, with all its processes."""

    seconds: float
    memory_mib: int


class Ended(Document):
    """How a command ended. seconds: how long it ran; reason: one line, '' if it is done.

    peak_bytes: the most resident memory that it and its processes were seen to hold together, looked at every 50 ms, or that the first of
    them held at any time, if that is more.
    """

    end: End
    seconds: float
    peak_bytes: int
    reason: str


def run_limited(command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path, limits: Limits) -> Ended:
    """Run `command` in `folder` with the variables `environment`; what it says goes to the file `log`.

    Nothing of it is left when this returns or is interrupted, children included. Raises ToolError if it cannot be started.
    """
    began = time.monotonic()
    with log.open("wb") as words:
        try:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=words, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            raise ToolError(f"{command[0]}: cannot be started ({error.strerror}).") from error
        try:
            peak, excess = _watch(process, began, limits)
        finally:
            _end(process)
    seconds = time.monotonic() - began
    if excess is not None:
        return Ended(end=excess, seconds=seconds, peak_bytes=peak, reason=_excess(excess, limits))
    if process.returncode:
        return Ended(end="failed", seconds=seconds, peak_bytes=peak, reason=_reason(process.returncode, log))
    return Ended(end="done", seconds=seconds, peak_bytes=peak, reason="")


def _watch(process: subprocess.Popen[bytes], began: float, limits: Limits) -> tuple[int, End | None]:
    """Wait for `process`: the most memory that was seen, and the limit that it went over."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, _resident(process.pid))
        if peak > limits.memory_mib * _MEBIBYTE:
            return peak, "out of memory"
        if time.monotonic() - began > limits.seconds:
            return peak, "timed out"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GLANCE_SECONDS)
    return peak, None


def _resident(pid: int) -> int:
    """Bytes of the process and its descendants now, or the first one's high-water mark if that is more."""
    try:
        first = psutil.Process(pid)
        family = [first, *first.children(recursive=True)]
    except psutil.Error:
        return 0
    now = 0
    for member in family:
        with contextlib.suppress(psutil.Error):
            now += int(member.memory_info().rss)
    return max(now, _high_water(pid))


def _high_water(pid: int) -> int:
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left: the command began a session of its own, so its processes are one group."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _excess(end: End, limits: Limits) -> str:
    if end == "timed out":
        return f"did not end within {limits.seconds:g} s and was stopped"
    return f"held more than {limits.memory_mib} MiB of memory and was stopped"


def _reason(code: int, log: Path) -> str:
    """One line: the last that names an exception, else the last that speaks of an error, else the last one."""
    lines = [" ".join(_COLOURS.sub("", line).split()) for line in log.read_text(errors="replace").splitlines()]
    lines = [line for line in lines if line]
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    raised, complained = ([line for line in lines if pattern.search(line)] for pattern in (_RAISED, _COMPLAINED))
    said = (raised or complained or lines or [f"ended with {code} and said nothing"])[-1]
    return said if len(said) <= _LONGEST_REASON else said[: _LONGEST_REASON - 1] + "…"
