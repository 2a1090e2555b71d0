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
from redmobile.errors import RedmobileError

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


def run_benchmark(device: Device, request: Request, folder: Path, timeout_s: float, on_progress: OnProgress) -> Outcome:
    """Let the activity do what is asked and fetch what it leaves, by way of `folder`; it is removed from the device.

    Raises DeviceError (gone, not installed), ToolError (Android refused).
    """
    check_installed(device)
    device.do(f"am force-stop {PACKAGE}", what="ending the demo app")
    with adb.Listening(_LISTEN, device.serial) as heard:
        start_activity(device, f"-n {ACTIVITY} {request.extras()}")
        problem = _Run(device, request.run_id, heard, on_progress).wait(timeout_s)
    remote = f"{RESULTS}/{request.run_id}.json"
    if problem:
        return Outcome(_fetch(device, f"{remote}.part", folder), f"the demo app on {device.serial} {problem}")
    document = _fetch(device, remote, folder)
    return Outcome(
        document, "" if document else f"the demo app on {device.serial} said that it was done, but left no {remote}. Is it another version?"
    )


class _Run:
    """One run that is being waited for."""

    def __init__(self, device: Device, run_id: str, heard: adb.Listening, on_progress: OnProgress) -> None:
        self._device, self._run_id, self._heard, self._on_progress = device, run_id, heard, on_progress
        self._spoke = False
        self._crash: list[str] = []

    def wait(self, timeout_s: float) -> str:
        """'' when the run is done, else why it never will be. Raises DeviceError: the device is gone."""
        began = asked = time.monotonic()
        while (ended := self._listen()) is None:
            now = time.monotonic()
            if now - began > timeout_s:
                return f"did not end within {timeout_s:.0f} s"
            if not self._spoke and now - began > _FIRST_WORD_S:
                return f"said nothing for {_FIRST_WORD_S:.0f} s. Is the phone unlocked? `redmobile android logs` tells more"
            if now - asked > _ALIVE_EVERY_S:
                asked = now
                if not _is_running(self._device):
                    return self._died()
            time.sleep(_LOOK_S)
        return ended

    def _listen(self) -> str | None:
        """What `wait` is to say, None: nothing yet."""
        for line in self._heard.lines():
            if died := _CRASH.search(line):
                self._crash.append(died["said"].strip())
            said = _SAID.search(line)
            if said is None or said["run"] != self._run_id:
                continue
            self._spoke = True
            if said["progress"] is None:
                return "" if said["done"] else f"failed: {said['failed'].strip() or 'it gave no reason'}"
            self._on_progress(float(said["progress"]))
        return None

    def _died(self) -> str:
        """Its last words may still be on their way."""
        time.sleep(_ALIVE_EVERY_S / 2)
        last = self._listen()
        if last is not None:
            return last
        reasons = [line for line in self._crash if line and not line.startswith(_DULL)]
        return f"crashed ({reasons[0]})" if reasons else "was ended by Android in the middle of the run, most likely for want of memory"


def _is_running(device: Device) -> bool:
    return bool(device.read(f"pidof {PACKAGE}", what="looking whether the demo app runs").strip())


def _fetch(device: Device, remote: str, folder: Path) -> bytes | None:
    """The file `remote`, which is then removed; None if it is not there."""
    if not device.exists(remote):
        return None
    local = folder / Path(remote).name
    device.pull(remote, local)
    with contextlib.suppress(RedmobileError):
        device.remove(remote)
    return local.read_bytes()
