"""One-operator models to ask compilers with: a 1×1 convolution, then the operator."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

Dtype = Literal["int8", "float32"]

_SHAPE = (1, 16, 24, 16)
_WIDE = Quantization.per_tensor(0.05, 0)
_INPUT = Quantization.per_tensor(1 / 255, -128)
_SAME: dict[str, Any] = {"padding": "SAME", "stride_w": 1, "stride_h": 1, "fused_activation_function": "NONE"}
_FUSED_NONE = {"fused_activation_function": "NONE"}
_FIXED = {
    "L2_NORMALIZATION": Quantization.per_tensor(1 / 128, 0),
    "LOGISTIC": Quantization.per_tensor(1 / 256, -128),
    "LOG_SOFTMAX": Quantization.per_tensor(16 / 256, 127),
    "SOFTMAX": Quantization.per_tensor(1 / 256, -128),
    "TANH": Quantization.per_tensor(1 / 128, 0),
}
"""Kinds whose output the 8-bit specification fixes."""


@dataclasses.dataclass(frozen=True)
class ProbeCase:
    """name: of what is tried; op: the operator's kind; build: adds it to a `ProbeBuild`; dtypes: in which it is tried; shape: of its data."""

    name: str
    op: str
    build: Callable[[ProbeBuild], None]
    dtypes: tuple[Dtype, ...] = ("int8", "float32")
    shape: tuple[int, ...] = _SHAPE


class ProbeBuild:
    """The model of one case while it is built. label: prefix of all names, so that several models can be joined."""

    def __init__(self, case: ProbeCase, dtype: Dtype, label: str = "case") -> None:
        self.case = case
        self.dtype = dtype
        self.label = label
        self.operators: list[Operator] = []
        self.image = self._tensor("image", case.shape, _INPUT)
        self.data = self._convolution(self.image)
        self.tried: Operator | None = None
        case.build(self)

    def try_op(
        self,
        shape: Sequence[int],
        others: Sequence[Tensor] = (),
        *,
        options: dict[str, Any] | None = None,
        outputs: int = 1,
        first: Sequence[Tensor] = (),
        quantization: Quantization | None = None,
        dtype: str | None = None,
    ) -> None:
        """Add the operator that the case is about. shape: of each output; first, others: inputs before and after the data."""
        quantization = quantization or _FIXED.get(self.case.op, _WIDE)
        results = [self._tensor(f"result{index}", tuple(shape), quantization, dtype) for index in range(outputs)]
        self.tried = Operator(self.case.op, [*first, self.data, *others], results, options or {})
        self.operators.append(self.tried)

    def constant(self, values: Any, quantization: Quantization | None = _WIDE, *, axis: int | None = None) -> Tensor:
        """Real values as a constant of the case's dtype; axis: of one scale a channel."""
        real = np.asarray(values, np.float32)
        name = f"{self.label}/constant{len(self.operators)}_{real.size}"
        if self.dtype == "float32":
            return Tensor(name, real.shape, "float32", real)
        if axis is not None:
            quantization = Quantization.per_channel(np.full(real.shape[axis], 1 / 127, np.float32), axis)
        assert quantization is not None  # noqa: S101  int8 constants have a scale
        return Tensor(name, real.shape, "int8", quantization.quantize(real, "int8"), quantization)

    def bias(self, channels: int) -> Tensor:
        """Zeros."""
        if self.dtype == "float32":
            return Tensor(f"{self.label}/bias", (channels,), "float32", np.zeros(channels, np.float32))
        scales = np.full(channels, 0.05 / 127, np.float32)
        return Tensor.constant(f"{self.label}/bias", np.zeros(channels, np.int32), Quantization.per_channel(scales, 0))

    def ints(self, *values: int) -> Tensor:
        """Axes, sizes and the like."""
        return Tensor.constant(f"{self.label}/ints{len(values)}", np.array(values, np.int32))

    def model(self) -> TfliteModel:
        """What was built."""
        assert self.tried is not None  # noqa: S101  every case adds its operator
        return TfliteModel(self.operators, [self.image], list(self.tried.outputs))

    def _tensor(self, name: str, shape: tuple[int, ...], quantization: Quantization, dtype: str | None = None) -> Tensor:
        chosen = dtype or self.dtype
        return Tensor(f"{self.label}/{name}", shape, chosen, quantization=quantization if chosen in ("int8", "uint8") else None)

    def _convolution(self, source: Tensor) -> Tensor:
        channels = source.shape[-1]
        if len(source.shape) != 4:  # noqa: PLR2004  no image
            return source
        weights = self.constant(np.eye(channels).reshape(channels, 1, 1, channels), axis=0)
        result = self._tensor("data", source.shape, _WIDE)
        self.operators.append(Operator("CONV_2D", [source, weights, self.bias(channels)], [result], dict(_SAME)))
        return result


