"""One Android device: run a command on it, copy files to and from it."""

from __future__ import annotations

import dataclasses
import shlex
import uuid
from pathlib import Path

from redmobile.android import adb
from redmobile.android.complaints import broke_off, error_for
from redmobile.core.artifact import output_path, sha256_file
from redmobile.errors import ToolError

TRANSFER_S = 300.0
"""For a file of any size that is worth copying."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command on the device left. code: its exit code; text: all it wrote, stdout and stderr in their order."""

    code: int
    text: str


@dataclasses.dataclass(frozen=True)
class Device:
    """A device that is ready, known by its serial number."""

    serial: str

    def shell(self, command: str, *, what: str, timeout_s: float = adb.QUICK_S, on_line: adb.OnLine | None = None) -> Answer:
        """Run `command` in the device's shell; `what` names it in messages. A non-zero exit code is the caller's to judge.

        The command's end is marked, for adb ends with 0 when the connection breaks off in the middle.
        Raises DeviceError (gone, or no end within timeout_s), ToolError.
        """
        mark = f"redmobile-{uuid.uuid4().hex}"
        ended = adb.attempt(
            ["shell", f"( {command} ) 2>&1; code=$?; echo; echo {mark} $code"],
            what=what,
            serial=self.serial,
            timeout_s=timeout_s,
            on_line=None if on_line is None else lambda line: None if line.startswith(mark) else on_line(line),
        )
        text, found, rest = ended.said.rpartition(mark)
        if found and rest.strip():  # behind the code, the shell's own word on a program that was killed may follow
            return Answer(int(rest.split()[0]), text.removesuffix("\n"))
        if ended.code and "error:" in ended.said:
            raise error_for(ended.said, what, self.serial)
        raise broke_off(what, self.serial)

    def read(self, command: str, *, what: str) -> str:
        """What `command` writes; '' if it fails, for devices differ in what they tell. Raises DeviceError, ToolError (adb's)."""
        answer = self.shell(command, what=what)
        return "" if answer.code else answer.text

    def do(self, command: str, *, what: str, timeout_s: float = adb.QUICK_S) -> str:
        """What `command` writes; it must end with 0. Raises DeviceError, ToolError."""
        answer = self.shell(command, what=what, timeout_s=timeout_s)
        if answer.code:
            raise error_for(answer.text, what, self.serial)
        return answer.text

    def push(self, local: Path, remote: str, *, timeout_s: float = TRANSFER_S) -> None:
        """Copy the file `local` to `remote`, and compare the hashes. Raises DeviceError, ToolError, InputError."""
        what = f"copying {local.name} to {self.serial}"
        expected = sha256_file(local)
        adb.run(["push", str(local), remote], what=what, serial=self.serial, timeout_s=timeout_s)
        self._compare(remote, expected, what)

    def push_bytes(self, data: bytes, remote: str, folder: Path) -> None:
        """The same for `data`, by way of a file in `folder`."""
        local = folder / Path(remote).name
        local.write_bytes(data)
        self.push(local, remote)

    def pull(self, remote: str, local: Path, *, timeout_s: float = TRANSFER_S) -> None:
        """Copy the file `remote` to `local`, whole or not at all. Raises DeviceError, ToolError, OutputError."""
        what = f"copying {Path(remote).name} from {self.serial}"
        with output_path(local) as partial:
            adb.run(["pull", remote, str(partial)], what=what, serial=self.serial, timeout_s=timeout_s)
            self._compare(remote, sha256_file(partial), what)

    def remove(self, remote: str) -> None:
        """Remove the file or folder `remote`, if it is there. Raises DeviceError, ToolError."""
        self.do(f"rm -rf {shlex.quote(remote)}", what=f"removing {remote}")

    def exists(self, remote: str) -> bool:
        """Whether there is a file or folder `remote`. Raises DeviceError, ToolError (adb's)."""
        return self.shell(f"[ -e {shlex.quote(remote)} ]", what=f"looking for {remote}").code == 0

    def _compare(self, remote: str, expected: str, what: str) -> None:
        answer = self.shell(f"sha256sum {shlex.quote(remote)}", what=what, timeout_s=TRANSFER_S)
        if answer.code == _NOT_FOUND:
            return  # an Android that old has no sha256sum; adb itself has counted the bytes
        found = answer.text.split()
        if answer.code or not found:
            raise error_for(answer.text, what, self.serial)
        if found[0] != expected:
            raise ToolError(f"{what}: arrived damaged (sha256 {found[0][:12]}, expected {expected[:12]}). Try another cable.")


_NOT_FOUND = 127
