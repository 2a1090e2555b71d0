"""The JSON documents that a benchmark leaves; benchmarks/result.schema.json is their JSON Schema.

A file holds one result, or a bundle: what one command measured in several ways (a phone's delegates, thread counts).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from redmobile.bench.header import FORMAT, Format
from redmobile.bench.measured import AccuracyResult, LatencyResult, MemoryResult, VideoResult
from redmobile.bench.modelled import EmulationResult, EstimateResult
from redmobile.core.documents import Document
from redmobile.core.results import read_json
from redmobile.errors import DocumentError

Result = LatencyResult | VideoResult | MemoryResult | AccuracyResult | EmulationResult | EstimateResult
"""One plan, one model (and what it was compared with), one configuration."""

SCHEMA_FILE = "result.schema.json"


class Bundle(Document, tag_field="kind", tag="bundle"):
    """Several results of one run. incomplete: why some are missing; None: none is."""

    format: Format
    results: tuple[Result, ...]
    incomplete: str | None = None


def to_builtins(result: Result | Bundle) -> dict[str, Any]:
    """`result` as JSON's types."""
    values: dict[str, Any] = msgspec.to_builtins(result)
    return values


def from_builtins(values: Any, name: str) -> Result | Bundle:
    """What stands in a JSON document called `name`. Raises DocumentError, naming the place."""
    found = values.get("format") if isinstance(values, dict) else None
    if found != FORMAT:
        raise DocumentError(f"{name}: is no result of `redmobile bench`: expected format '{FORMAT}', found '{found}'. Measure again to get one.")
    try:
        result: Result | Bundle = msgspec.convert(values, Result | Bundle)
    except msgspec.ValidationError as error:
        raise DocumentError(f"{name}: {error}. benchmarks/{SCHEMA_FILE} says what is expected.") from error
    return result


def read_results(path: Path) -> tuple[Result, ...]:
    """The results in the file at `path`: one, or those of a bundle. Raises InputError, DocumentError."""
    found = from_builtins(read_json(path), str(path))
    return found.results if isinstance(found, Bundle) else (found,)


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the documents."""
    made: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FORMAT,
        **msgspec.json.schema(Result | Bundle),
    }
    return made
