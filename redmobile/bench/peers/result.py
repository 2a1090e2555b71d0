"""The JSON document that a comparison of converters leaves."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from redmobile.bench.conditions import Conditions
from redmobile.bench.fidelity import Fidelity
from redmobile.bench.job import Load
from redmobile.bench.peers.conversion import Conversion, Outcome
from redmobile.bench.peers.graph_facts import GraphFacts
from redmobile.bench.peers.tables import Precision
from redmobile.bench.plan import Plan
from redmobile.bench.stability import Stability
from redmobile.bench.stats import Ratio, Summary
from redmobile.core.documents import Document

Format = Literal["redmobile.peers/1"]
FORMAT: Format = "redmobile.peers/1"


class VelaFacts(Document):
    """Operators after Vela's own rewriting: cpu_operators fall back to the processor, npu_operators run on the accelerator."""

    accelerator: str
    cpu_operators: int
    npu_operators: int


class Latency(Document):
    """One file's times with so many threads. ratio: to our file's, from runs that alternated; None for ours, or where there is none of ours."""

    threads: int
    time: Summary
    stability: Stability
    samples_ms: tuple[float, ...]
    ratio: Ratio | None


class Row(Document):
    """One network through one converter. outcome, reason: of the conversion, or of what must come before it.

    cached: the conversion was done in an earlier run, and its time and memory are of that. conversion: None where it was not begun.
    missing: name of a figure → why it is not there.
    """

    network: str
    converter: str
    precision: Precision
    outcome: Outcome
    reason: str
    cached: bool = False
    conversion: Conversion | None = None
    graph: GraphFacts | None = None
    load: Load | None = None
    fidelity: Fidelity | None = None
    vela: VelaFacts | None = None
    latency: tuple[Latency, ...] = ()
    missing: dict[str, str] = msgspec.field(default_factory=dict)


class NetworkFacts(Document):
    """A network that was converted. onnx_sha256, weights_sha256: of its files; None where there is none."""

    name: str
    size: tuple[int, int]
    onnx_bytes: int
    onnx_sha256: str
    weights_sha256: str | None


class LatencyRun(Document):
    """The machine while the files of one network and precision ran by turns."""

    network: str
    precision: Precision
    threads: int
    conditions: Conditions


class PeersResult(Document):
    """The whole comparison. settings: the plan as it was carried out. calibration, pictures: name → sha256.

    requirements: name of an environment → sha256 of its pinned versions. Files and logs are named from the output folder.
    """

    format: Format
    plan: str
    plan_sha256: str
    settings: Plan
    environment: dict[str, Any]
    requirements: dict[str, str]
    calibration: dict[str, str]
    pictures: dict[str, str]
    networks: tuple[NetworkFacts, ...]
    rows: tuple[Row, ...]
    runs: tuple[LatencyRun, ...]


def to_builtins(result: PeersResult) -> dict[str, Any]:
    """`result` as JSON's types."""
    values: dict[str, Any] = msgspec.to_builtins(result)
    return values
