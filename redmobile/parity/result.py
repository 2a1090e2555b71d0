"""The JSON document that a comparison leaves."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from redmobile.core.documents import Document
from redmobile.parity.compare import Comparison
from redmobile.parity.gates import GateResult
from redmobile.parity.layers import LayersOfPair
from redmobile.parity.sheet import SheetPictures

Format = Literal["redmobile.parity/1"]
FORMAT: Format = "redmobile.parity/1"


class StageFacts(Document):
    """One stage of the chain. file: where it comes from; sha256: of that file; runtime: engine and version; input, output: their specs."""

    name: str
    file: str
    sha256: str
    runtime: str
    input: str
    output: str


class TruthRow(Document):
    """A stage against the ground truth: metric → mean over the pictures, as papers give it."""

    stage: str
    mean: dict[str, float]


class Truth(Document):
    """All stages against the ground truth. loss_psnr_db: float (or what comes closest to it) minus the converted file; positive: worse."""

    folder: str
    rows: tuple[TruthRow, ...]
    loss_from: str
    loss_psnr_db: float


class ParityResult(Document):
    """The whole comparison. pairs: neighbours along the chain, then what gates ask for besides.

    findings: what is wrong with shapes, dtypes, layouts or finiteness; where there is one, no number was computed. remarks: what
    was left out, and why. layers, sheet: if they were asked for. passed: no finding, no failed gate, and if there are gates, at least one was judged.
    """

    format: Format
    converter: str
    converter_sha256: str
    environment: dict[str, Any]
    threads: int
    stages: tuple[StageFacts, ...]
    images: tuple[str, ...]
    findings: tuple[str, ...]
    pairs: tuple[Comparison, ...]
    gates: tuple[GateResult, ...]
    truth: Truth | None
    remarks: tuple[str, ...]
    passed: bool
    layers: tuple[LayersOfPair, ...] = ()
    sheet: SheetPictures | None = None


def to_builtins(result: ParityResult) -> dict[str, Any]:
    """`result` as JSON's types; infinite decibels stay float, core.results writes them as "inf"."""
    values: dict[str, Any] = msgspec.to_builtins(result)
    return values
