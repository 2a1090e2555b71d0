"""Finds the shelves, the folders that hold converters, models and benchmarks as data, in a checkout and in a wheel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from redmobile.errors import InputError

Shelf = Literal["converters", "models", "benchmarks"]

_PACKAGE = Path(__file__).resolve().parent
SHELF_VARIABLE = "REDMOBILE_SHELF"
"""Environment variable with a folder that is searched before the built-in shelves."""


def shelf_folders(shelf: Shelf) -> list[Path]:
    """The folders searched for `shelf`, first match wins: $REDMOBILE_SHELF, the checkout, the wheel."""
    own = os.environ.get(SHELF_VARIABLE)
    candidates = [Path(own) / shelf] if own else []
    candidates += [_PACKAGE.parent / shelf, _PACKAGE / "_shelf" / shelf]
    return [folder for folder in candidates if folder.is_dir()]


def names(shelf: Shelf) -> list[str]:
    """The names of the things on `shelf`, sorted: TOML files without their ending, and folders that hold a model.toml."""
    found = set()
    for folder in shelf_folders(shelf):
        found |= {path.stem for path in folder.glob("*.toml")}
        found |= {path.parent.name for path in folder.glob("*/model.toml")}
    return sorted(found)


def find(shelf: Shelf, name: str) -> Path:
    """The path of `name` on `shelf`: a TOML file, or for models a folder.

    `name` may also be a path of the user's own. Raises InputError naming what is known.
    """
    own = Path(name)
    if own.suffix == ".toml" or len(own.parts) > 1:
        if own.exists():
            return own
        raise InputError(f"{own}: no such file or folder (a path was expected, or one of the built-in {shelf}: {', '.join(names(shelf))}).")
    for folder in shelf_folders(shelf):
        for path in (folder / f"{name}.toml", folder / name):
            if path.is_file() or (path / "model.toml").is_file():
                return path
    raise InputError(f"Unknown {shelf[:-1]} '{name}'. Known: {', '.join(names(shelf)) or 'none'}. A path to one of your own works too.")
