"""The services `shell:` and `exec:`, with and without shell protocol v2: a real sh, whose / for Android's folders is the sandbox."""

import contextlib
import os
import re
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path

from adb_device.wire import Disconnected

STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = 0, 1, 2, 3, 4
AARCH64 = 183
_ANDROID = re.compile(r"(?<![\w/.-])/(data|sdcard|sys|proc|system|vendor)(?=[/\s'\";)]|$)")
_CPU = Path(__file__).with_name("cpu.py")


class Shell:
    """Runs commands in `root`, the folder that is the device's /."""

    def __init__(self, root, environment, faults):
        self._root, self._faults = root, faults
        self._environment = {**environment, "PATH": f"{root}/bin:/usr/bin:/bin", "DEVICE": str(root), "HOME": str(root), "LC_ALL": "C.UTF-8"}

    def serve(self, stream, command, *, protocol_v2):
        """Run `command`; what it writes and how it ended goes to `stream`."""
        self._faults.told(command)
        process = subprocess.Popen(
            ["/bin/sh", "-c", self._here(command)],
            cwd=self._root,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if protocol_v2 else subprocess.STDOUT,
            start_new_session=True,
        )
        pipes = [(process.stdout, STDOUT), (process.stderr, STDERR)] if protocol_v2 else [(process.stdout, None)]
        pumps = [threading.Thread(target=self._pump, args=(pipe, number, stream, process), daemon=True) for pipe, number in pipes]
        listener = threading.Thread(target=_listen, args=(stream, process), daemon=True)
        for thread in (*pumps, listener):
            thread.start()
        for pump in pumps:
            pump.join()
        code = process.wait()
        if protocol_v2:
            stream.write(_framed(EXIT, bytes([code & 0xFF])))
        stream.close()

    def _pump(self, pipe, number, stream, process):
        with pipe:
            for line in pipe:
                there = line.replace(str(self._root).encode(), b"")
                try:
                    self._faults.said(there)
                    stream.write(there if number is None else _framed(number, there))
                except Disconnected:
                    _end(process)
                    return

    def _here(self, command):
        """The command with Android's folders in the sandbox, and the programs for arm64 run by the player of that processor."""
        translated = _ANDROID.sub(lambda match: f"{self._root}/{match[1]}", command)
        paths = sorted(set(re.findall(rf"{re.escape(str(self._root))}/[\w./-]+", translated)), key=len, reverse=True)
        for path in paths:
            if is_arm64(Path(path)) and os.access(path, os.X_OK):
                translated = re.sub(rf"(?<![=\w]){re.escape(path)}(?=\s)", f"{sys.executable} {_CPU} {path}", translated)
        return translated


def is_arm64(path):
    """Whether `path` is a program for 64-bit ARM."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(20)
    return head[:4] == b"\x7fELF" and len(head) == 20 and struct.unpack_from("<H", head, 18)[0] == AARCH64


def _framed(number, data):
    return struct.pack("<BI", number, len(data)) + data


def _listen(stream, process):
    """Input is not needed; that the other side closes ends the process, as adbd's hang-up does."""
    try:
        while True:
            stream.read()
    except Disconnected:
        _end(process)


def _end(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