def _unary(build: ProbeBuild) -> None:
    build.try_op(build.data.shape)


def _binary(build: ProbeBuild) -> None:
    build.try_op(build.data.shape, [build.data], options=_FUSED_NONE if build.case.op in ("ADD", "DIV", "MUL", "SUB") else {})


def _with_channels(build: ProbeBuild) -> None:
    build.try_op(build.data.shape, [build.constant(np.ones((1, 1, 1, 16)))], options=_FUSED_NONE if build.case.op in ("ADD", "MUL", "SUB") else {})


def _conv(kernel: int = 3, stride: int = 1, dilation: int = 1, groups: int = 1, padding: str = "SAME") -> Callable[[ProbeBuild], None]:
    def build(made: ProbeBuild) -> None:
        batch, height, width, channels = made.data.shape
        weights = made.constant(np.ones((channels, kernel, kernel, channels // groups)) / 9, axis=0)
        options = _window(stride, dilation, padding)
        made.try_op((batch, *_windows((height, width), kernel, stride, padding), channels), [weights, made.bias(channels)], options=options)

    return build


def _depthwise(kernel: int = 3, stride: int = 1, padding: str = "SAME") -> Callable[[ProbeBuild], None]:
    def build(made: ProbeBuild) -> None:
        batch, height, width, channels = made.data.shape
        weights = made.constant(np.ones((1, kernel, kernel, channels)) / 9, axis=3)
        options = {**_window(stride, 1, padding), "depth_multiplier": 1}
        made.try_op((batch, *_windows((height, width), kernel, stride, padding), channels), [weights, made.bias(channels)], options=options)

    return build


def _transposed(kernel: int, stride: int, padding: str = "SAME") -> Callable[[ProbeBuild], None]:
    def build(made: ProbeBuild) -> None:
        batch, height, width, channels = made.data.shape
        grow = 0 if padding == "SAME" else kernel - stride
        shape = (batch, height * stride + grow, width * stride + grow, channels)
        weights = made.constant(np.ones((channels, kernel, kernel, channels)) / 9, axis=0)
        options = {"padding": padding, "stride_w": stride, "stride_h": stride, "fused_activation_function": "NONE"}
        made.try_op(shape, [made.bias(channels)], first=[made.ints(*shape), weights], options=options)

    return build


def _pool(height: int, width: int, stride: int = 1, padding: str = "VALID") -> Callable[[ProbeBuild], None]:
    def build(made: ProbeBuild) -> None:
        batch, rows, columns, channels = made.data.shape
        options = {**_window(stride, 1, padding), "filter_height": height, "filter_width": width}
        del options["dilation_h_factor"], options["dilation_w_factor"]
        out = (_windows((rows, 1), height, stride, padding)[0], _windows((columns, 1), width, stride, padding)[0])
        made.try_op((batch, *out, channels), options=options)

    return build


def _resize(height: int, width: int, mode: str = "") -> Callable[[ProbeBuild], None]:
    def build(made: ProbeBuild) -> None:
        batch, _, _, channels = made.data.shape
        options = {"align_corners": mode == "align_corners", "half_pixel_centers": mode == "half_pixel"}
        made.try_op((batch, height, width, channels), [made.ints(height, width)], options=options)

    return build


def _reduce(*axes: int) -> Callable[[ProbeBuild], None]:
    def build(made: ProbeBuild) -> None:
        shape = [1 if axis in axes else size for axis, size in enumerate(made.data.shape)]
        made.try_op(shape, [made.ints(*axes)], options={"keep_dims": True})

    return build


def _transpose(*perm: int) -> Callable[[ProbeBuild], None]:
    return lambda made: made.try_op([made.data.shape[axis] for axis in perm], [made.ints(*perm)], quantization=made.data.quantization)


def _reshape(*shape: int) -> Callable[[ProbeBuild], None]:
    return lambda made: made.try_op(shape, [made.ints(*shape)], options={"new_shape": list(shape)})


def _split(axis: int, count: int) -> Callable[[ProbeBuild], None]:
    def build(made: ProbeBuild) -> None:
        shape = list(made.data.shape)
        shape[axis] //= count
        place = Tensor(f"{made.label}/axis", (), "int32", np.array(axis, np.int32))
        made.try_op(shape, first=[place], outputs=count, options={"num_splits": count})

    return build


def _slice(step: int) -> Callable[[ProbeBuild], None]:
    def build(made: ProbeBuild) -> None:
        batch, height, width, channels = made.data.shape
        shape = (batch, -(-height // step), -(-width // step), channels)
        made.try_op(shape, [made.ints(0, 0, 0, 0), made.ints(batch, height, width, channels), made.ints(1, step, step, 1)])

    return build


def _pad(build: ProbeBuild) -> None:
    amounts = Tensor.constant(f"{build.label}/amounts", np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
    value = [build.constant(0.0)] if build.case.op == "PADV2" else []
    build.try_op((1, 18, 26, 16), [amounts, *value], options={"mode": "REFLECT"} if build.case.op == "MIRROR_PAD" else {})


def _requantized(target: str) -> Callable[[ProbeBuild], None]:
    return lambda made: made.try_op(made.data.shape, dtype=target, quantization=Quantization.per_tensor(0.04, 3))


def _dense(build: ProbeBuild) -> None:
    build.try_op((1, 32), [build.constant(np.ones((32, 64)) / 9, axis=0), build.bias(32)], options=_FUSED_NONE)


def _window(stride: int, dilation: int, padding: str) -> dict[str, Any]:
    return {
        "padding": padding,
        "stride_w": stride,
        "stride_h": stride,
        "dilation_w_factor": dilation,
        "dilation_h_factor": dilation,
        "fused_activation_function": "NONE",
    }


def _windows(sizes: tuple[int, int], kernel: int, stride: int, padding: str) -> tuple[int, int]:
    first, second = (-(-size // stride) if padding == "SAME" else (size - kernel) // stride + 1 for size in sizes)
    return first, second


_FLOAT: tuple[Dtype, ...] = ("float32",)
_INTEGER: tuple[Dtype, ...] = ("int8",)

CASES = (
    ProbeCase("ABS", "ABS", _unary),
    ProbeCase("ADD", "ADD", _binary),
    ProbeCase("ADD of one value a channel", "ADD", _with_channels),
    ProbeCase("AVERAGE_POOL_2D 2×2 VALID", "AVERAGE_POOL_2D", _pool(2, 2, 2)),
    ProbeCase("AVERAGE_POOL_2D 3×3 SAME", "AVERAGE_POOL_2D", _pool(3, 3, 1, "SAME")),
    ProbeCase("AVERAGE_POOL_2D 9×9 SAME", "AVERAGE_POOL_2D", _pool(9, 9, 1, "SAME")),
    ProbeCase("AVERAGE_POOL_2D of the whole image", "AVERAGE_POOL_2D", _pool(16, 24)),
    ProbeCase("AVERAGE_POOL_2D 257 rows VALID", "AVERAGE_POOL_2D", _pool(257, 1), shape=(1, 257, 4, 8)),
    ProbeCase("CONCATENATION of channels", "CONCATENATION", lambda made: made.try_op((1, 16, 24, 32), [made.data], options={"axis": 3})),
    ProbeCase("CONCATENATION of rows", "CONCATENATION", lambda made: made.try_op((1, 32, 24, 16), [made.data], options={"axis": 1})),
    ProbeCase("CONV_2D 3×3", "CONV_2D", _conv()),
    ProbeCase("CONV_2D 3×3 stride 2", "CONV_2D", _conv(stride=2)),
    ProbeCase("CONV_2D 3×3 dilation 2", "CONV_2D", _conv(dilation=2)),
    ProbeCase("CONV_2D 3×3 in 4 groups", "CONV_2D", _conv(groups=4)),
    ProbeCase("CONV_2D 4×4 stride 4 VALID", "CONV_2D", _conv(4, 4, padding="VALID")),
    ProbeCase("CONV_2D 5×5 stride 4 SAME", "CONV_2D", _conv(5, 4)),
    ProbeCase("DEPTHWISE_CONV_2D 3×3", "DEPTHWISE_CONV_2D", _depthwise()),
    ProbeCase("DEPTHWISE_CONV_2D 3×3 stride 2", "DEPTHWISE_CONV_2D", _depthwise(stride=2)),
    ProbeCase("DEPTHWISE_CONV_2D 5×5 stride 4", "DEPTHWISE_CONV_2D", _depthwise(5, 4)),
    ProbeCase("DEPTH_TO_SPACE by 2", "DEPTH_TO_SPACE", lambda made: made.try_op((1, 32, 48, 4), options={"block_size": 2})),
    ProbeCase("DEQUANTIZE int8", "DEQUANTIZE", _requantized("float32"), _INTEGER),
    ProbeCase("DIV", "DIV", _binary, _FLOAT),
    ProbeCase("ELU", "ELU", _unary),
    ProbeCase("EXP", "EXP", _unary),
    ProbeCase("EXPAND_DIMS", "EXPAND_DIMS", lambda made: made.try_op((1, 1, 16, 24, 16), [made.ints(0)])),
    ProbeCase("FULLY_CONNECTED", "FULLY_CONNECTED", _dense, shape=(1, 64)),
    ProbeCase("GATHER along channels", "GATHER", lambda made: made.try_op((1, 16, 24, 2), [made.ints(3, 1)], options={"axis": 3})),
    ProbeCase("GELU", "GELU", _unary),
    ProbeCase("HARD_SWISH", "HARD_SWISH", _unary),
    ProbeCase("L2_NORMALIZATION", "L2_NORMALIZATION", _unary),
    ProbeCase("LEAKY_RELU", "LEAKY_RELU", lambda made: made.try_op(made.data.shape, options={"alpha": 0.1})),
    ProbeCase("LOGISTIC", "LOGISTIC", _unary),
    ProbeCase("LOG_SOFTMAX", "LOG_SOFTMAX", _unary),
    ProbeCase("MAXIMUM", "MAXIMUM", _binary),
    ProbeCase("MAX_POOL_2D 2×2", "MAX_POOL_2D", _pool(2, 2, 2)),
    ProbeCase("MAX_POOL_2D 3×3 SAME", "MAX_POOL_2D", _pool(3, 3, 1, "SAME")),
    ProbeCase("MEAN over height and width", "MEAN", _reduce(1, 2)),
    ProbeCase("MEAN over channels", "MEAN", _reduce(3)),
    ProbeCase("MINIMUM", "MINIMUM", _binary),
    ProbeCase("MIRROR_PAD", "MIRROR_PAD", _pad),
    ProbeCase("MUL", "MUL", _binary),
    ProbeCase("MUL by one value a channel", "MUL", _with_channels),
    ProbeCase("NEG", "NEG", _unary, _FLOAT),
    ProbeCase("PACK", "PACK", lambda made: made.try_op((2, 1, 16, 24, 16), [made.data], options={"axis": 0, "values_count": 2})),
    ProbeCase("PAD", "PAD", _pad),
    ProbeCase("PADV2", "PADV2", _pad),
    ProbeCase("PRELU", "PRELU", lambda made: made.try_op(made.data.shape, [made.constant(np.full((1, 1, 16), 0.1))])),
    ProbeCase("QUANTIZE int8 to int8", "QUANTIZE", _requantized("int8"), _INTEGER),
    ProbeCase("QUANTIZE int8 to uint8", "QUANTIZE", _requantized("uint8"), _INTEGER),
    ProbeCase("QUANTIZE float32 to int8", "QUANTIZE", _requantized("int8"), _FLOAT),
    ProbeCase("REDUCE_MAX over height and width", "REDUCE_MAX", _reduce(1, 2)),
    ProbeCase("REDUCE_MIN over height and width", "REDUCE_MIN", _reduce(1, 2)),
    ProbeCase("RELU", "RELU", _unary),
    ProbeCase("RELU6", "RELU6", _unary),
    ProbeCase("RELU_0_TO_1", "RELU_0_TO_1", _unary),
    ProbeCase("RELU_N1_TO_1", "RELU_N1_TO_1", _unary),
    ProbeCase("RESHAPE", "RESHAPE", _reshape(1, 16, 1, 384)),
    ProbeCase("RESIZE_BILINEAR half-pixel 2×", "RESIZE_BILINEAR", _resize(32, 48, "half_pixel")),
    ProbeCase("RESIZE_BILINEAR half-pixel 4×", "RESIZE_BILINEAR", _resize(64, 96, "half_pixel")),
    ProbeCase("RESIZE_BILINEAR half-pixel 3×", "RESIZE_BILINEAR", _resize(48, 72, "half_pixel")),
    ProbeCase("RESIZE_BILINEAR half-pixel 1.5×", "RESIZE_BILINEAR", _resize(24, 36, "half_pixel")),
    ProbeCase("RESIZE_BILINEAR half-pixel to the half", "RESIZE_BILINEAR", _resize(8, 12, "half_pixel")),
    ProbeCase("RESIZE_BILINEAR half-pixel 2× in height alone", "RESIZE_BILINEAR", _resize(32, 24, "half_pixel")),
    ProbeCase("RESIZE_BILINEAR asymmetric 2×", "RESIZE_BILINEAR", _resize(32, 48)),
    ProbeCase("RESIZE_BILINEAR asymmetric 8×", "RESIZE_BILINEAR", _resize(128, 192)),
    ProbeCase("RESIZE_BILINEAR asymmetric 16×", "RESIZE_BILINEAR", _resize(256, 384)),
    ProbeCase("RESIZE_BILINEAR align-corners, spacing 1/2", "RESIZE_BILINEAR", _resize(31, 47, "align_corners")),
    ProbeCase("RESIZE_BILINEAR align-corners, twice the size", "RESIZE_BILINEAR", _resize(32, 48, "align_corners")),
    ProbeCase("RESIZE_NEAREST_NEIGHBOR asymmetric 2×", "RESIZE_NEAREST_NEIGHBOR", _resize(32, 48)),
    ProbeCase("RESIZE_NEAREST_NEIGHBOR half-pixel 2×", "RESIZE_NEAREST_NEIGHBOR", _resize(32, 48, "half_pixel")),
    ProbeCase("RESIZE_NEAREST_NEIGHBOR asymmetric 3×", "RESIZE_NEAREST_NEIGHBOR", _resize(48, 72)),
    ProbeCase("REVERSE_V2 of the width", "REVERSE_V2", lambda made: made.try_op(made.data.shape, [made.ints(2)])),
    ProbeCase("SLICE", "SLICE", lambda made: made.try_op((1, 8, 24, 16), [made.ints(0, 4, 0, 0), made.ints(1, 8, 24, 16)])),
    ProbeCase("SOFTMAX", "SOFTMAX", lambda made: made.try_op(made.data.shape, options={"beta": 1.0})),
    ProbeCase("SPACE_TO_DEPTH by 2", "SPACE_TO_DEPTH", lambda made: made.try_op((1, 8, 12, 64), options={"block_size": 2})),
    ProbeCase("SPLIT of channels in 4", "SPLIT", _split(3, 4)),
    ProbeCase("SPLIT of channels in 8", "SPLIT", _split(3, 8)),
    ProbeCase("SPLIT of rows in 4", "SPLIT", _split(1, 4)),
    ProbeCase("SQRT", "SQRT", _unary, _FLOAT),
    ProbeCase("SQUARE", "SQUARE", _unary, _FLOAT),
    ProbeCase("SQUARED_DIFFERENCE", "SQUARED_DIFFERENCE", _binary),
    ProbeCase("SQUEEZE", "SQUEEZE", lambda made: made.try_op((16, 24, 16), options={"squeeze_dims": [0]})),
    ProbeCase("STRIDED_SLICE step 1", "STRIDED_SLICE", _slice(1)),
    ProbeCase("STRIDED_SLICE step 2", "STRIDED_SLICE", _slice(2)),
    ProbeCase("SUB", "SUB", _binary),
    ProbeCase("SUM over height and width", "SUM", _reduce(1, 2)),
    ProbeCase("TANH", "TANH", _unary),
    ProbeCase("TILE", "TILE", lambda made: made.try_op((1, 32, 24, 16), [made.ints(1, 2, 1, 1)])),
    ProbeCase("TRANSPOSE height and width", "TRANSPOSE", _transpose(0, 2, 1, 3)),
    ProbeCase("TRANSPOSE to channels first", "TRANSPOSE", _transpose(0, 3, 1, 2)),
    ProbeCase("TRANSPOSE of rank 6", "TRANSPOSE", _transpose(0, 1, 3, 2, 4, 5), shape=(1, 4, 4, 6, 4, 3)),
    ProbeCase("TRANSPOSE_CONV stride 1", "TRANSPOSE_CONV", _transposed(3, 1)),
    ProbeCase("TRANSPOSE_CONV stride 2", "TRANSPOSE_CONV", _transposed(2, 2)),
    ProbeCase("TRANSPOSE_CONV stride 2 VALID", "TRANSPOSE_CONV", _transposed(4, 2, "VALID")),
    ProbeCase("TRANSPOSE_CONV stride 3", "TRANSPOSE_CONV", _transposed(3, 3)),
    ProbeCase("UNPACK of rows", "UNPACK", lambda made: made.try_op((1, 24, 16), outputs=16, options={"num": 16, "axis": 1})),
)
"""Everything that is tried, by kind."""
