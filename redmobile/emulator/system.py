"""The emulated system in the user's cache: installed piece by piece, checked, removed."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import fcntl
import functools
import shutil
from collections.abc import Callable, Iterator, Mapping
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

Maker = Callable[[], tuple[Path, dict[str, str]]]
"""Makes a piece: a folder that is to be moved into place, and what is in it, as Piece.contents."""

State = Literal["ready", "missing", "damaged", "another version"]

ENGINE_PACKAGES = {"litert": "ai_edge_litert", "tflite": "tflite_runtime"}
"""Engine → its Python package, which is its distribution's name too."""

_NEEDED_MIB = 500
_MEBIBYTE = 1024 * 1024
_LITERT = "ai-edge-litert"
_BESIDE_LITERT = ("tflite-runtime==2.14.0", "numpy<2")
"""tflite-runtime's last version wants numpy 1, with which LiteRT is content too: one site for both."""

_PIECES = ("debian", "engines")
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
        self.engines = self.folder / "engines"

    @property
    def python(self) -> Path:
        """The emulated Python."""
        return self.debian / "usr" / "bin" / debian.PYTHON

    @property
    def python_variables(self) -> dict[str, str]:
        """Environment variables with which that Python finds its library and the engines."""
        return {"PYTHONHOME": f"{self.debian}/usr", "PYTHONPATH": str(self.engines), "PYTHONPYCACHEPREFIX": str(self._compiled)}

    def install(self, mirror: str = debian.MIRROR, on_progress: Progress | None = None) -> Status:
        """Make every piece that is not there, is damaged or has another version. Goes on where an earlier try stopped.

        Raises DeviceError (Debian packages missing here), ToolError (network, mirror, no room), OutputError.
        """
        require_packages()
        steps = ("Debian's packages and the engines' wheels", "trying them", "plug-in", "done")

        def say(done: int) -> None:
            if on_progress:
                on_progress(steps[done], done, len(steps) - 1)

        with self._locked():
            self._check_room()
            say(0)
            makers: dict[str, Maker] = {"debian": functools.partial(self._make_debian, mirror), "engines": self._make_engines}
            self._make({piece.name: makers[piece.name] for piece in self._pieces() if piece.state != "ready"})
            say(1)
            if not self._tried.is_file():
                self._try()
            say(2)
            problem = plugin_problem()
            if not problem:
                build_plugin(self.folder)
            say(3)
            pieces = tuple(PieceState(name, "ready", piece.contents) for name, piece in self._read().items() if name in makers)
            return Status(self.folder, self._bytes(), (), pieces, problem)

    def status(self) -> Status:
        """What is there, every file compared with what was installed."""
        missing = missing_packages()
        return Status(self.folder, self._bytes(), missing, self._pieces(), "" if missing else plugin_problem())

    def remove(self) -> int:
        """Remove everything; how many bytes that were. Raises OutputError."""
        size = self._bytes()
        if not self.folder.is_dir():
            return 0
        try:
            with self._locked():
                shutil.rmtree(self.folder)
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot be removed ({error.strerror}).") from error
        return size

    def require(self) -> None:
        """Raise DeviceError unless programs and engines can be emulated; does not look at every file."""
        require_packages()
        pieces = self._read()
        for name in _PIECES:
            if name not in pieces:
                raise DeviceError(f"The emulated ARM system is not installed ({self.folder} lacks '{name}'): redmobile emulator install")
        found, wanted = _litert_in(pieces["engines"]), version_of(_LITERT)
        if wanted and found != wanted:
            raise DeviceError(f"The emulated system has {_LITERT} {found}, this machine {wanted}: redmobile emulator install")

    def engine_version(self, engine: str) -> str:
        """The version of an engine that `require` found: 'litert' or 'tflite'."""
        return self._read()["engines"].contents[ENGINE_PACKAGES[engine]]

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

    @property
    def _compiled(self) -> Path:
        """Compiled Python, kept apart from what is compared."""
        return self.folder / "compiled"

    @property
    def _tried(self) -> Path:
        """A file that is there if the pieces as they are were tried."""
        return self._compiled / "tried"

    def _bytes(self) -> int:
        return sum(path.lstat().st_size for path in self.folder.rglob("*")) if self.folder.is_dir() else 0

    def _pieces(self) -> tuple[PieceState, ...]:
        known = self._read()
        return tuple(self._state(name, known.get(name)) for name in _PIECES)

    def _state(self, name: str, piece: Piece | None) -> PieceState:
        folder = self.folder / name
        if piece is None or not folder.is_dir():
            return PieceState(name, "missing", {}, "not installed")
        wanted, found = version_of(_LITERT), _litert_in(piece)
        if name == "engines" and wanted and found != wanted:  # the same must run there, or outputs could not be compared
            return PieceState(name, "another version", piece.contents, f"{_LITERT} {found} is installed, this machine has {wanted}")
        if tree_sha256(folder) != piece.tree:
            return PieceState(name, "damaged", piece.contents, "its files are not those that were installed")
        return PieceState(name, "ready", piece.contents)

    def _make(self, makers: Mapping[str, Maker]) -> None:
        """Make pieces at the same time, and put each into place. Where one fails the others are kept all the same; then its error is raised."""
        errors = []
        with concurrent.futures.ThreadPoolExecutor(len(_PIECES)) as threads:
            started = {threads.submit(maker): name for name, maker in makers.items()}
            for ended in concurrent.futures.as_completed(started):
                error = ended.exception()
                if error is None:
                    self._put(started[ended], *ended.result())
                else:
                    errors.append(error)
        if errors:
            raise errors[0]

    def _make_debian(self, mirror: str) -> tuple[Path, dict[str, str]]:
        """A folder with the Debian system, and its packages → sha256."""
        apt = debian.Apt(self.folder / "apt", mirror)
        apt.update()
        archives = apt.fetch()
        made = self.folder / "debian.partial"
        shutil.rmtree(made, ignore_errors=True)
        debian.unpack(list(archives), made)
        shutil.rmtree(self.folder / "apt")
        return made, {archive.name: sha256 for archive, sha256 in archives.items()}

    def _make_engines(self) -> tuple[Path, dict[str, str]]:
        """A folder with the wheels of all engines unpacked, and their names → versions."""
        version = version_of(_LITERT)
        if version is None:
            raise DeviceError(f"LiteRT is not installed here, so there is nothing to compare with: pip install {_LITERT}")
        made = self.folder / "engines.partial"
        shutil.rmtree(made, ignore_errors=True)
        wheels.fetch_wheels((f"{_LITERT}=={version}", *_BESIDE_LITERT), made)
        return made, wheels.installed_versions(made)

    def _put(self, name: str, made: Path, contents: dict[str, str]) -> None:
        """Move a finished piece into place and write down what it is."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        made.rename(self.folder / name)
        shutil.rmtree(self.folder / "roots", ignore_errors=True)
        self._tried.unlink(missing_ok=True)
        pieces = self._read() | {name: Piece(contents=contents, tree=tree_sha256(self.folder / name))}
        write_json(self.folder / "system.json", {key: {"contents": piece.contents, "tree": piece.tree} for key, piece in pieces.items()})

    def _try(self) -> None:
        """Import the engines inside once: that shows that they load, and keeps their compiled Python, which QEMU is slow at."""
        source = "import json, " + ", ".join(f"{package}.interpreter" for package in ENGINE_PACKAGES.values())
        command = [shutil.which(QEMU) or QEMU, "-L", str(self.debian), str(self.python), "-c", source]
        run_tool("The emulated Python cannot import the engines", command, environment=self.python_variables)
        self._tried.touch()

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


def _litert_in(piece: Piece) -> str | None:
    return piece.contents.get(ENGINE_PACKAGES["litert"])
