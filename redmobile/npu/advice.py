"""What would help a file that does not run well on a target, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from redmobile.graph.liveness import Peak
from redmobile.graph.macs import macs_of
from redmobile.graph.tflite_model import TfliteModel
from redmobile.npu.rules import Finding

_CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"})
_IMAGE_RANK = 4
_FULL = 0.5
"""From this share of the input's height and width on, an operator counts as one at full resolution."""

_DOMINATES = 0.5
_LARGE = 640 * 360
"""Pixels from which on resolution is worth a sentence."""

_MUCH_MEMORY = 4
"""Peak memory beyond this many times the input's bytes is worth a sentence."""


def advise(model: TfliteModel, findings: Sequence[Finding], islands: Sequence[tuple[str, ...]], partitions: int, peak: Peak) -> list[str]:
    """Sentences, what is heaviest first: what the broken rules advise, then what the graph as a whole shows."""
    sentences = list(dict.fromkeys(finding.advice for finding in findings if finding.advice and finding.verdict != "delegated"))
    sentences += list(dict.fromkeys(cost for finding in findings for cost in finding.costs))
    sentences += [
        sentence for sentence in (_islands(islands), _edges(model), _pieces(partitions), _resolution(model), _memory(model, peak)) if sentence
    ]
    return sentences


def _islands(islands: Sequence[tuple[str, ...]]) -> str:
    if not islands:
        return ""
    count = sum(map(len, islands))
    return f"Quantize the {count} float operators between integer ones too: each island costs two conversions and a hand-over."


def _edges(model: TfliteModel) -> str:
    """Float or uint8 outside, int8 inside."""
    inner = {tensor.dtype for operator in model.operators for tensor in operator.outputs}
    outer = [tensor for tensor in (*model.inputs, *model.outputs) if tensor.dtype in ("float32", "uint8")]
    if "int8" not in inner or not outer:
        return ""
    return f"Give the file int8 inputs and outputs (--io int8): {', '.join(f'{t.name} is {t.dtype}' for t in outer)}, and is converted over and over."


def _pieces(partitions: int) -> str:
    return (
        ""
        if partitions <= 1
        else f"Each of the {partitions} pieces copies its inputs and outputs: remove what cuts the graph, the largest tensors first."
    )


def _resolution(model: TfliteModel) -> str:
    image = next((tensor for tensor in model.inputs if len(tensor.shape) == _IMAGE_RANK), None)
    if image is None:
        return ""
    counts = [(operator, macs_of(operator)) for operator in model.operators if operator.kind in _CONVOLUTIONS]
    if image.shape[1] * image.shape[2] < _LARGE:
        return ""
    limits = [size * _FULL for size in image.shape[1:3]]
    full = sum(macs for operator, macs in counts if all(map(lambda size, limit: size >= limit, operator.outputs[0].shape[1:3], limits)))
    total = sum(macs for _, macs in counts)
    if not total or full / total < _DOMINATES:
        return ""
    return (
        f"Run the body at 1/4 resolution: {full / total:.0%} of the multiply-accumulates are convolutions at full or half resolution. "
        "Fold 4×4 pixels into channels first and unfold them last."
    )


def _memory(model: TfliteModel, peak: Peak) -> str:
    image = next((tensor for tensor in model.inputs if len(tensor.shape) == _IMAGE_RANK), None)
    if image is None:
        return ""
    size = image.shape[1] * image.shape[2] * image.shape[3]
    if peak.bytes <= _MUCH_MEMORY * size:
        return ""
    times = peak.bytes / size
    return f"At '{peak.operator}' activations take {times:.1f} bytes for each value of the input: fewer channels there, or a lower resolution."
