"""Channels brought to equal ranges before quantization, the function of the graph unchanged.

One scale serves a whole tensor, so a channel that reaches 0.1 beside one that reaches 5 has five codes. Multiplying a channel by s where
it is computed and dividing by s where it is read changes nothing in real numbers, and gives it s times as many codes:

    conv (w[c], b[c]) ─ x[c] ─ conv (v[:, c])      →      conv (s·w[c], s·b[c]) ─ s·x[c] ─ conv (v[:, c] / s)

Scales of output channels cost nothing: weights have one scale a channel anyhow. Channels that meet in an addition share their s; what
meets the outside, a non-linear function or a reshape keeps s = 1. A RELU6 that no frame drives to 6 in a channel lets that channel grow.

Source of the idea: Nagel et al., "Data-free quantization through weight equalization and bias correction", ICCV 2019, which balances
weights against each other; here measured activations are balanced within each tensor, through additions and poolings too.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.quantize.op_rules import FUSED_LIMITS, float_tensors
from redmobile.quantize.ties import is_summary

FloatArray = NDArray[np.float64]

LARGEST_GAIN = 32.0
"""A channel that is nearly dead in calibration is not blown up beyond this: on another picture it may live."""

_SHARE = 0.75
"""The exponent of a gain: 1 would make all ranges equal, but then the weights, divided by the gains, get the larger error. On a trained
RED-mobile, INT8 against float on other photographs: 40.0 dB without, 42.3 at 0.5, 42.8 at 0.75, 40.8 at 1 (99.99 % ranges)."""

_HEADROOM, _HEADROOM_OF_FEW = 1.25, 2.0
"""How much further than in calibration a channel may reach before a RELU6 cuts it earlier than in the float graph; where there are few
values a channel (`_FEW`), other pictures go further. MobileNetV2 and EfficientNet-Lite0 at 224×224, calibrated with 4 photographs, lost
1 dB on others with 1.25 everywhere; RED-mobile, whose tensors are large, has 0.3 dB more with 1.25 than with 2."""

_FEW = 4096
"""Positions of a frame, below which calibration sees few values a channel."""

_ON_CHANNEL_AXIS = frozenset(
    {"AVERAGE_POOL_2D", "LEAKY_RELU", "MAX_POOL_2D", "MIRROR_PAD", "PAD", "RELU", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"}
)
"""Kinds that treat each channel alike and by itself: f(s·x) = s·f(x) for s > 0."""

_REDUCTIONS = frozenset({"MEAN", "REDUCE_MAX", "REDUCE_MIN", "SUM"})


def equalize(model: TfliteModel, peaks: Mapping[str, FloatArray]) -> TfliteModel:
    """A copy of the float `model` with equalized channels. peaks: name of a tensor → (C,) largest magnitude of each channel in calibration."""
    model = copy.deepcopy(model)
    classes = _Classes(model)
    gains = _gains(classes, peaks)
    for operator in model.operators:
        _apply(operator, {id(tensor): gains[classes.of(tensor)] for tensor in _channelled(operator)})
    return model


def measured(model: TfliteModel) -> list[str]:
    """Names of the tensors whose peaks `equalize` wants: those with a channel that may be scaled."""
    classes = _Classes(model)
    return [tensor.name for tensor in classes.tensors if not classes.is_frozen(tensor)]


class _Classes:
    """Sets of channels, (tensor, index) pairs, that must share one gain: union-find over integers. Set 0 keeps gain 1."""

    def __init__(self, model: TfliteModel) -> None:
        self.tensors = [tensor for tensor in model.tensors() if tensor.data is None and tensor.dtype == "float32" and tensor.shape]
        ends = np.cumsum([tensor.shape[-1] for tensor in self.tensors], dtype=np.intp) + 1
        self._nodes = {id(tensor): np.arange(end - tensor.shape[-1], end) for tensor, end in zip(self.tensors, ends.tolist(), strict=True)}
        self._parents = np.arange(ends[-1])
        self.limits: dict[int, float] = {}
        for tensor in (*model.inputs, *model.outputs):
            self._freeze([tensor])
        for operator in model.operators:
            self._tie(operator)
        self._freeze_lonely_summaries()
        for operator in model.operators:
            limit = FUSED_LIMITS[operator.options.get("fused_activation_function", "NONE")][1]
            if math.isfinite(limit):
                self.limits[id(operator.outputs[0])] = limit

    def of(self, tensor: Tensor) -> NDArray[np.intp]:
        """(C,) key of the set of each channel."""
        return self._roots(self._nodes[id(tensor)])

    def is_frozen(self, tensor: Tensor) -> bool:
        """Whether all channels keep gain 1."""
        return not self.of(tensor).any()

    def count(self) -> int:
        """One more than the largest key."""
        return len(self._parents)

    def _roots(self, nodes: NDArray[np.intp]) -> NDArray[np.intp]:
        found = self._parents[nodes]
        while ((above := self._parents[found]) != found).any():
            found = above
        return found

    def _join(self, ones: NDArray[np.intp], others: NDArray[np.intp]) -> None:
        """Let the sets of ones[i] and others[i] be one. The smaller key wins, so set 0 swallows what it meets."""
        while (apart := (first := self._roots(ones)) != (second := self._roots(others))).any():
            # Of several links from one key the last stands; the others are found apart again in the next round.
            self._parents[np.maximum(first, second)[apart]] = np.minimum(first, second)[apart]

    def _freeze_lonely_summaries(self) -> None:
        """Calibration sees too little of summaries of the whole picture to scale channels by them alone."""
        spread = np.zeros(len(self._parents), bool)
        for tensor in self.tensors:
            if not is_summary(tensor):
                spread[self.of(tensor)] = True
        for tensor in self.tensors:
            keys = self.of(tensor)
            self._join(keys, np.where(spread[keys], keys, 0))

    def _freeze(self, tensors: Iterable[Tensor]) -> None:
        for tensor in tensors:
            if id(tensor) in self._nodes:
                self._parents[self.of(tensor)] = 0

    def _tie(self, operator: Operator) -> None:
        sources = [tensor for tensor in float_tensors(operator.inputs) if tensor.data is None]
        constants = [tensor for tensor in float_tensors(operator.inputs) if tensor.data is not None]
        outputs = float_tensors(operator.outputs)
        if not outputs:
            self._freeze(sources)
        elif operator.kind == "CONV_2D" and operator.inputs[1] in constants and operator.inputs[1].shape[-1] == sources[0].shape[-1]:
            pass  # input and output channels are scaled by themselves, the weights take both up
        elif operator.kind == "DEPTHWISE_CONV_2D" and len(sources) == 1 and sources[0].shape[-1] == outputs[0].shape[-1]:
            pass
        elif self._is_channelwise(operator, sources, constants, outputs):
            for source in sources:
                self._join(self._nodes[id(source)], self._nodes[id(outputs[0])])
        elif operator.kind == "MUL" and len(sources) == 2 and sources[0].shape[-1] == outputs[0].shape[-1]:  # noqa: PLR2004
            gated, gate = sorted(sources, key=lambda tensor: -math.prod(tensor.shape))
            self._freeze([gate])
            self._join(self._nodes[id(gated)], self._nodes[id(outputs[0])])
        elif operator.kind == "CONCATENATION" and not constants and operator.options.get("axis", 0) in (-1, len(outputs[0].shape) - 1):
            self._join(np.concatenate([self._nodes[id(source)] for source in sources]), self._nodes[id(outputs[0])])
        else:
            self._freeze([*sources, *outputs])

    def _is_channelwise(self, operator: Operator, sources: Sequence[Tensor], constants: Sequence[Tensor], outputs: Sequence[Tensor]) -> bool:
        if not sources or any(source.shape[-1] != outputs[0].shape[-1] for source in sources):
            return False
        if operator.kind in ("ADD", "SUB"):
            return all(constant.shape and constant.shape[-1] == outputs[0].shape[-1] for constant in constants)
        if operator.kind == "PRELU":
            return True
        if operator.kind in _REDUCTIONS:
            return _keeps_channels(operator, len(sources[0].shape))
        if operator.kind in ("PAD", "MIRROR_PAD"):
            return not constants
        return operator.kind in _ON_CHANNEL_AXIS


def _keeps_channels(operator: Operator, rank: int) -> bool:
    axes = operator.inputs[1]
    return axes is not None and axes.data is not None and (rank - 1) not in {int(axis) % rank for axis in axes.data.ravel()}


def _gains(classes: _Classes, peaks: Mapping[str, FloatArray]) -> FloatArray:
    """Key of a set → its gain: a share of what lets its channels reach the widest of their tensors; no RELU6 may cut more than before."""
    gains = np.full(classes.count(), math.inf)
    ceilings = np.full(classes.count(), math.inf)
    for tensor in classes.tensors:
        if tensor.name not in peaks:
            continue
        peak, keys = peaks[tensor.name], classes.of(tensor)
        if not is_summary(tensor):
            np.minimum.at(gains, keys, _ratio(np.full_like(peak, peak.max()), peak, math.inf))
        if id(tensor) in classes.limits:
            room = _ratio(np.full_like(peak, classes.limits[id(tensor)]), peak * _headroom(tensor), math.inf)
            np.minimum.at(ceilings, keys, np.maximum(room, 1.0))
    shared: FloatArray = np.minimum(np.minimum(gains**_SHARE, LARGEST_GAIN), ceilings)
    shared[0] = 1.0
    return shared


def _headroom(tensor: Tensor) -> float:
    return _HEADROOM if math.prod(tensor.shape[:-1]) >= _FEW else _HEADROOM_OF_FEW


def _ratio(above: FloatArray, below: FloatArray, otherwise: float) -> FloatArray:
    ratio: FloatArray = np.divide(above, below, out=np.full_like(below, otherwise), where=below > 0)
    return ratio


def _channelled(operator: Operator) -> list[Tensor]:
    return [tensor for tensor in float_tensors([*operator.inputs, *operator.outputs]) if tensor.data is None and tensor.shape]


def _apply(operator: Operator, gains: Mapping[int, FloatArray]) -> None:
    """Rewrite the operator's constants; several operators may share them, so each gets its own."""
    if all((gain == 1).all() for gain in gains.values()):
        return
    outgoing = gains[id(operator.outputs[0])]
    if operator.kind == "CONV_2D":
        incoming = gains[id(operator.inputs[0])]
        operator.inputs[1:] = [
            _scaled(operator.inputs[1], outgoing[:, None, None, None] / incoming),
            *(_scaled(bias, outgoing) for bias in operator.inputs[2:]),
        ]
    elif operator.kind == "DEPTHWISE_CONV_2D":
        incoming = gains[id(operator.inputs[0])]
        operator.inputs[1:] = [_scaled(operator.inputs[1], outgoing / incoming), *(_scaled(bias, outgoing) for bias in operator.inputs[2:])]
    elif operator.kind in ("ADD", "SUB"):
        operator.inputs = [_scaled(tensor, outgoing) for tensor in operator.inputs]


def _scaled(tensor: Tensor | None, factors: Any) -> Tensor | None:
    if tensor is None or tensor.data is None or tensor.dtype != "float32":
        return tensor
    return dataclasses.replace(tensor, data=(tensor.data * factors).astype(np.float32))
