"""figures.json, which lies beside a model's card: what the card's figures are written from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from redmobile.core.documents import Document, from_dict
from redmobile.core.results import read_json, write_json
from redmobile.release.costs import Cost

Format = Literal["redmobile.release/1"]
FORMAT: Format = "redmobile.release/1"

FIGURES = "figures.json"


class ReleasedFile(Document):
    """One INT8 file. frame, graph: (height, width) of the frames it is for, and of its input, on to which they are mirrored.

    body: 2: it works at half the size. macs: multiply-accumulates; partitions: pieces of XNNPACK; islands: of floats; operators: kind → how many.
    """

    file: str
    sha256: str
    bytes: int
    frame: tuple[int, int]
    graph: tuple[int, int]
    body: int
    macs: int
    partitions: int
    islands: int
    operators: dict[str, int]


class Release(Document):
    """files: the one of model.toml's size first. evaluations: name → a result of `evaluate`, with the number of its pictures in place of them.

    closeness: the gates of numerics.json, in words. costs: file → what it costs; compared_with: the file whose costs are 1.
    """

    format: Format
    files: tuple[ReleasedFile, ...]
    closeness: tuple[str, ...] = ()
    evaluations: dict[str, Any] = msgspec.field(default_factory=dict)
    costs: dict[str, tuple[Cost, ...]] = msgspec.field(default_factory=dict)
    compared_with: str = ""


def load_release(folder: Path) -> Release | None:
    """What lies in the model's `folder`; None where nothing does. Raises DocumentError."""
    path = folder / FIGURES
    return from_dict(read_json(path), Release, str(path)) if path.is_file() else None


def write_release(folder: Path, release: Release) -> None:
    """Write it there. Raises OutputError."""
    write_json(folder / FIGURES, msgspec.to_builtins(release))
