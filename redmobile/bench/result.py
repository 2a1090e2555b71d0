"""The JSON documents that a benchmark leaves. Every figure stands beside what it was taken with; no figure of an emulator has a place here."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from redmobile.bench.budget import Verdict
from redmobile.bench.conditions import Conditions
from redmobile.bench.job import LoadRecord
from redmobile.bench.open_loop import FrameTimes
from redmobile.bench.plan import Plan
from redmobile.bench.stability import Stability
from redmobile.bench.stats import Ratio, Summary
from redmobile.core.documents import Document, from_dict

Format = Literal["redmobile.bench/1"]
FORMAT: Format = "redmobile.bench/1"


class ModelFile(Document):
    """The file that was measured."""

    file: str
    sha256: str
    bytes: int


class Measured(Document):
    """A network's figures. over_budget: runs longer than one frame's time; samples_ms: every counted run, in order."""

    model: ModelFile
    load: LoadRecord
    latency: Summary
    over_budget: int
    stability: Stability
    samples_ms: tuple[float, ...]


class StageTimes(Document):
    """One stage of the way of a frame, over all finished frames."""

    name: str
    time: Summary


class Common(Document):
    """What every result says. plan_sha256: of the plan's file; settings: the plan as it was carried out, options included."""

    format: Format
    plan: str
    plan_sha256: str
    settings: Plan
    target: Literal["host"]
    threads: int
    environment: dict[str, Any]
    conditions: Conditions
    verdict: Verdict


class LatencyResult(Common, tag_field="kind", tag="latency"):
    """What a plan with [closed_loop] gives. peers: in the order given, their runs alternating with the model's."""

    measured: Measured
    peers: tuple[Measured, ...]
    ratios: tuple[Ratio, ...]


class VideoResult(Common, tag_field="kind", tag="video"):
    """What a plan with [open_loop] gives. on_time + late + dropped = offered.

    late: finished after more than one frame's time; dropped: replaced by a newer frame before its turn. latency: from arrival to
    finished; blame: the stage that took longest in the frames that were not on time, None if all were.
    """

    model: ModelFile
    load: LoadRecord
    source: str
    offered: int
    on_time: int
    late: int
    dropped: int
    latency: Summary
    stages: tuple[StageTimes, ...]
    blame: str | None
    stability: Stability
    frames: tuple[FrameTimes, ...]


Result = LatencyResult | VideoResult


def to_builtins(result: Result) -> dict[str, Any]:
    """`result` as JSON's types."""
    values: dict[str, Any] = msgspec.to_builtins(result)
    return values


def from_builtins(values: dict[str, Any], name: str) -> Result:
    """The result in a JSON document called `name`. Raises DocumentError."""
    if values.get("kind") == "video":
        return from_dict(values, VideoResult, name)
    return from_dict(values, LatencyResult, name)


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the documents."""
    made: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FORMAT, **msgspec.json.schema(Result)}
    return made
