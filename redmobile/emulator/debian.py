"""Debian's arm64 packages, fetched with apt under configuration of its own and unpacked: neither root nor the machine's package lists are touched."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from redmobile.core.artifact import sha256_file, write_text
from redmobile.emulator.tools import KEYRING, run_tool
from redmobile.errors import ToolError

MIRROR = "http://deb.debian.org/debian"
SUITE = "bookworm"
PYTHON = "python3.11"
"""The suite's Python: wheels are fetched for it."""

PACKAGES = (
    "libc6",
    "libexpat1",
    "libffi8",
    "libgcc-s1",
    f"lib{PYTHON}-minimal",
    f"lib{PYTHON}-stdlib",
    "libstdc++6",
    f"{PYTHON}-minimal",
    "zlib1g",
)
"""What the engines and their Python load, and no more: Debian would bring 31 further packages (Kerberos, SQLite, dpkg, …) along with these."""

_FAILED = "Debian's arm64 packages cannot be fetched (is there a network, and is the mirror right? what was fetched is kept)"


class Apt:
    """apt for arm64 with its state under `folder`, packages from `mirror`. Signatures are checked with the keys of the Debian archive."""

    def __init__(self, folder: Path, mirror: str = MIRROR) -> None:
        self._folder = folder
        self._archives = folder / "archives"
        self._mirror = mirror

    def update(self) -> None:
        """Fetch the list of packages. Raises ToolError."""
        for name in ("state/lists/partial", "cache", "archives", "nothing", "log"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        write_text(self._folder / "status", "")
        write_text(self._folder / "sources.list", f"deb [arch=arm64 signed-by={KEYRING}] {self._mirror} {SUITE} main\n")
        write_text(self._folder / "apt.conf", self._configuration())
        run_tool(_FAILED, ["apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update"], environment=self._environment())

    def fetch(self) -> dict[Path, str]:
        """PACKAGES as files: path → sha256, each compared with the signed list. Goes on where it was stopped. Raises ToolError."""
        listed = self._apt(["-o", "Acquire::ForceHash=sha256", "--print-uris"])
        wanted = {match[1]: match[2] for match in re.finditer(r"^'\S+' (\S+) \d+ SHA256:(\w+)$", listed, re.MULTILINE)}
        if not wanted:
            raise ToolError(f"{_FAILED}: apt-get lists no package with a sha256.")
        archives = self._archives
        for name, sha256 in wanted.items():  # apt takes a file of the right size for the right file
            self._drop_if_damaged(archives / name, sha256)
        self._apt([])
        damaged = [name for name, sha256 in wanted.items() if sha256_file(archives / name) != sha256]
        if damaged:
            raise ToolError(f"{_FAILED}: {', '.join(damaged)} is not what the signed list says.")
        return {archives / name: sha256 for name, sha256 in wanted.items()}

    @staticmethod
    def _drop_if_damaged(file: Path, sha256: str) -> None:
        if file.is_file() and sha256_file(file) != sha256:
            file.unlink()

    def _apt(self, options: Sequence[str]) -> str:
        command = ["apt-get", "-q", *options, "download", *PACKAGES]
        return run_tool(_FAILED, command, environment=self._environment(), folder=self._archives)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "APT_CONFIG": str(self._folder / "apt.conf"), "LC_ALL": "C"}

    def _configuration(self) -> str:
        """apt.conf: everything under the folder; of the machine's own settings only how the network is reached (proxies, certificates)."""
        network = run_tool(_FAILED, ["apt-config", "dump", "--format", '%F "%v";%n', "Acquire::http", "Acquire::https"])
        folder = self._folder.absolute()
        lines = {
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::parts": folder / "nothing",
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": folder / "nothing",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": folder / "nothing",
            "Dir::State": folder / "state",
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache",
            "Dir::Cache::srcpkgcache": "",
            "Dir::Log": folder / "log",
            "APT::Architecture": "arm64",
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Debug::NoLocking": "true",
        }
        return network + "".join(f'{key} "{value}";\n' for key, value in lines.items()) + 'APT::Architectures { "arm64"; };\n'


def unpack(archives: Sequence[Path], root: Path) -> None:
    """Unpack Debian packages into `root`, running nothing of them. Raises ToolError."""
    root.mkdir(parents=True, exist_ok=True)
    for archive in archives:
        run_tool(f"{archive.name} cannot be unpacked", ["dpkg-deb", "--extract", str(archive), str(root)])
