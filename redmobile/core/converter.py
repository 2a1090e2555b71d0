"""A converter: one TOML in converters/ that says how a network is lowered, quantized and judged."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from redmobile.core.documents import Document, load_toml
from redmobile.shelf import find

Observer = Literal["min_max", "percentile_99_99", "percentile_99_9", "percentile_99", "mse", "entropy"]
Stage = Literal["torch", "onnx", "float"]


class LoweringChoices(Document):
    """Where the target offers more than one way, which one is taken.

    pixel_shuffle: `row_planes` (convolutions a row, reshape, concatenate: no op that an NPU lacks), `depth_to_space`, `transpose` (of rank 4)
        or `transposed_conv` (of stride 2, with constant weights; many multiply-accumulates).
    space_to_depth: `row_planes` (reshape, split), `space_to_depth`, `transpose` (of rank 4) or `strided_conv` (of stride 2).
    patch_convolution: a convolution of b×b patches, or of row planes joined for it, `as_written`, with one `row_stride` of b over rows of patches,
        or with `row_stride_2` (strides of 2, the first ones only moving values; for targets without larger ones).
    global_pool: `mean` (MEAN), `average_pool` (AVERAGE_POOL_2D in stages of at most 256 rows) or `depthwise` (convolutions with constant weights,
        in stages of at most 64 positions).
    resize: `single`, or `chain` (asymmetric resizes by 2, 4 and 8 one after the other, half-pixel centres as means of neighbours: the same
        function, from operators that small NPUs have).
    hard_swish: `relu6_mul` (ADD with fused RELU6, MUL: stays inside XNNPACK) or `hard_swish`.
    row_arithmetic: sums and products of row planes `as_written`, `in_rows` (in the shape in which they are joined: a compiler can then write
        them where they belong, without a copy) or `in_planes` (planes are cut out and joined as they are, without views); the same values.
    average_pool: `depthwise` (a depthwise convolution: stays inside XNNPACK in INT8, a third of the time) or `average_pool`.
    concatenation: of `any` number, or `at_most_five` (more are joined in turns: XNNPACK leaves a concatenation of six).
    resize_nearest: `tile` (concatenate and reshape, for whole factors: stays inside XNNPACK, as fast or faster) or
        `resize_nearest_neighbor`.
    """

    pixel_shuffle: Literal["row_planes", "depth_to_space", "transpose", "transposed_conv"] = "row_planes"
    space_to_depth: Literal["row_planes", "space_to_depth", "transpose", "strided_conv"] = "row_planes"
    patch_convolution: Literal["as_written", "row_stride", "row_stride_2"] = "as_written"
    global_pool: Literal["mean", "average_pool", "depthwise"] = "mean"
    resize: Literal["single", "chain"] = "single"
    row_arithmetic: Literal["as_written", "in_rows", "in_planes"] = "as_written"
    hard_swish: Literal["relu6_mul", "hard_swish"] = "relu6_mul"
    concatenation: Literal["any", "at_most_five"] = "any"
    average_pool: Literal["depthwise", "average_pool"] = "depthwise"
    resize_nearest: Literal["tile", "resize_nearest_neighbor"] = "tile"


class ActivationQuantization(Document):
    """How activations are quantized: bits 8 (asymmetric) or 16 (symmetric), one scale a tensor.

    observer: what turns the values seen in calibration into a range, where no search chooses another.
    search: how many trials may look for the observer of each tensor that brings the network's output closest to the float graph's;
        0: none. Trials are counted, not timed, so the same inputs give the same file on a slow machine too.
    judged: how many of the calibration frames at most judge a trial. Few make the search quick, and more trials than they can bear make it
        choose by their accidents.
    """

    bits: Literal[8, 16] = 8
    symmetric: bool = False
    granularity: Literal["tensor"] = "tensor"
    observer: Observer = "percentile_99_9"
    search: Annotated[int, msgspec.Meta(ge=0)] = 48
    judged: Annotated[int, msgspec.Meta(ge=1)] = 4


class WeightQuantization(Document):
    """How weights are quantized: 8 bits, symmetric in [-127, 127], one scale an output channel or one a tensor."""

    bits: Literal[8] = 8
    symmetric: Literal[True] = True
    granularity: Literal["channel", "tensor"] = "channel"
    observer: Literal["min_max"] = "min_max"


class Quantize(Document):
    """The [quantize] table. io: dtype of the file's inputs and outputs.

    equalize: bring the channels of each tensor to similar ranges first, the function of the network unchanged.
    wide, keep_float: layers, named by their outputs, that work in 16 bits, and that stay float32; both leave XNNPACK's INT8 graph and cost time.
    bias_correction: shift biases so that the mean of each layer's output is that of the float graph.
    """

    activations: ActivationQuantization = ActivationQuantization()
    weights: WeightQuantization = WeightQuantization()
    equalize: bool = True
    bias_correction: bool = True
    wide: tuple[str, ...] = ()
    keep_float: tuple[str, ...] = ()
    io: Literal["int8", "uint8", "int16", "float32"] = "int8"


class Gate(Document):
    """One condition of `redmobile parity`: `metric` of the converted file against the stage `against` must pass `threshold`."""

    metric: str
    against: Stage
    threshold: float


class Converter(Document):
    """A converter file. says: one sentence for lists; weights: how weights are stored when activations are not quantized.

    weights `int8`: dynamic range, 8-bit weights under float32 activations.
    """

    says: str
    lowering: LoweringChoices = LoweringChoices()
    weights: Literal["float32", "float16", "int8"] = "float32"
    quantize: Quantize | None = None
    gate: tuple[Gate, ...] = ()


def load_converter(name: str) -> Converter:
    """The converter called `name` on the shelf, or the one at the path `name`. Raises InputError, DocumentError."""
    return load_toml(find("converters", name), Converter)
