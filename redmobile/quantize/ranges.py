"""From what the tensors hold to their scales and zero points: groups that share one, limits, fixed scales."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Collection

from redmobile.core.quant_math import Quantization, asymmetric, symmetric
from redmobile.errors import UnsupportedModelError, UsageError
from redmobile.graph.tflite_model import Tensor, TfliteModel
from redmobile.quantize.clamps import EVERYTHING, Folding, Limits, fold_clamps
from redmobile.quantize.observers import Observer, Range
from redmobile.quantize.op_rules import FUSED_LIMITS, WIDE, faults, fixed_output, float_tensors, is_tied, rule_of
from redmobile.quantize.precision import CONVERSION, FLOAT, Precision, set_precision
from redmobile.quantize.settle import Known, settle
from redmobile.quantize.statistics import Statistics
from redmobile.quantize.ties import Ties, activations, is_summary, roots


@dataclasses.dataclass(frozen=True, eq=False)
class Group:
    """Tensors that share one scale and zero point.

    tensors: in the order in which they come up; roots: those of them whose values decide, as tensors of the float graph.
    limits: id of a root → the values that count of it. constants: the span of the group's constants, if it has some.
    fixed: by the specification, the input's range or, if `given`, the source model. exact: an output clamp's bounds, or those of all roots
    in a model of given scales, which the range takes whatever was seen.
    bits: the width of its codes; in 16 there is room for all that was seen, so no observer is asked.
    A group of summaries of the whole picture has no choice of observer: its range is what was seen and half as much again.
    """

    tensors: tuple[Tensor, ...]
    roots: tuple[Tensor, ...]
    limits: dict[int, Limits]
    bits: int
    constants: Range | None = None
    fixed: Quantization | None = None
    exact: Range | None = None
    given: bool = False

    @property
    def name(self) -> str:
        """The name of the first tensor."""
        return self.tensors[0].name

    @property
    def is_free(self) -> bool:
        """Whether an observer decides the range."""
        return not (self.fixed or self.exact or self._is_summary or self.bits == WIDE)

    @property
    def given_by(self) -> str:
        """What decides the range of a group that is not free."""
        if self.fixed:
            return "given" if self.given else "fixed"
        return "clamp" if self.exact else "summary" if self._is_summary else "min_max"

    @property
    def _is_summary(self) -> bool:
        return bool(self.roots) and all(map(is_summary, self.roots))

    def range(self, seen: dict[str, Statistics], observer: Observer) -> Range:
        """(low, high) that `observer` makes of what was seen of the roots, within their limits, joined with the constants."""
        if self.exact:
            return self.exact
        spans = [self.constants] if self.constants else []
        for root in self.roots:
            low, high = self.limits.get(id(root), EVERYTHING)
            found = _widened(seen[root.name]) if self._is_summary else observer(seen[root.name])
            spans.append((min(max(found[0], low), high), max(min(found[1], high), low)))
        return min(low for low, _ in spans), max(high for _, high in spans)


SUMMARY_MARGIN = 1.5
"""How much wider than seen the range of a summary is taken. On a trained RED-mobile calibrated with 8 photographs, a summary of another
one went 30 % beyond what had been seen; a little resolution costs less."""


def _widened(seen: Statistics) -> Range:
    return min(seen.low * SUMMARY_MARGIN, seen.low), max(seen.high * SUMMARY_MARGIN, seen.high)


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
    """A float graph made ready for quantization: its own copy, the groups, the clamps that vanish, the widths of activations."""

    model: TfliteModel
    groups: tuple[Group, ...]
    folding: Folding
    precision: Precision

    def observed(self) -> list[str]:
        """Names of the tensors whose statistics decide a range."""
        return list(dict.fromkeys(root.name for group in self.groups if not (group.fixed or group.exact) for root in group.roots))

    def exact(self) -> dict[str, Range]:
        """Name of a tensor → the bounds of the clamp that ends the graph behind it."""
        return {tensor.name: group.exact for group in self.groups if group.exact for tensor in group.tensors}


def check_range(input_range: Range) -> None:
    """Raise UsageError unless (low, high) is finite and low < high."""
    low, high = input_range
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(f"The input range must be two finite numbers, the lower one first, found [{low}, {high}].")


def lay_out(model: TfliteModel, input_range: Range, bits: int, *, wide: Collection[str] = (), kept_float: Collection[str] = ()) -> Layout:
    """Copy `model`, find what ties tensors together and what vanishes. input_range: real values of a frame's codes 0 and 255.

    wide, kept_float: names of layers that work in 16 bits, and of those that stay float32, instead of `bits`. Scales that the model's
    source gives (Tensor.given) are taken; the specification's own come before them, the input's range after.
    Raises UnsupportedModelError that names every operator that cannot be quantized, UsageError for a range without width, an unknown layer.
    """
    check_range(input_range)
    model = copy.deepcopy(model)
    _check_names(model)
    precision = set_precision(model, bits, wide, kept_float)
    _check_operators(model, precision)
    fixed, given = _fixed(model, precision), _given(model, precision)
    known, precision = settle(model, _of_inputs(model, input_range, bits) | given | fixed, precision)
    limits = _own_limits(model, fixed, input_range)
    if given:
        limits |= {key: _held_by(quantization) for key, quantization in known.items() if key not in fixed}
    folding = fold_clamps(model, limits, known)
    _check_clamps(model, folding, precision)
    if not brings_scales(model):
        folding = dataclasses.replace(folding, limits=_within_saturation(model, folding.limits, precision))
    return Layout(model, _groups(model, known, folding, precision), folding, precision)


def brings_scales(model: TfliteModel) -> bool:
    """Whether the model's source gives scales of activations, so that there is little or nothing to calibrate."""
    return any(tensor.given and not tensor.given.pinned for tensor in activations(model))


