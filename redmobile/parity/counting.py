"""Which values of a tensor make a difference: what lies beyond is cut off right behind it, so a quantized file need not hold it."""

from __future__ import annotations

import math

from redmobile.graph.tflite_model import TfliteModel
from redmobile.quantize.clamps import EVERYTHING, Limits, fold_clamps
from redmobile.quantize.op_rules import OP_RULES, float_tensors
from redmobile.quantize.ranges import saturation

_BITS = 8


def counting_limits(model: TfliteModel) -> dict[str, Limits]:
    """Name of a tensor of the float `model` → (low, high) of the values that count, for those where not all do.

    A clamp that alone reads a tensor, through operators that only move values, leaves no trace of what lies beyond its bounds (our
    quantizer lets such a clamp vanish into the codes' ends); nor do LOGISTIC and TANH where their 8-bit codes no longer change.
    """
    limits = dict(fold_clamps(model, {}, ()).limits)
    consumers, outputs = model.consumers(), {id(tensor) for tensor in model.outputs}
    for operator in model.operators:
        for tensor in operator.outputs:
            ends = [saturation(reader.kind, _BITS) for reader in consumers.get(id(tensor), [])]
            if ends and id(tensor) not in outputs and math.isfinite(end := max(ends)):
                low, high = limits.get(id(tensor), EVERYTHING)
                limits[id(tensor)] = max(low, -end), min(high, end)
        rule = OP_RULES.get(operator.kind)
        sources = [limits.get(id(tensor), EVERYTHING) for tensor in float_tensors(operator.inputs) if tensor.data is None]
        if rule is not None and rule.moves and sources and EVERYTHING not in sources:
            hull = min(low for low, _ in sources), max(high for _, high in sources)
            limits |= {id(tensor): hull for tensor in operator.outputs}
    made = [tensor for operator in model.operators for tensor in operator.outputs]
    return {tensor.name: limits[id(tensor)] for tensor in made if limits.get(id(tensor), EVERYTHING) != EVERYTHING}
