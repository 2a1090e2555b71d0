"""The emulated system in the user's cache: installed piece by piece, checked, removed."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import fcntl
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from redmobile.core.artifact import sha256_bytes
from redmobile.core.cache import CACHE_VARIABLE, cache_folder
from redmobile.core.device import CpuFacts
from redmobile.core.documents import Document, from_dict
from redmobile.core.environment import version_of
from redmobile.core.results import read_json, write_json
from redmobile.emulator import debian, wheels
from redmobile.emulator.arm_files import write_arm_files
from redmobile.emulator.plugin_build import build_plugin, plugin_problem
from redmobile.emulator.tools import QEMU, install_line, missing_packages, require_packages, run_tool
from redmobile.emulator.tree import tree_sha256
from redmobile.errors import DeviceError, DocumentError, OutputError, ToolError

Progress = Callable[[str, int, int], None]
"""(what is being done, done, all) → None."""

State = Literal["ready", "missing", "damaged", "another version"]

ENGINE_PACKAGES = {"litert": "ai_edge_litert", "tflite": "tflite_runtime"}
"""Engine → its Python package, which is its distribution's name too."""

_NEEDED_MIB = 700
_MEBIBYTE = 1024 * 1024
_TFLITE = ("tflite-runtime==2.14.0", "numpy<2")
_LITERT = "ai-edge-litert"
_LINKED = ("bin", "etc", "lib", "sbin", "usr", "var")


class Piece(Document):
    """A part of the system that is there. contents: package → version or sha256; tree: sha256 of all of it."""

    contents: dict[str, str]
    tree: str


@dataclasses.dataclass(frozen=True)
class PieceState:
    """A part of the system. contents: as Piece, empty unless it is there; says: what state is not 'ready' for."""

    name: str
    state: State
    contents: dict[str, str]
    says: str = ""


@dataclasses.dataclass(frozen=True)
class Status:
    """Everything that `redmobile emulator status` tells. missing_packages: of Debian, on this machine; counting: why QEMU cannot count, or ''."""

    folder: Path
    bytes: int
    missing_packages: tuple[str, ...]
    pieces: tuple[PieceState, ...]
    counting: str = ""

    @property
    def ready(self) -> bool:
        """Whether programs can be emulated."""
        return not self.missing_packages and all(piece.state == "ready" for piece in self.pieces)

    def as_json(self) -> dict[str, object]:
        """Ready for JSON."""
        return {
            "folder": str(self.folder),
            "bytes": self.bytes,
            "ready": self.ready,
            "missing_packages": list(self.missing_packages),
            "install_missing": install_line(self.missing_packages) if self.missing_packages else "",
            "counting": self.counting,
            "pieces": [dataclasses.asdict(piece) for piece in self.pieces],
        }


