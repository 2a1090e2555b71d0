"""The demo app's benchmark activity: started, listened to, and its result fetched. android_demo/BENCHMARK.md is the contract."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shlex
import time
from collections.abc import Callable
from pathlib import Path

from redmobile.android import adb
from redmobile.android.demo_app import PACKAGE, check_installed, start_activity
from redmobile.android.device import Device
from redmobile.android.devices import comes_back
from redmobile.errors import DeviceError, RedmobileError

ACTIVITY = f"{PACKAGE}/.benchmark.BenchmarkActivity"
FILES = f"/sdcard/Android/data/{PACKAGE}/files"
MODELS, RESULTS = f"{FILES}/models", f"{FILES}/benchmark"

_LISTEN = ("logcat", "-v", "time", "-T", "1", "redmobile:V", "AndroidRuntime:E", "DEBUG:F", "*:S")
_SAID = re.compile(r"run (?P<run>\S+) (?:progress (?P<progress>[\d.]+)|(?P<done>done)|failed (?P<failed>.*))\s*$")
_CRASH = re.compile(r"[EF]/(?:AndroidRuntime|DEBUG)\s*\(\s*\d+\):\s*(?P<said>.*)$")
_DULL = ("FATAL EXCEPTION", "Process:", "PID:", "*** ***", "Build fingerprint", "at ", "Shutting down VM")
"""Lines of a crash that do not say what happened."""

_LOOK_S = 0.2
_ALIVE_EVERY_S = 2.0
_LAST_WORDS_S = 3.0
"""How long what an app said before it died may be on its way."""

_FIRST_WORD_S = 60.0
"""A phone that is busy may take its time to open an app; one that says nothing for so long never will."""

OnProgress = Callable[[float], None]
"""Part of the run that is done, 0 to 1 → None."""


@dataclasses.dataclass(frozen=True)
class Request:
    """What the activity is asked to do. plan: its name there; model: the network's file on the device; seconds, runs, warm_up: None: the plan's."""

    plan: str
    run_id: str
    model: str
    delegate: str
    threads: int
    seconds: int | None = None
    runs: int | None = None
    warm_up: int | None = None
    fps: float | None = None

    def extras(self) -> str:
        """For `am start`."""
        words = {"plan": self.plan, "run_id": self.run_id, "model": self.model, "delegates": self.delegate, "threads": str(self.threads)}
        numbers = {"seconds": self.seconds, "runs": self.runs, "warm_up": self.warm_up}
        found = [f"--es {key} {shlex.quote(value)}" for key, value in words.items()]
        found += [f"--ei {key} {value}" for key, value in numbers.items() if value is not None]
        return " ".join((*found, *([f"--ef fps {self.fps:g}"] if self.fps is not None else ())))


@dataclasses.dataclass(frozen=True)
class Outcome:
    """document: the JSON that the activity left, whole, or what there was of it when it failed; None: nothing. problem: why it failed, '' if not."""

    document: bytes | None
    problem: str = ""


def run_benchmark(device: Device, request: Request, folder: Path, timeout_s: float, on_progress: OnProgress, *, patience_s: float = 0.0) -> Outcome:
    """Let the activity do what is asked and fetch what it leaves, by way of `folder`; it is removed from the device.

    patience_s: how long to wait for a device that went away meanwhile: the app goes on without us.
    Raises DeviceError (gone, not installed), ToolError (Android refused).
    """
    check_installed(device)
    device.do(f"am force-stop {PACKAGE}", what="ending the demo app")
    problem = _Run(device, request, on_progress, patience_s).wait(timeout_s)
    remote = f"{RESULTS}/{request.run_id}.json"
    if problem:
        return Outcome(_fetch(device, f"{remote}.part", folder), f"the demo app on {device.serial} {problem}")
    document = _fetch(device, remote, folder)
    return Outcome(
        document, "" if document else f"the demo app on {device.serial} said that it was done, but left no {remote}. Is it another version?"
    )


class _Run:
    """One run that is being waited for."""

    def __init__(self, device: Device, request: Request, on_progress: OnProgress, patience_s: float) -> None:
        self._device, self._request, self._on_progress, self._patience_s = device, request, on_progress, patience_s
        self._started = self._spoke = False
        self._crash: list[str] = []

    def wait(self, timeout_s: float) -> str:
        """'' when the run is done, else why it never will be. Raises DeviceError: the device is gone, or does not come back."""
        began = time.monotonic()
        while True:
            try:
                with adb.Listening(_LISTEN, self._device.serial) as heard:
                    self._start()
                    return self._follow(heard, began, timeout_s)
            except DeviceError:
                if not self._started or time.monotonic() - began > timeout_s or not comes_back(self._device, self._patience_s):
                    raise

    def _start(self) -> None:
        if not self._started:
            start_activity(self._device, f"-n {ACTIVITY} {self._request.extras()}")
            self._started = True

    def _follow(self, heard: adb.Listening, began: float, timeout_s: float) -> str:
        asked = time.monotonic()
        while (ended := self._listen(heard)) is None:
            now = time.monotonic()
            if now - began > timeout_s:
                return f"did not end within {timeout_s:.0f} s"
            if not self._spoke and now - began > _FIRST_WORD_S:
                return f"said nothing for {_FIRST_WORD_S:.0f} s. Is the phone unlocked? `redmobile android logs` tells more"
            if now - asked > _ALIVE_EVERY_S:
                asked = now
                if (found := self._look()) is not None:
                    return self._died(heard) if found else ""
            time.sleep(_LOOK_S)
        return ended

    def _listen(self, heard: adb.Listening) -> str | None:
        """What `wait` is to say, None: nothing yet."""
        for line in heard.lines():
            if died := _CRASH.search(line):
                self._crash.append(died["said"].strip())
            said = _SAID.search(line)
            if said is None or said["run"] != self._request.run_id:
                continue
            self._spoke = True
            if said["progress"] is None:
                return "" if said["done"] else f"failed: {said['failed'].strip() or 'it gave no reason'}"
            self._on_progress(float(said["progress"]))
        return None

    def _look(self) -> str | None:
        """None: the app runs. '': its result is there, whatever was heard. Else it is gone."""
        command = f"[ -e {RESULTS}/{self._request.run_id}.json ] && echo done; pidof {PACKAGE}; true"
        said = self._device.do(command, what="looking whether the demo app runs").split()
        if "done" in said:
            return ""
        return None if said else "gone"

    def _died(self, heard: adb.Listening) -> str:
        """Its last words may still be on their way."""
        ends = time.monotonic() + _LAST_WORDS_S
        while (last := self._listen(heard)) is None:
            reasons = [line for line in self._crash if line and not line.startswith(_DULL)]
            if reasons:
                return f"crashed ({reasons[0]})"
            if time.monotonic() > ends:
                return "was ended by Android in the middle of the run, most likely for want of memory"
            time.sleep(_LOOK_S)
        return last


def _fetch(device: Device, remote: str, folder: Path) -> bytes | None:
    """The file `remote`, which is then removed; None if it is not there."""
    if not device.exists(remote):
        return None
    local = folder / Path(remote).name
    device.pull(remote, local)
    with contextlib.suppress(RedmobileError):
        device.remove(remote)
    return local.read_bytes()
