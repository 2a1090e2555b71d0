"""What a rule can ask of an operator. Each check is a document: a [[rule]]'s `check = { kind = "…", … }`.

A check answers True (the operator keeps to it), False (it does not) or None (it cannot be told from the file, or nobody has published it).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from redmobile.core.documents import Document
from redmobile.graph.tflite_model import Operator, Tensor

Scalar = str | int | bool

DATA_AT = {"SPLIT": 1, "TRANSPOSE_CONV": 2}
"""Kinds whose data is not their first input, and its place."""

_WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"})
_IMAGE_RANK = 4


def data_of(operator: Operator) -> Tensor | None:
    """The tensor that `operator` works on, None for one without inputs."""
    place = DATA_AT.get(operator.kind, 0)
    return operator.inputs[place] if place < len(operator.inputs) else None


def option(operator: Operator, name: str) -> Any:
    """The value of an option; what TFLite's schema says where the file leaves it out."""
    return operator.options.get(name, _DEFAULTS.get(name))


_DEFAULTS = {
    "align_corners": False,
    "depth_multiplier": 1,
    "dilation_h_factor": 1,
    "dilation_w_factor": 1,
    "fused_activation_function": "NONE",
    "half_pixel_centers": False,
    "padding": "SAME",
    "stride_h": 1,
    "stride_w": 1,
}


class Check(Document, tag_field="kind"):
    """Base of all checks. Each has a method `holds(operator)` that answers as the module says."""


class Never(Check, tag="never"):
    """No form of the operator is taken."""

    def holds(self, operator: Operator) -> bool | None:  # noqa: ARG002 - as every check
        """Always False."""
        return False


class Unknown(Check, tag="unknown"):
    """Whether it is taken has not been published."""

    def holds(self, operator: Operator) -> bool | None:  # noqa: ARG002 - as every check
        """Always None."""
        return None


class AttributeRange(Check, tag="attribute_range"):
    """Each of the options `attributes` lies between `min` and `max`, both included."""

    attributes: tuple[str, ...]
    min: int
    max: int

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        return all(self.min <= int(option(operator, name) or 0) <= self.max for name in self.attributes)


class AttributeIs(Check, tag="attribute_is"):
    """The option `attribute` is one of `values`."""

    attribute: str
    values: tuple[Scalar, ...]

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        return option(operator, self.attribute) in self.values


class AttributePairs(Check, tag="attribute_pairs"):
    """The two options `attributes` together are one of `pairs`."""

    attributes: tuple[str, str]
    pairs: tuple[tuple[int, int], ...]

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        first, second = (option(operator, name) for name in self.attributes)
        return (first, second) in self.pairs


class Dtypes(Check, tag="dtypes"):
    """Every activation that goes in (`of` = "inputs"), comes out ("outputs"), or both ("all") has one of `allowed`; constants do not count."""

    allowed: tuple[str, ...]
    of: Literal["inputs", "outputs", "all"] = "all"

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        tensors = [*(operator.inputs if self.of != "outputs" else ()), *(operator.outputs if self.of != "inputs" else ())]
        return all(tensor.dtype in self.allowed for tensor in tensors if tensor is not None and tensor.data is None)


class Rank(Check, tag="rank"):
    """No activation has more than `max` axes."""

    max: int

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        return all(len(tensor.shape) <= self.max for tensor in _activations(operator))


class OuterOnes(Check, tag="outer_ones"):
    """Of each activation only the `inner` last axes are longer than 1."""

    inner: int

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        return all(set(tensor.shape[: -self.inner]) <= {1} for tensor in _activations(operator))


class Batch(Check, tag="batch"):
    """The first axis of the data is at most `max`, where it has four axes."""

    max: int

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        data = data_of(operator)
        return data is None or len(data.shape) != _IMAGE_RANK or data.shape[0] <= self.max


class ConstantInputs(Check, tag="constant_inputs"):
    """The inputs at `places` are constants; an absent one is."""

    places: tuple[int, ...]

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        given = (operator.inputs[place] for place in self.places if place < len(operator.inputs))
        return all(tensor is None or tensor.data is not None for tensor in given)


class EqualQuantization(Check, tag="equal_quantization"):
    """Every quantized input has the scale and zero point of the output."""

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        wanted = operator.outputs[0].quantization
        given = (tensor for tensor in operator.inputs if tensor is not None and tensor.quantization is not None)
        return all(tensor.quantization == wanted for tensor in given)


class PerTensor(Check, tag="per_tensor"):
    """No tensor has a scale a channel, weights of convolutions and dense layers apart."""

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        tensors = _activations(operator) if operator.kind in _WEIGHTED else (tensor for tensor in operator.inputs if tensor is not None)
        return all(tensor.quantization is None or len(tensor.quantization.scale) == 1 for tensor in tensors)


class Quantized(Check, tag="quantized"):
    """Every activation of an integer type has a scale."""

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        return all(tensor.quantization is not None for tensor in _activations(operator) if tensor.dtype in ("int8", "uint8", "int16"))


class PoolWindow(Check, tag="pool_window"):
    """The window is at most `max_area` large, `max_height` high and `max_width` wide."""

    max_area: int
    max_height: int
    max_width: int = 65536

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        height, width = (int(option(operator, name) or 0) for name in ("filter_height", "filter_width"))
        return height * width <= self.max_area and height <= self.max_height and width <= self.max_width


