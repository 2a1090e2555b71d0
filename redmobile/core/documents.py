"""TOML documents: each has a frozen struct that refuses unknown keys and wrong types, and names file and key."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar, dataclass_transform

import msgspec

from redmobile.core.artifact import read_bytes
from redmobile.errors import DocumentError


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every document. A default stands once, here in a subclass; the command line shows it."""


D = TypeVar("D", bound=Document)


def load_toml(path: Path, kind: type[D]) -> D:
    """Read the TOML file at `path` as a `kind`. Raises InputError (unreadable) or DocumentError (does not fit)."""
    return from_dict(read_toml(path), kind, str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """The TOML file at `path`, unchecked. Raises InputError (unreadable) or DocumentError (no TOML)."""
    try:
        return tomllib.loads(read_bytes(path).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path}: is not valid TOML ({error}).") from error


def from_dict(values: dict[str, Any], kind: type[D], name: str) -> D:
    """Check `values` against `kind`; `name` names the document in the DocumentError."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        known = ", ".join(kind.__struct_fields__)
        raise DocumentError(f"{name}: {error}. Keys at the top: {known}.") from error
