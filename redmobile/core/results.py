"""JSON documents of results: written whole, floats readable, infinities as strings."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from redmobile.core.artifact import read_bytes, write_text
from redmobile.errors import DocumentError


def to_json(value: Any) -> str:
    """`value` as indented JSON. Non-finite floats become "inf", "-inf", "nan": JSON has no such numbers."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False)


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path`, whole or not at all. Raises OutputError."""
    write_text(path, to_json(value) + "\n")


def read_json(path: Path) -> Any:
    """The JSON document at `path`. Raises InputError, DocumentError."""
    try:
        return json.loads(read_bytes(path))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path}: is not valid JSON ({error}).") from error


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
