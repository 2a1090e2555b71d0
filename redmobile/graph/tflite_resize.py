"""The same network for pictures of another size, where it has no memory of the first: every shape computed anew.

Weights and quantization stay what they are. What a network takes the mean of is another picture's mean, so that its answer is that of a
conversion at this size with the same ranges.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from redmobile.errors import UnsupportedModelError
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

Shape = tuple[int, ...]

_RANK = 4
_UNARY = frozenset(
    {"DEQUANTIZE", "ELU", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "PRELU", "QUANTIZE", "RELU", "RELU6", "RELU_N1_TO_1", "TANH"}
)
_BINARY = frozenset({"ADD", "DIV", "MAXIMUM", "MINIMUM", "MUL", "SUB"})


def resize_pictures(model: TfliteModel, height: int, width: int) -> None:
    """Let `model`, which has one NHWC input, take pictures of `height` × `width` pixels; it is changed in place.

    Raises UnsupportedModelError: an operator whose shapes are not known here, or a size that the network's halvings do not divide.
    """
    (picture,) = model.inputs
    if len(picture.shape) != _RANK:
        raise UnsupportedModelError(f"'{picture.name}' has the shape {picture.shape}; a picture, 1×H×W×C, was expected.")
    before = {id(tensor): tensor.shape for tensor in model.tensors()}
    picture.shape = (picture.shape[0], height, width, picture.shape[3])
    for operator in model.operators:
        shapes = _shapes_of(operator, before)
        for tensor, shape in zip(operator.outputs, shapes, strict=True):
            tensor.shape = shape


def _shapes_of(operator: Operator, before: dict[int, Shape]) -> list[Shape]:
    kind = operator.kind
    if kind in _UNARY:
        return [_input(operator).shape]
    if kind in _BINARY:
        return [_broadcast(operator)]
    rule = _RULES.get(kind)
    if rule is None:
        raise UnsupportedModelError(f"'{operator.outputs[0].name}': a network with the operator {kind} cannot be given another size here.")
    return rule(operator, before)


def _input(operator: Operator, index: int = 0) -> Tensor:
    tensor = operator.inputs[index]
    if tensor is None:
        raise UnsupportedModelError(f"{operator.kind}: input {index} is missing.")
    return tensor


def _broadcast(operator: Operator) -> Shape:
    for index in range(2):
        _fit_constant(operator, index, _input(operator, 1 - index).shape)
    shapes = [_input(operator, index).shape for index in range(2)]
    try:
        return tuple(int(side) for side in np.broadcast_shapes(*shapes))
    except ValueError as error:
        raise _odd(operator, f"{shapes[0]} and {shapes[1]} do not fit") from error


def _fit_constant(operator: Operator, index: int, other: Shape) -> None:
    """A constant that is the same along a side of the picture becomes as long as that side now is."""
    tensor = _input(operator, index)
    data = tensor.data
    if data is None or data.ndim != len(other):
        return
    for axis, side in enumerate(other):
        if data.shape[axis] not in (1, side) and (data == data.take([0], axis)).all():
            data = data.take([0], axis).repeat(side, axis)
    if data is not tensor.data:
        operator.inputs[index] = Tensor.constant(f"{tensor.name}/{operator.outputs[0].name}", data, tensor.quantization)


def _odd(operator: Operator, why: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"'{operator.outputs[0].name}' ({operator.kind}): {why}; take a height and width that the network's halvings divide."
    )


def _window(operator: Operator, before: dict[int, Shape]) -> list[Shape]:
    """A convolution or pooling: SAME keeps ceil(side / stride), VALID what the kernel finds whole."""
    batch, height, width, _ = _input(operator).shape
    channels = before[id(operator.outputs[0])][3]
    options = operator.options
    kernel = _input(operator, 1).shape[1:3] if "filter_height" not in options else (options["filter_height"], options["filter_width"])
    sides = []
    for side, size, axis in ((height, kernel[0], "h"), (width, kernel[1], "w")):
        reach = (size - 1) * options.get(f"dilation_{axis}_factor", 1) + 1
        stride = options[f"stride_{axis}"]
        sides.append(-(-side // stride) if options["padding"] == "SAME" else (side - reach) // stride + 1)
    return [(batch, *sides, channels)]


def _mean(operator: Operator, _before: dict[int, Shape]) -> list[Shape]:
    shape = _input(operator).shape
    axes = {int(axis) % len(shape) for axis in np.ravel(_constant(operator, 1))}
    if operator.options.get("keep_dims"):
        return [tuple(1 if axis in axes else side for axis, side in enumerate(shape))]
    return [tuple(side for axis, side in enumerate(shape) if axis not in axes)]


def _concatenation(operator: Operator, _before: dict[int, Shape]) -> list[Shape]:
    shapes = [_input(operator, index).shape for index in range(len(operator.inputs))]
    axis = operator.options["axis"] % len(shapes[0])
    if len({(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}) > 1:
        raise _odd(operator, f"{' and '.join(map(str, shapes))} do not fit")
    return [(*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])]


def _split(operator: Operator, _before: dict[int, Shape]) -> list[Shape]:
    shape, parts = _input(operator, 1).shape, len(operator.outputs)
    axis = int(_constant(operator, 0)) % len(shape)
    if shape[axis] % parts:
        raise _odd(operator, f"{shape[axis]} is not {parts} equal parts")
    return [(*shape[:axis], shape[axis] // parts, *shape[axis + 1 :])] * parts


def _resize(operator: Operator, before: dict[int, Shape]) -> list[Shape]:
    """As many times as large as it was, rows and columns each."""
    found, old, made = _input(operator).shape, before[id(operator.inputs[0])], before[id(operator.outputs[0])]
    sides = [_times(operator, made[axis], Fraction(found[axis], old[axis])) for axis in (1, 2)]
    _set_constant(operator, 1, sides)
    return [(found[0], *sides, found[3])]


def _reshape(operator: Operator, before: dict[int, Shape]) -> list[Shape]:
    """Sides are split and joined in the order of memory; of those that a side is split into, the outermost grows with it.

    (1, 1088, 1920, 4) -> (1, 272, 4, 7680): 1088 = 272·4 and 1920·4 = 7680; at half the height, 136·4.
    """
    found, old, made = _input(operator).shape, before[id(operator.inputs[0])], before[id(operator.outputs[0])]
    shape = list(made)
    for of_old, of_made in _groups(old, made):
        ratio = Fraction(math.prod(found[axis] for axis in of_old), math.prod(old[axis] for axis in of_old))
        outermost = next((axis for axis in of_made if made[axis] > 1), None)
        if ratio != 1 and outermost is None:
            raise _odd(operator, f"{old} became {made}")
        if outermost is not None:
            shape[outermost] = _times(operator, made[outermost], ratio)
    operator.options["new_shape"] = shape
    if len(operator.inputs) > 1:
        _set_constant(operator, 1, shape)
    return [tuple(shape)]


def _groups(old: Sequence[int], made: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Axes that belong together: runs of both shapes, as short as can be, with the same product."""
    groups: list[tuple[list[int], list[int]]] = []
    left, right = 0, 0
    while left < len(old) or right < len(made):
        ours: list[int] = []
        theirs: list[int] = []
        while not (ours and theirs) or math.prod(old[axis] for axis in ours) != math.prod(made[axis] for axis in theirs):
            short = math.prod(old[axis] for axis in ours) <= math.prod(made[axis] for axis in theirs)
            if left < len(old) and (not ours or short or right == len(made)):
                ours.append(left)
                left += 1
            elif right < len(made):
                theirs.append(right)
                right += 1
            else:
                break
        groups.append((ours, theirs))
    return groups


def _times(operator: Operator, side: int, ratio: Fraction) -> int:
    new = side * ratio
    if new.denominator != 1:
        raise _odd(operator, f"{side} would become {float(new):.2f}")
    return int(new)


def _constant(operator: Operator, index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    data = _input(operator, index).data
    if data is None:
        raise UnsupportedModelError(f"'{operator.outputs[0].name}' ({operator.kind}): input {index} is computed, a constant was expected.")
    return np.asarray(data, np.int32)


def _set_constant(operator: Operator, index: int, values: Sequence[int]) -> None:
    """A constant of its own: others may share the one before."""
    old = _input(operator, index)
    _constant(operator, index)
    operator.inputs[index] = Tensor.constant(f"{old.name}/{operator.outputs[0].name}", np.array(values, np.int32))


_RULES: dict[str, Callable[[Operator, dict[int, Shape]], list[Shape]]] = {
    "AVERAGE_POOL_2D": _window,
    "CONCATENATION": _concatenation,
    "CONV_2D": _window,
    "DEPTHWISE_CONV_2D": _window,
    "MAX_POOL_2D": _window,
    "MEAN": _mean,
    "RESHAPE": _reshape,
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "SPLIT": _split,
}