class System:
    """The system under `folder` (default: the cache's)."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (folder or cache_folder() / "emulator").absolute()
        self.debian = self.folder / "debian"
        self.sites = {"litert": self.folder / "litert", "tflite": self.folder / "tflite"}

    @property
    def python(self) -> Path:
        """The emulated Python."""
        return self.debian / "usr" / "bin" / debian.PYTHON

    def python_variables(self, engine: str) -> dict[str, str]:
        """Environment variables with which that Python finds its library and the packages of `engine`."""
        return {
            "PYTHONHOME": f"{self.debian}/usr",
            "PYTHONPATH": str(self.sites[engine]),
            "PYTHONPYCACHEPREFIX": str(self.folder / "compiled" / engine),
        }

    def install(self, mirror: str = debian.MIRROR, on_progress: Progress | None = None) -> Status:
        """Make every piece that is not there, is damaged or has another version. Goes on where an earlier try stopped.

        Raises DeviceError (Debian packages missing here), ToolError (network, mirror, no room), OutputError.
        """
        require_packages()
        steps = ("packages listed", "packages fetched", "packages unpacked", "LiteRT", "tflite-runtime", "tried", "plug-in")

        def say(done: int) -> None:
            if on_progress:
                on_progress(steps[min(done, len(steps) - 1)], done, len(steps))

        with self._locked():
            self._check_room()
            say(0)
            states = {piece.name: piece.state for piece in self._pieces()}
            if states["debian"] != "ready":
                self._install_debian(mirror, say)
            for step, name in enumerate(self.sites, 3):
                say(step)
                if states[name] != "ready":
                    self._install_site(name)
            say(5)
            if any(state != "ready" for state in states.values()):
                self._try()
            say(6)
            if not plugin_problem():
                build_plugin(self.folder)
            say(7)
        return self.status()

    def status(self) -> Status:
        """What is there, every file compared with what was installed."""
        size = sum(path.lstat().st_size for path in self.folder.rglob("*")) if self.folder.is_dir() else 0
        missing = missing_packages()
        return Status(self.folder, size, missing, self._pieces(), "" if missing else plugin_problem())

    def remove(self) -> int:
        """Remove everything; how many bytes that were. Raises OutputError."""
        size = self.status().bytes
        if not self.folder.is_dir():
            return 0
        try:
            with self._locked():
                shutil.rmtree(self.folder)
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot be removed ({error.strerror}).") from error
        return size

    def require(self, engine: str = "litert") -> None:
        """Raise DeviceError unless programs and `engine` can be emulated; does not look at every file."""
        require_packages()
        pieces = self._read()
        for name in ("debian", engine):
            if name not in pieces:
                raise DeviceError(f"The emulated ARM system is not installed ({self.folder} lacks '{name}'): redmobile emulator install")
        wanted = self._wanted_version(engine)
        found = pieces[engine].contents.get(_distribution(engine))
        if wanted and found != wanted:
            raise DeviceError(f"The emulated system has {_distribution(engine)} {found}, this machine {wanted}: redmobile emulator install")

    def root(self, cpu: CpuFacts) -> Path:
        """The folder that QEMU takes for the root: links into the Debian system, /proc and /sys as on `cpu`."""
        key = sha256_bytes(repr((cpu.processor, cpu.clock_mhz)).encode())[:12]
        root = self.folder / "roots" / key
        with self._locked():
            if not (root / "ready").is_file():
                root.mkdir(parents=True, exist_ok=True)
                for name in _LINKED:
                    if (self.debian / name).exists() and not (root / name).is_symlink():
                        (root / name).symlink_to(self.debian / name)
                write_arm_files(cpu, root)
                (root / "ready").touch()
        return root

    def _pieces(self) -> tuple[PieceState, ...]:
        known = self._read()
        return tuple(self._state(name, known.get(name)) for name in ("debian", *self.sites))

    def _state(self, name: str, piece: Piece | None) -> PieceState:
        folder = self.folder / name
        if piece is None or not folder.is_dir():
            return PieceState(name, "missing", {}, "not installed")
        wanted, found = self._wanted_version(name), piece.contents.get(_distribution(name))
        if wanted and found != wanted:
            return PieceState(name, "another version", piece.contents, f"{found} is installed, this machine has {wanted}")
        if tree_sha256(folder) != piece.tree:
            return PieceState(name, "damaged", piece.contents, "its files are not those that were installed")
        return PieceState(name, "ready", piece.contents)

    @staticmethod
    def _wanted_version(name: str) -> str | None:
        """The version of LiteRT here: the same must run there, or outputs could not be compared."""
        return version_of(_LITERT) if name == "litert" else None

    def _install_debian(self, mirror: str, say: Callable[[int], None]) -> None:
        apt = debian.Apt(self.folder / "apt", mirror)
        apt.update()
        say(1)
        archives = apt.fetch()
        say(2)
        made = self.folder / "debian.partial"
        shutil.rmtree(made, ignore_errors=True)
        debian.unpack(list(archives), made)
        self._put("debian", made, {archive.name: sha256 for archive, sha256 in archives.items()})
        shutil.rmtree(self.folder / "apt")

    def _install_site(self, name: str) -> None:
        version = version_of(_LITERT)
        if name == "litert" and version is None:
            raise DeviceError("LiteRT is not installed here, so there is nothing to compare with: pip install ai-edge-litert")
        made = self.folder / f"{name}.partial"
        shutil.rmtree(made, ignore_errors=True)
        wheels.fetch_wheels([f"{_LITERT}=={version}"] if name == "litert" else _TFLITE, made)
        self._put(name, made, wheels.installed_versions(made))

    def _put(self, name: str, made: Path, contents: dict[str, str]) -> None:
        """Move a finished piece into place and write down what it is."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        made.rename(self.folder / name)
        shutil.rmtree(self.folder / "roots", ignore_errors=True)
        pieces = self._read() | {name: Piece(contents=contents, tree=tree_sha256(self.folder / name))}
        write_json(self.folder / "system.json", {key: {"contents": piece.contents, "tree": piece.tree} for key, piece in pieces.items()})

    def _try(self) -> None:
        """Import both engines inside once: that shows that they load, and keeps their compiled Python, which QEMU is slow at."""
        with concurrent.futures.ThreadPoolExecutor(len(self.sites)) as threads:
            for ended in [threads.submit(self._try_engine, engine) for engine in self.sites]:
                ended.result()

    def _try_engine(self, engine: str) -> None:
        source = f"import importlib.metadata, json, {ENGINE_PACKAGES[engine]}.interpreter"
        command = [shutil.which(QEMU) or QEMU, "-L", str(self.debian), str(self.python), "-c", source]
        run_tool(f"The emulated Python cannot import {engine}'s package", command, environment=self.python_variables(engine))

    def _read(self) -> dict[str, Piece]:
        file = self.folder / "system.json"
        if not file.is_file():
            return {}
        try:
            return {name: from_dict(values, Piece, str(file)) for name, values in read_json(file).items()}
        except (DocumentError, AttributeError):
            return {}  # half a document: everything counts as missing and is made anew

    def _check_room(self) -> None:
        free_mib = shutil.disk_usage(self.folder).free // _MEBIBYTE
        if free_mib < _NEEDED_MIB:
            raise ToolError(
                f"The emulated system needs {_NEEDED_MIB} MiB under {self.folder}, {free_mib} are free. "
                f"Make room, or name another folder in {CACHE_VARIABLE}."
            )

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time installs, removes or makes a root."""
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self.folder.mkdir(exist_ok=True)
            handle = (self.folder.parent / "emulator.lock").open("w")
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot be written ({error.strerror}). Another folder can be named in {CACHE_VARIABLE}.") from error
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _distribution(piece: str) -> str:
    return ENGINE_PACKAGES.get(piece, piece)
