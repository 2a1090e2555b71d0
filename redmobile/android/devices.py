"""Which devices are connected, in which state, and which one is meant."""

from __future__ import annotations

import dataclasses
import os
import re
import time

from redmobile.android import adb
from redmobile.android.device import Device
from redmobile.errors import DeviceError

_STATES = {
    "device": "ready",
    "unauthorized": "it has not allowed this computer yet: unlock it and confirm “Allow USB debugging”",
    "authorizing": "it is being asked whether it allows this computer: confirm “Allow USB debugging”",
    "connecting": "the connection is being made",
    "offline": "it is connected and does not answer: unplug it and plug it in again, or: adb reconnect offline",
    "no permissions": "this user may not open it over USB: see https://developer.android.com/tools/device (udev rules, group plugdev)",
    "bootloader": "it is in its bootloader: restart it into Android",
    "recovery": "it is in recovery mode: restart it into Android",
    "rescue": "it is in rescue mode: restart it into Android",
    "sideload": "it is waiting for a sideloaded update: restart it into Android",
    "host": "it is connected the other way round",
}
"""adb's word for a state → what it means and what to do."""

_PASSING = ("authorizing", "connecting", "offline")
"""States in which a device may be for a moment after it was connected."""

_PATIENCE_S = 3.0
_LINE = re.compile(rf"^(?P<serial>\S+)\s+(?P<state>{'|'.join(_STATES)})\b(?P<rest>.*)$")


@dataclasses.dataclass(frozen=True)
class Listed:
    """A line of `adb devices`. model: as the device calls itself, '' if it has not said."""

    serial: str
    state: str
    model: str

    def __str__(self) -> str:
        named = f"{self.serial} ({self.model})" if self.model else self.serial
        return f"{named}: {_STATES[self.state]}"


def list_devices() -> list[Listed]:
    """Every connected device, whatever its state. Raises DeviceError, ToolError."""
    return parse_devices(adb.run(["devices", "-l"], what="adb devices").said)


def parse_devices(said: str) -> list[Listed]:
    """The devices in what `adb devices -l` printed."""
    found = []
    for line in said.splitlines():
        if match := _LINE.match(line):
            model = re.search(r"\bmodel:(\S+)", match["rest"])
            found.append(Listed(match["serial"], match["state"], model[1].replace("_", " ") if model else ""))
    return found


def choose_device(serial: str | None = None) -> Device:
    """The device `serial` (or ANDROID_SERIAL, or the only one that is connected), ready. Raises DeviceError, ToolError.

    HOST:PORT is connected to over the network if it is not there yet. A device that is just being connected is waited for.
    """
    wanted = serial or os.environ.get("ANDROID_SERIAL") or None
    if wanted and _is_address(wanted) and wanted not in {listed.serial for listed in list_devices()}:
        _connect(wanted)
    ends = time.monotonic() + _PATIENCE_S
    while True:
        listed = list_devices()
        meant = [one for one in listed if one.serial == wanted] if wanted else listed
        if not any(one.state in _PASSING for one in meant) or time.monotonic() > ends:
            return _the_one(meant, listed, wanted)
        time.sleep(0.2)


def comes_back(device: Device, patience_s: float) -> bool:
    """Whether a device that went away is ready again within `patience_s`. Raises DeviceError, ToolError (adb's own)."""
    ends = time.monotonic() + patience_s
    while time.monotonic() < ends:
        states = {listed.serial: listed.state for listed in list_devices()}
        if states.get(device.serial) == "device":
            return True
        if _is_address(device.serial):
            adb.attempt(["connect", device.serial], what=f"adb connect {device.serial}")
        time.sleep(min(1.0, patience_s))
    return False


def _the_one(meant: list[Listed], listed: list[Listed], wanted: str | None) -> Device:
    if not listed:
        raise DeviceError(
            "No Android device is connected. Plug one in with USB debugging on (Settings, Developer options), or: adb connect HOST:PORT. "
            "`adb devices` lists what is there."
        )
    if not meant:
        raise DeviceError(f"There is no device '{wanted}'. Connected: {_told(listed)}.")
    ready = [one for one in meant if one.state == "device"]
    if len(ready) == 1:
        return Device(ready[0].serial)
    if not ready:
        raise DeviceError(f"No device is ready. {_told(meant)}.")
    raise DeviceError(f"Several devices are connected; say which with its serial number (--serial, or --on adb:SERIAL): {_told(ready)}.")


def _told(listed: list[Listed]) -> str:
    return "; ".join(map(str, listed))


def _is_address(serial: str) -> bool:
    return re.fullmatch(r"[\w.-]+:\d+", serial) is not None


def _connect(address: str) -> None:
    """`adb connect` ends with 0 whether or not it could; a device that still asks whether it allows this is 'failed to authenticate', and listed."""
    said = adb.attempt(["connect", address], what=f"adb connect {address}").said
    if "connected to" not in said and "authenticate" not in said:
        raise DeviceError(f"{address}: cannot be connected to ({' '.join(said.split())}). Is wireless debugging on, and the address right?")
