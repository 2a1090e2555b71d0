"""What a comparison that was stopped had already found, so that the next one in the same folder goes on there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from redmobile.bench.peers.result import LatencyRun, Row
from redmobile.core.artifact import sha256_bytes
from redmobile.core.documents import Document, from_dict
from redmobile.core.results import read_json, write_json
from redmobile.errors import DocumentError, InputError

_FOLDER = "unfinished"


class Part(Document):
    """One network in one precision: its rows, with all figures, and the machine while their files ran."""

    rows: tuple[Row, ...]
    runs: tuple[LatencyRun, ...]


class Unfinished:
    """Parts of one comparison under `out`, each by everything that it depends on.

    They go when the comparison is whole: latencies are of one run, and are measured anew in the next.
    """

    def __init__(self, out: Path) -> None:
        """Nothing is written yet."""
        self._folder = out / _FOLDER

    def find(self, name: str, depends: Sequence[str]) -> Part | None:
        """The part called `name` as it was found with the same things to depend on; None where there is none, or no whole one."""
        try:
            file = self._file(name, depends)
            return from_dict(read_json(file), Part, str(file))
        except (InputError, DocumentError):
            return None

    def keep(self, name: str, depends: Sequence[str], part: Part) -> None:
        """Raises OutputError."""
        write_json(self._file(name, depends), msgspec.to_builtins(part))

    def clear(self) -> None:
        """The comparison is whole."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _file(self, name: str, depends: Sequence[str]) -> Path:
        return self._folder / f"{name}_{sha256_bytes(json.dumps(list(depends)).encode())[:12]}.json"
