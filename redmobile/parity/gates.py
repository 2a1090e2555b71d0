"""The conditions of a converter, judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from redmobile.core.converter import Gate
from redmobile.core.documents import Document
from redmobile.core.metrics import METRICS
from redmobile.errors import DocumentError
from redmobile.parity.compare import Comparison, Worst

Outcome = Literal["passed", "failed", "not judged"]


class GateResult(Document):
    """One gate. value: over all pictures; worst: the picture where it is worst; both None where nothing was computed."""

    metric: str
    unit: str
    against: str
    threshold: float
    higher_is_better: bool
    outcome: Outcome
    says: str
    value: float | None = None
    worst: Worst | None = None

    @property
    def title(self) -> str:
        """E.g. 'psnr against float >= 40 dB'."""
        return f"{self.metric} against {self.against} {'>=' if self.higher_is_better else '<='} {self.threshold:g} {self.unit}".rstrip()


def check_gates(gates: Sequence[Gate], converter: str) -> None:
    """Raise DocumentError for a gate whose metric is not known."""
    for gate in gates:
        if gate.metric not in METRICS:
            raise DocumentError(f"Converter '{converter}': a gate asks for the metric '{gate.metric}'. Known: {', '.join(METRICS)}.")


def judge(gates: Sequence[Gate], comparisons: Mapping[str, Comparison], absent: Mapping[str, str]) -> tuple[GateResult, ...]:
    """Judge each gate by the value pooled over all pictures (compare.pool); the worst picture is named beside it.

    A gate is a promise about the file on pictures as they come, so one picture alone does not fail it; with psnr a single bad
    one weighs heavily all the same, because its squared error does. comparisons: stage → the converted file compared with it;
    absent: stage → why it is not there. A gate against such a stage is 'not judged', never passed.
    """
    return tuple(_judge(gate, comparisons.get(gate.against), absent.get(gate.against, "nothing was computed")) for gate in gates)


def judge_equality(comparison: Comparison) -> GateResult:
    """Whether every value of every picture is the same: of the same file in two places."""
    largest, worst = comparison.pooled["max_difference"], comparison.worst["max_difference"]
    equal = largest == 0
    pictures = f"{len(comparison.images)} pictures"
    return GateResult(
        metric="max_difference",
        unit=METRICS["max_difference"].unit,
        against=comparison.expected,
        threshold=0.0,
        higher_is_better=False,
        outcome="passed" if equal else "failed",
        says=f"{comparison.found} gives the same bytes for {pictures}" if equal else f"{largest:g} codes over {pictures}, worst in {worst.image}",
        value=largest,
        worst=worst,
    )


def _judge(gate: Gate, comparison: Comparison | None, reason: str) -> GateResult:
    metric = METRICS[gate.metric]
    judged = GateResult(
        metric=gate.metric,
        unit=metric.unit,
        against=gate.against,
        threshold=gate.threshold,
        higher_is_better=metric.higher_is_better,
        outcome="not judged",
        says=f"{gate.against} is not there: {reason}",
    )
    if comparison is None:
        return judged
    value, worst = comparison.pooled[gate.metric], comparison.worst[gate.metric]
    passed = metric.passes(value, gate.threshold)
    says = f"{value:.2f} {metric.unit} over {len(comparison.images)} pictures, worst {worst.value:.2f} in {worst.image}".replace("  ", " ")
    return msgspec.structs.replace(judged, outcome="passed" if passed else "failed", says=says, value=value, worst=worst)
