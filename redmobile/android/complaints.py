"""What adb and Android's tools complain of, said in a sentence that a person can act on."""

from __future__ import annotations

import re

from redmobile.errors import DeviceError, RedmobileError, ToolError

_GONE = "the connection to {device} broke off. Check the cable, and that the device is awake, then start again."

_KNOWN: tuple[tuple[str, type[RedmobileError], str], ...] = (
    (
        r"device unauthorized|This adb server's|device still authorizing",
        DeviceError,
        "{device} has not allowed this computer yet. Unlock it and confirm “Allow USB debugging”.",
    ),
    (r"device offline", DeviceError, "{device} is offline: it is connected and does not answer. Unplug it and plug it in again, or: adb reconnect"),
    (
        r"no devices/emulators found",
        DeviceError,
        "no Android device is connected. Plug one in with USB debugging on (Settings, Developer options), then see: adb devices",
    ),
    (r"more than one device", DeviceError, "several devices are connected: say which with its serial number. See: adb devices"),
    (
        r"insufficient permissions|no permissions",
        DeviceError,
        "this user may not open {device} over USB. See https://developer.android.com/tools/device",
    ),
    (
        r"cannot connect to daemon|failed to (check server version|start daemon)|ADB server didn't ACK|cannot bind",
        ToolError,
        "adb's own server cannot be started or reached on this computer: adb kill-server, then try again.",
    ),
    (r"No space left on device|not enough space|INSUFFICIENT_STORAGE", ToolError, "there is no space left on {device}. Free some, then start again."),
    (r"Read-only file system|Permission denied", ToolError, "{device} does not allow that: {said}"),
    (r"INSTALL_FAILED_NO_MATCHING_ABIS", DeviceError, "the app holds no code for {device}'s processor; it is built for arm64-v8a."),
    (r"INSTALL_FAILED_OLDER_SDK", DeviceError, "{device}'s Android is too old; the app needs Android 8.0 (API 26) or newer."),
    (
        r"INSTALL_FAILED_UPDATE_INCOMPATIBLE|signatures do not match",
        ToolError,
        "an app of the same name, signed with another key, is on {device}. Remove it first: adb uninstall dev.redmobile.demo",
    ),
    (r"device '[^']*' not found|device not found|connect failed|failed to connect", DeviceError, _GONE),
    (r"\bEOF\b|error: closed|protocol fault|[Cc]onnection reset|[Bb]roken pipe|couldn't read from device|[Uu]ndefined error", DeviceError, _GONE),
)
"""What it says (a pattern) → the error's class and sentence. The first that fits counts."""

_CHATTER = re.compile(r"^\* daemon .*$|^adb server version .* doesn't match this client.*$|^\[ *\d+%\].*$", re.MULTILINE)

_SHOWN = 240


def error_for(said: str, what: str, serial: str | None) -> RedmobileError:
    """The error for what adb `said` while it did `what` on the device `serial`."""
    words = shortened(said)
    device = serial or "the device"
    for pattern, kind, sentence in _KNOWN:
        if re.search(pattern, words):
            return kind(f"{what}: {sentence.format(device=device, said=words)}")
    return ToolError(f"{what}: failed on {device} ({words or 'it said nothing'}).")


def broke_off(what: str, serial: str) -> DeviceError:
    """The error for a connection that ended before its answer was complete."""
    return DeviceError(f"{what}: {_GONE.format(device=serial)}")


def is_silent(said: str) -> bool:
    """Whether nothing was said of what went wrong."""
    return not shortened(said)


def shortened(said: str) -> str:
    """`said` in one line, without adb's remarks on its own server."""
    return " ".join(_CHATTER.sub("", said).split())[:_SHOWN]