def quantize_range(low_high: Range, bits: int) -> Quantization:
    """Scale and zero point for a range: asymmetric in 8 bits, symmetric in 16, as the specification asks."""
    return symmetric(*low_high, "int16") if bits == WIDE else asymmetric(*low_high, "int8")


def _check_operators(model: TfliteModel, precision: Precision) -> None:
    quantized = [operator for operator in model.operators if operator.kind != CONVERSION and precision.of_operator(operator) != FLOAT]
    found = [fault for operator in quantized if (fault := faults(operator, precision.of_operator(operator)))]
    if found:
        raise UnsupportedModelError(f"Cannot quantize {len(found)} operator{'s' if len(found) > 1 else ''}: {'; '.join(found)}.")
    if not activations(model):
        raise UnsupportedModelError("Nothing to quantize: the model has no float32 tensors (is it quantized already?).")


def _check_clamps(model: TfliteModel, folding: Folding, precision: Precision) -> None:
    """In 16 bits these two clamps have no kernel: they must have vanished."""
    left = [
        operator
        for operator in model.operators
        if operator.kind in ("RELU_0_TO_1", "RELU_N1_TO_1") and id(operator) not in folding.folded and precision.of_operator(operator) == WIDE
    ]
    if left:
        names = ", ".join(f"{operator.kind} ('{operator.outputs[0].name}')" for operator in left)
        raise UnsupportedModelError(f"No 16-bit form in LiteRT, and its bounds do not fit into the scale of what it clamps: {names}.")


