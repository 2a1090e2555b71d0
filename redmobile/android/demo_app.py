"""The demo app on a device: install it, start it, read its log."""

from __future__ import annotations

import re
from pathlib import Path

from redmobile.android import adb
from redmobile.android.complaints import broke_off, error_for, shortened
from redmobile.android.device import TRANSFER_S, Device
from redmobile.android.facts import check_runs_app, read_facts
from redmobile.core.artifact import sha256_file
from redmobile.errors import DeviceError, InputError, ToolError

PACKAGE = "dev.redmobile.demo"
LOG_TAGS = ("redmobile:V", "tflite:V", "AndroidRuntime:E", "DEBUG:F", "*:S")
"""Filters of logcat: the app's own words, TFLite's, and those of a crash in Java or in native code."""

_FOR_EVER_S = 365.0 * 24 * 3600
_INSTALL_LINE = "Install the demo app first: redmobile android build --out demo.apk && redmobile android install demo.apk"


def install(device: Device, apk: Path) -> str:
    """Install the file `apk` in place of an older one; gives its sha256. Raises InputError, DeviceError, ToolError."""
    if apk.suffix.lower() != ".apk":
        raise InputError(f"{apk}: is no .apk; build one with: redmobile android build --out demo.apk")
    sha256 = sha256_file(apk)
    check_runs_app(device.serial, read_facts(device))
    what = f"installing {apk.name}"
    ended = adb.attempt(["install", "-r", str(apk)], what=what, serial=device.serial, timeout_s=TRANSFER_S)
    if ended.code or "Success" not in ended.said:
        raise error_for(ended.said, what, device.serial)
    return sha256


def check_installed(device: Device) -> None:
    """Raise DeviceError unless the demo app is there."""
    if not device.read(f"pm path {PACKAGE}", what="looking for the demo app").startswith("package:"):
        raise DeviceError(f"{device.serial}: the demo app ({PACKAGE}) is not installed. {_INSTALL_LINE}")


def start(device: Device) -> str:
    """Open the demo app as a tap on its icon does; gives the activity's name. Raises DeviceError, ToolError."""
    check_installed(device)
    resolve = f"cmd package resolve-activity --brief -c android.intent.category.LAUNCHER {PACKAGE}"
    answer = device.do(resolve, what="looking for the demo app's first screen").split()
    activity = answer[-1] if answer else ""
    if not activity.startswith(f"{PACKAGE}/"):
        raise ToolError(f"{device.serial}: the demo app has no first screen ({activity or 'no answer'}). {_INSTALL_LINE}")
    start_activity(device, f"-n {activity}")
    return activity


def start_activity(device: Device, arguments: str) -> None:
    """`am start arguments`, which ends with 0 also when it could not. Raises DeviceError, ToolError."""
    what = "starting the demo app"
    said = device.shell(f"am start {arguments}", what=what).text
    if re.search(r"Error type 3|does not exist", said):
        raise DeviceError(f"{device.serial}: the demo app or this activity of it is not installed ({shortened(said)}). {_INSTALL_LINE}")
    if "Error" in said or "Exception" in said:
        raise ToolError(f"{what}: Android refused on {device.serial} ({shortened(said)}).")


def logs(device: Device, on_line: adb.OnLine | None = None) -> list[str]:
    """The log's lines until now that concern the app. Raises DeviceError, ToolError."""
    return adb.run(["logcat", "-v", "time", "-d", *LOG_TAGS], what="reading the log", serial=device.serial, on_line=on_line).said.splitlines()


def follow_logs(device: Device, on_line: adb.OnLine) -> None:
    """The same, and those that come, until something interrupts. Raises DeviceError (the connection ended), ToolError."""
    what = "reading the log"
    ended = adb.attempt(["logcat", "-v", "time", *LOG_TAGS], what=what, serial=device.serial, timeout_s=_FOR_EVER_S, on_line=on_line)
    raise error_for(ended.said, what, device.serial) if "error:" in ended.said else broke_off(what, device.serial)