class Reduction(Check, tag="reduction"):
    """At most `max_elements` values are reduced to one, along axes of at most `max_axis` positions."""

    max_elements: int
    max_axis: int = 2**31

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        sizes = _reduced(operator)
        return None if sizes is None else math.prod(sizes) <= self.max_elements and max(sizes, default=1) <= self.max_axis


class ReducedAxes(Check, tag="reduced_axes"):
    """Of an NHWC image only the axes `allowed` are reduced."""

    allowed: tuple[int, ...]

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        axes, data = _axes(operator), data_of(operator)
        return None if axes is None or data is None else len(data.shape) == _IMAGE_RANK and set(axes) <= set(self.allowed)


class ResizeScale(Check, tag="resize_scale"):
    """Height and width grow by the same factor (an axis of one row or column may stay), and the factor is one of `factors`.

    factors: empty allows every power of two up to `max`. With align_corners the factor is (out - 1) / (in - 1), otherwise out / in.
    An image of one pixel, or one that keeps its size, is always taken.
    """

    factors: tuple[int, ...] = ()
    max: int = 1024
    same: bool = True

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        data = data_of(operator)
        if data is None or {len(data.shape), len(operator.outputs[0].shape)} != {_IMAGE_RANK} or 0 in data.shape:
            return None
        before, after = data.shape[1:3], operator.outputs[0].shape[1:3]
        if before in ((1, 1), after):
            return True
        scales = [_scale(*axis, bool(option(operator, "align_corners"))) for axis in zip(before, after, strict=True)]
        if self.same and scales[0] != scales[1]:
            scales = [scale for scale, size in zip(scales, after, strict=True) if size != 1]
            if len(scales) != 1:
                return False
        return all(scale in self.factors if self.factors else self._power_of_two(scale) for scale in scales)

    def _power_of_two(self, scale: float) -> bool:
        return 1 <= scale <= self.max and math.log2(scale).is_integer()


class SplitOutputs(Check, tag="split_outputs"):
    """At most `max` outputs."""

    max: int

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        return len(operator.outputs) <= self.max


class TransposeExtent(Check, tag="transpose_extent"):
    """The axes that a permutation moves fit: without those of size 1, an image of three axes at most, or all but two of them together ≤ `max`."""

    max: int

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        data = data_of(operator)
        if data is None:
            return None
        if len(data.shape) <= _IMAGE_RANK - 1 or set(data.shape[:-3]) <= {1}:
            return max(data.shape[-3:], default=1) <= self.max
        pairs = ((one, other) for one in range(len(data.shape)) for other in range(one))
        total = math.prod(data.shape)
        return all(total // (data.shape[one] * data.shape[other]) <= self.max for one, other in pairs)


class TransposedShape(Check, tag="transposed_shape"):
    """A transposed convolution's output is input · stride (SAME) or input · stride + kernel - stride (VALID)."""

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        data, weights, result = data_of(operator), operator.inputs[1], operator.outputs[0]
        if data is None or weights is None or {len(tensor.shape) for tensor in (data, weights, result)} != {_IMAGE_RANK}:
            return None
        grown = [int(option(operator, name)) * size for name, size in zip(("stride_h", "stride_w"), data.shape[1:3], strict=True)]
        if option(operator, "padding") == "VALID":
            strides = (int(option(operator, "stride_h")), int(option(operator, "stride_w")))
            grown = [size + kernel - stride for size, kernel, stride in zip(grown, weights.shape[1:3], strides, strict=True)]
        return tuple(grown) == result.shape[1:3]


class StepsForward(Check, tag="steps_forward"):
    """A strided slice takes steps of at least 1 and at most `max`."""

    max: int

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        steps = operator.inputs[3] if len(operator.inputs) > 3 else None  # noqa: PLR2004  data, begin, end, strides
        if steps is None or steps.data is None:
            return None
        return bool(((np.asarray(steps.data) >= 1) & (np.asarray(steps.data) <= self.max)).all())


class Extent(Check, tag="extent"):
    """No activation holds more than `max` values."""

    max: int

    def holds(self, operator: Operator) -> bool | None:
        """See the class."""
        return all(math.prod(tensor.shape) <= self.max for tensor in _activations(operator))


AnyCheck = (
    Never
    | Unknown
    | AttributeRange
    | AttributeIs
    | AttributePairs
    | Dtypes
    | Rank
    | OuterOnes
    | Batch
    | ConstantInputs
    | EqualQuantization
    | PerTensor
    | Quantized
    | PoolWindow
    | Reduction
    | ReducedAxes
    | ResizeScale
    | SplitOutputs
    | TransposeExtent
    | TransposedShape
    | StepsForward
    | Extent
)
"""Every kind of check that a rule can name."""


def _activations(operator: Operator) -> Iterator[Tensor]:
    return (tensor for tensor in (*operator.inputs, *operator.outputs) if tensor is not None and tensor.data is None)


def _axes(operator: Operator) -> list[int] | None:
    """The reduced axes, counted from the front; None if they are computed."""
    data, axes = data_of(operator), operator.inputs[1] if len(operator.inputs) > 1 else None
    if data is None or axes is None or axes.data is None:
        return None
    return [int(axis) % max(len(data.shape), 1) for axis in np.asarray(axes.data).reshape(-1)]


def _reduced(operator: Operator) -> list[int] | None:
    data, axes = data_of(operator), _axes(operator)
    return None if data is None or axes is None else [data.shape[axis] for axis in axes]


def _scale(before: int, after: int, align_corners: bool) -> float:
    if align_corners:
        return (after - 1) / (before - 1) if before > 1 else float("inf")
    return after / before