def _check_names(model: TfliteModel) -> None:
    names = [tensor.name for tensor in activations(model)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnsupportedModelError(f"Several tensors have the same name, so what was seen of them cannot be told apart: {', '.join(twice)}.")


def _of_inputs(model: TfliteModel, input_range: Range, bits: int) -> Known:
    """The quantization of the graph's inputs by their range."""
    return {id(tensor): quantize_range(input_range, bits) for tensor in model.inputs if tensor.dtype == "float32"}


def _given(model: TfliteModel, precision: Precision) -> Known:
    """What is said beforehand of activations of 8 bits. Raises UnsupportedModelError that names those whose scales int8 cannot take."""
    if precision.base == WIDE and brings_scales(model):
        raise UsageError("The model brings its own 8-bit scales, the recipe asks for 16-bit activations: take litert_int8, or the network before.")
    said = [(tensor, tensor.given) for tensor in activations(model) if tensor.given and precision.of_tensor(tensor) not in (WIDE, FLOAT)]
    given = {id(tensor): each.int8() for tensor, each in said}
    odd = [f"'{tensor.name}' ({each.dtype})" for tensor, each in said if given[id(tensor)] is None]
    if odd:
        raise UnsupportedModelError(
            f"The model brings scales that TFLite's int8 activations cannot take (one scale a tensor, int8 or uint8 is needed): {', '.join(odd)}. "
            "Quantize it so, or convert the network before quantization."
        )
    return {key: quantization for key, quantization in given.items() if quantization is not None}


def _held_by(quantization: Quantization) -> Limits:
    """The real values between which codes saturate: half a step inside the outermost codes, for what lies beyond rounds to those."""
    low, high = quantization.reach("int8")
    half = float(quantization.scale[0]) / 2
    return low + half, high - half


def _fixed(model: TfliteModel, precision: Precision) -> Known:
    """The quantization of each tensor, by id, that the specification gives it."""
    found: Known = {}
    for operator in model.operators:
        rule, quantization = rule_of(operator), fixed_output(operator.kind, precision.of_operator(operator))
        if rule and rule.scales == "fixed" and quantization:
            found |= {id(tensor): quantization for tensor in operator.outputs}
    return found


def _own_limits(model: TfliteModel, fixed: Known, input_range: Range) -> dict[int, Limits]:
    """What a root can hold whatever stands behind it."""
    limits: dict[int, Limits] = {}
    for operator in model.operators:
        bound = FUSED_LIMITS[operator.options.get("fused_activation_function", "NONE")]
        limits |= {id(tensor): bound for tensor in operator.outputs if bound != EVERYTHING and not is_tied(operator)}
    for operator in model.operators:
        limits |= {id(tensor): _span_of_fixed(operator.kind) for tensor in operator.outputs if id(tensor) in fixed}
    limits |= {id(tensor): input_range for tensor in model.inputs if tensor.dtype == "float32"}
    rescaled = [operator for operator in model.operators if operator.kind == CONVERSION and id(operator.inputs[0]) in limits]
    return limits | {id(operator.outputs[0]): limits[id(operator.inputs[0])] for operator in rescaled}


def _within_saturation(model: TfliteModel, limits: dict[int, Limits], precision: Precision) -> dict[int, Limits]:
    """`limits` with those of roots that only LOGISTIC or TANH read narrowed to where the function's code still changes."""
    consumers, outputs = model.consumers(), {id(tensor) for tensor in model.outputs}
    narrowed = dict(limits)
    for root in (root for root in roots(model) if id(root) not in outputs):
        ends = [saturation(operator.kind, precision.of_operator(operator)) for operator in consumers.get(id(root), [])]
        if ends and math.isfinite(end := max(ends)):
            low, high = limits[id(root)]
            narrowed[id(root)] = (max(low, -end), min(high, end))
    return narrowed


def saturation(kind: str, bits: int) -> float:
    """The |x| from which LOGISTIC's or TANH's output is within half a code of its end; inf for all other kinds.

    1 - logistic(x) = s / 2 at x = ln(2 / s - 1), and tanh(x) = 2 · logistic(2x) - 1, with s the output scale that the specification fixes.
    """
    output = fixed_output(kind, bits)
    if output is None or kind not in ("LOGISTIC", "TANH"):
        return math.inf
    codes = 2 / float(output.scale[0])
    return math.log(codes - 1) if kind == "LOGISTIC" else math.log(2 * codes - 1) / 2


def _span_of_fixed(kind: str) -> Limits:
    return {"LOGISTIC": (0.0, 1.0), "SOFTMAX": (0.0, 1.0), "LOG_SOFTMAX": (-math.inf, 0.0)}.get(kind, (-1.0, 1.0))


def _members(model: TfliteModel) -> dict[int, list[Tensor]]:
    ties = Ties(model.operators)
    members: dict[int, list[Tensor]] = {}
    for tensor in activations(model):
        members.setdefault(ties.of(tensor), []).append(tensor)
    return members


def _groups(model: TfliteModel, fixed: Known, folding: Folding, precision: Precision) -> tuple[Group, ...]:
    ties, members = Ties(model.operators), _members(model)
    rescaled = {id(operator.outputs[0]): operator.inputs[0] for operator in model.operators if operator.kind == CONVERSION}
    deciding: dict[int, list[Tensor]] = {}
    for root in roots(model):
        deciding.setdefault(ties.of(root), []).append(rescaled.get(id(root)) or root)
    constants = _constant_spans(model, ties, folding)
    exact = _exact_ranges(model, ties, folding)
    if brings_scales(model):
        exact = _finite_hulls(model, ties, folding, {key: [] for key in members if key not in constants}) | exact
    return tuple(
        Group(
            tensors=tuple(tensors),
            roots=tuple(deciding.get(key, [])),
            limits=folding.limits,
            bits=precision.of_tensor(tensors[0]),
            constants=constants.get(key),
            fixed=next((fixed[id(tensor)] for tensor in tensors if id(tensor) in fixed), None),
            exact=exact.get(key),
            given=any(tensor.given and not tensor.given.pinned for tensor in tensors),
        )
        for key, tensors in members.items()
        if precision.of_tensor(tensors[0]) != FLOAT
    )


def _constant_spans(model: TfliteModel, ties: Ties, folding: Folding) -> dict[int, Range]:
    """Key of a group → span of the constants that are tied into it (of PADV2, CONCATENATION, a MAXIMUM that stays)."""
    spans: dict[int, Range] = {}
    for operator in model.operators:
        if not is_tied(operator) or id(operator) in folding.folded:
            continue
        for tensor in float_tensors(operator.inputs):
            if tensor.data is not None:
                low, high = spans.get(ties.of(tensor), (math.inf, -math.inf))
                spans[ties.of(tensor)] = (min(low, float(tensor.data.min())), max(high, float(tensor.data.max())))
    return spans


def _exact_ranges(model: TfliteModel, ties: Ties, folding: Folding) -> dict[int, Range]:
    """Key of a group → the bounds of the clamps that end the graph, fused ones too: they say what the output's codes mean."""
    outputs = {id(tensor) for tensor in model.outputs}
    folded = [operator for operator in model.operators if id(operator) in folding.folded]
    spans: dict[int, list[Limits]] = {ties.of(operator.outputs[0]): [] for operator in folded if id(operator.outputs[0]) in outputs}
    return _finite_hulls(model, ties, folding, spans)


def _finite_hulls(model: TfliteModel, ties: Ties, folding: Folding, spans: dict[int, list[Limits]]) -> dict[int, Range]:
    """Those keys of `spans` whose groups' roots have limits on both sides → the span of those limits."""
    for root in roots(model):
        if ties.of(root) in spans:
            spans[ties.of(root)].append(folding.limits[id(root)])
    ranges = {key: (min(low for low, _ in limits), max(high for _, high in limits)) for key, limits in spans.items() if limits}
    return {key: (low, high) for key, (low, high) in ranges.items() if math.isfinite(low) and math.isfinite(high)}
