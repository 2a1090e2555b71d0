"""adb, Android's debug bridge: the program is found, run within a time limit, and what it complains of becomes one of our errors."""

from __future__ import annotations

import collections
import dataclasses
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from redmobile.android.complaints import broke_off, error_for, is_silent
from redmobile.errors import DeviceError, RedmobileError

INSTALL_LINE = "apt-get install adb (Debian, Ubuntu), brew install android-platform-tools (macOS), or ANDROID_HOME=…/sdk"
"""How to get adb."""

QUICK_S = 30.0
"""For what a device answers at once."""

OnLine = Callable[[str], None]
"""One line of output → None."""


@dataclasses.dataclass(frozen=True)
class Ended:
    """What a run of adb left. code: its exit code; said: everything it wrote, stdout and stderr in their order."""

    code: int
    said: str


def find_adb() -> Path:
    """The adb of ANDROID_HOME or ANDROID_SDK_ROOT, else the one on the PATH. Raises DeviceError."""
    for variable in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        sdk = os.environ.get(variable)
        if sdk and (found := shutil.which("adb", path=str(Path(sdk) / "platform-tools"))):
            return Path(found)
    found = shutil.which("adb")
    if found is None:
        raise DeviceError(f"adb was not found, which talks to Android devices: {INSTALL_LINE}.")
    return Path(found)


def version() -> str:
    """The first line of `adb version`. Raises DeviceError."""
    return run(["version"], what="adb version").said.splitlines()[0]


def run(arguments: Sequence[str], *, what: str, serial: str | None = None, timeout_s: float = QUICK_S, on_line: OnLine | None = None) -> Ended:
    """Run `adb arguments` for the device `serial`; `what` names what is being done in messages.

    on_line: called with each line as it comes. Raises DeviceError, ToolError: what adb complained of, or that it did not end in time.
    """
    ended = attempt(arguments, what=what, serial=serial, timeout_s=timeout_s, on_line=on_line)
    if ended.code:
        raise fault(ended, what, serial)
    return ended


def fault(ended: Ended, what: str, serial: str | None) -> RedmobileError:
    """The error for a run that failed. Some of adb's commands say nothing when the connection breaks off: then it is asked whether it did."""
    if serial and is_silent(ended.said) and attempt(["get-state"], what=what, serial=serial).said.strip() != "device":
        return broke_off(what, serial)
    return error_for(ended.said, what, serial)


def attempt(arguments: Sequence[str], *, what: str, serial: str | None = None, timeout_s: float = QUICK_S, on_line: OnLine | None = None) -> Ended:
    """As `run`, but the exit code is the caller's to judge. Raises DeviceError: no adb, or no end in time."""
    command = [str(find_adb()), *(("-s", serial) if serial else ()), *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
    )
    late = threading.Event()
    timer = threading.Timer(timeout_s, _stop, (process, late))
    timer.start()
    try:
        lines = _read(process, on_line)
        code = process.wait()
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
    if late.is_set():
        raise DeviceError(f"{what}: {serial or 'the device'} did not answer within {timeout_s:g} s. Is it awake, and the cable or network good?")
    return Ended(code, "".join(lines))


class Listening:
    """`with Listening(arguments, serial) as heard:` runs adb until the block ends; heard.lines() are those that have come since the last call."""

    def __init__(self, arguments: Sequence[str], serial: str) -> None:
        self._command = [str(find_adb()), "-s", serial, *arguments]
        self._lines: collections.deque[str] = collections.deque()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
        )
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join()
        if self._process.stdout:
            self._process.stdout.close()

    def lines(self) -> list[str]:
        """Without waiting."""
        return [self._lines.popleft() for _ in range(len(self._lines))]

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._lines.append(line.rstrip("\r\n"))


def _read(process: subprocess.Popen[str], on_line: OnLine | None) -> list[str]:
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if on_line:
            on_line(line.rstrip("\r\n"))
    return lines


def _stop(process: subprocess.Popen[str], late: threading.Event) -> None:
    late.set()
    process.kill()
