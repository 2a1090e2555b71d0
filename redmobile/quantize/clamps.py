"""Clamps that vanish into a quantization: codes saturate by themselves where the range ends.

conv ──► CONCATENATION ──► RESHAPE ──► RELU_0_TO_1 ──► output        conv ──► CONCATENATION ──► RESHAPE ──► output
conv ──┘                                                      →     conv ──┘        all at scale 1/255, zero point -128
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection

from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.quantize.op_rules import OP_RULES, float_tensors
from redmobile.quantize.ties import Ties, roots

Limits = tuple[float, float]
EVERYTHING: Limits = (-math.inf, math.inf)

_UNSEEN = 0.5 / 255
"""Share of a range that starts at zero below which 8-bit codes do not tell a value from zero."""

_CLAMPS: dict[str, Limits] = {"RELU": (0.0, math.inf), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0), "RELU_0_TO_1": (0.0, 1.0)}


@dataclasses.dataclass(frozen=True)
class Folding:
    """folded: id of each operator that vanishes → its bounds; limits: id of each root tensor → the values that count of it."""

    folded: dict[int, Limits]
    limits: dict[int, Limits]


def bounds(operator: Operator) -> Limits | None:
    """(low, high) of a standalone clamp: a RELU, or a MAXIMUM or MINIMUM with a constant scalar. None for all else.

    None too for a MINIMUM below zero: codes always reach zero. A MAXIMUM above zero may still vanish, if it is above by less than codes tell.
    """
    if operator.kind in _CLAMPS:
        return _CLAMPS[operator.kind]
    constant = next((tensor for tensor in float_tensors(operator.inputs) if tensor.data is not None), None)
    if operator.kind not in ("MAXIMUM", "MINIMUM") or constant is None or constant.data is None or constant.data.size != 1:
        return None
    value = float(constant.data.ravel()[0])
    if operator.kind == "MAXIMUM":
        return (value, math.inf)
    return (-math.inf, value) if value >= 0 else None


def clamped_input(operator: Operator) -> Tensor:
    """The input of a clamp that is not its constant."""
    return next(tensor for tensor in float_tensors(operator.inputs) if tensor.data is None)


def fold_clamps(model: TfliteModel, own_limits: dict[int, Limits], fixed: Collection[int]) -> Folding:
    """Find the clamps that can vanish. The model is not changed.

    A clamp vanishes if everything that reaches it through operators that only move values is read by nothing else, and if all tensors
    that share its scale keep to its bounds once the vanished clamps' bounds are counted. A lower bound a little above zero (the 1e-4 that keeps
    a divisor from zero) is no bound in codes: the nearest code of it is that of zero. An interpolation (RESIZE_BILINEAR,
    AVERAGE_POOL_2D) between a tensor and its clamp is not crossed: interpolating clamped values is something else.

    own_limits: id of a root tensor → the values that it can take whatever the clamps do (fused activation, fixed scale, input range).
    fixed: ids of tensors whose scale is given: they do not saturate at a clamp's bounds.
    """
    search = _Search(model)
    reached = {id(operator): cone for operator in model.operators if (cone := search.cone(operator)) is not None}
    clamps = {id(operator): bounds(operator) or EVERYTHING for operator in model.operators if id(operator) in reached}
    while True:
        limits = _limits(model, own_limits, clamps, {key: cone - set(fixed) for key, cone in reached.items()})
        broken = [key for key, bound in clamps.items() if not _inside(search.hull(key, limits), bound)]
        if not broken:
            return Folding(clamps, limits)
        for key in broken:
            del clamps[key]


class _Search:
    def __init__(self, model: TfliteModel) -> None:
        self._producers = model.producers()
        self._consumers = model.consumers()
        self._outputs = {id(tensor) for tensor in model.outputs}
        self._operators = {id(operator): operator for operator in model.operators}
        ties = Ties(model.operators)
        self._group_roots: dict[int, list[Tensor]] = {}
        for root in roots(model):
            self._group_roots.setdefault(ties.of(root), []).append(root)
        self._constants: dict[int, list[Tensor]] = {}
        for operator in model.operators:
            # A clamp's own constant is its bound, not a value that has to be held; but above zero it is one where the clamp stays.
            for tensor in float_tensors(operator.inputs) if (bounds(operator) or (1.0, 1.0))[0] > 0 else []:
                if tensor.data is not None:
                    self._constants.setdefault(ties.of(tensor), []).append(tensor)
        self._ties = ties

    def cone(self, clamp: Operator) -> set[int] | None:
        """Ids of the roots that reach `clamp` and nothing else, or None if it is no clamp or something else reads on the way."""
        if bounds(clamp) is None:
            return None
        found: set[int] = set()
        pending = [clamped_input(clamp)]
        while pending:
            tensor = pending.pop()
            producer = self._producers.get(id(tensor))
            if producer is None or id(tensor) in self._outputs or len(self._consumers[id(tensor)]) > 1 or len(producer.outputs) > 1:
                return None
            rule = OP_RULES.get(producer.kind)
            if rule is None or rule.scales != "tied":
                found.add(id(tensor))
            elif rule.moves:
                pending.extend(source for source in float_tensors(producer.inputs) if source.data is None)
            else:
                return None
        return found

    def hull(self, clamp: int, limits: dict[int, Limits]) -> Limits:
        """The span of all values that must be held by the scale of `clamp`."""
        key = self._ties.of(self._operators[clamp].outputs[0])
        spans = [limits[id(root)] for root in self._group_roots.get(key, [])]
        spans += [(float(tensor.data.min()), float(tensor.data.max())) for tensor in self._constants.get(key, []) if tensor.data is not None]
        return min(low for low, _ in spans), max(high for _, high in spans)


def _limits(model: TfliteModel, own: dict[int, Limits], clamps: dict[int, Limits], reached: dict[int, set[int]]) -> dict[int, Limits]:
    limits = {id(root): own.get(id(root), EVERYTHING) for root in roots(model)}
    for key, bound in clamps.items():
        for root in reached[key]:
            low, high = limits[root]
            limits[root] = (min(max(low, bound[0]), bound[1]), max(min(high, bound[1]), bound[0]))
    return limits


def _inside(inner: Limits, outer: Limits) -> bool:
    seen = _UNSEEN * inner[1] if math.isfinite(inner[1]) else 0.0
    return outer[0] <= inner[0] and inner[1] <= outer[1] and outer[0] <= max(seen, 0.0)
