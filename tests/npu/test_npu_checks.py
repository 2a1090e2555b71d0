"""Each kind of check: one operator that keeps to it, one that does not, one of which it cannot be told."""

import numpy as np
import pytest

from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor
from redmobile.npu import checks as c

Q, OTHER = Quantization.per_tensor(0.1, 0), Quantization.per_tensor(0.2, 0)


def act(*shape, dtype="int8", q=Q):
    return Tensor("t", shape, dtype, quantization=q)


def ints(*values):
    return Tensor.constant("i", np.array(values, np.int32))


def op(kind, inputs, *outputs, **options):
    return Operator(kind, inputs, list(outputs) or [act(1, 8, 8, 4)], options)


IMAGE = act(1, 8, 8, 4)
SAME_2 = {"stride_w": 2, "stride_h": 2, "padding": "SAME"}


def resize(height, width, **options):
    return op("RESIZE_BILINEAR", [IMAGE, ints(height, width)], act(1, height, width, 4), **options)


def transposed(height, width, stride=2, kernel=2, padding="SAME"):
    weights = Tensor.constant("w", np.zeros((4, kernel, kernel, 4), np.int8))
    options = {"stride_w": stride, "stride_h": stride, "padding": padding}
    return op("TRANSPOSE_CONV", [ints(1, height, width, 4), weights, IMAGE], act(1, height, width, 4), **options)


CASES = [
    (c.Never(), op("ABS", [IMAGE]), False),
    (c.Unknown(), op("ABS", [IMAGE]), None),
    (c.AttributeRange(attributes=("stride_w", "stride_h"), min=1, max=3), op("CONV_2D", [IMAGE], **SAME_2), True),
    (c.AttributeRange(attributes=("stride_w", "stride_h"), min=1, max=3), op("CONV_2D", [IMAGE], stride_w=2, stride_h=4), False),
    (c.AttributeRange(attributes=("stride_w",), min=1, max=3), op("CONV_2D", [IMAGE]), True),  # the schema's default is 1 for us
    (c.AttributeIs(attribute="fused_activation_function", values=("NONE",)), op("ADD", [IMAGE, IMAGE]), True),
    (c.AttributeIs(attribute="fused_activation_function", values=("NONE",)), op("ADD", [IMAGE], fused_activation_function="RELU"), False),
    (c.AttributePairs(attributes=("stride_h", "stride_w"), pairs=((1, 1), (2, 2))), transposed(16, 16), True),
    (c.AttributePairs(attributes=("stride_h", "stride_w"), pairs=((1, 1), (2, 2))), transposed(24, 24, 3, 3), False),
    (c.Dtypes(allowed=("int8",)), op("ABS", [IMAGE]), True),
    (c.Dtypes(allowed=("int8",)), op("QUANTIZE", [act(1, 4, dtype="float32")]), False),
    (c.Dtypes(allowed=("int8",), of="outputs"), op("QUANTIZE", [act(1, 4, dtype="float32")]), True),
    (c.Dtypes(allowed=("int8",)), op("RESHAPE", [IMAGE, ints(256)]), True),  # constants do not count
    (c.Rank(max=4), op("ABS", [IMAGE]), True),
    (c.Rank(max=4), op("RESHAPE", [IMAGE], act(1, 1, 8, 8, 4)), False),
    (c.OuterOnes(inner=3), op("ABS", [IMAGE]), True),
    (c.OuterOnes(inner=3), op("ABS", [IMAGE], act(2, 8, 8, 4)), False),
    (c.Batch(max=1), op("MEAN", [IMAGE]), True),
    (c.Batch(max=1), op("MEAN", [act(2, 8, 8, 4)]), False),
    (c.ConstantInputs(places=(1, 2)), op("CONV_2D", [IMAGE, ints(1), None]), True),
    (c.ConstantInputs(places=(1,)), op("CONV_2D", [IMAGE, IMAGE]), False),
    (c.EqualQuantization(), op("MINIMUM", [IMAGE, IMAGE]), True),
    (c.EqualQuantization(), op("MINIMUM", [IMAGE, act(1, 8, 8, 4, q=OTHER)]), False),
    (c.PerTensor(), op("ADD", [IMAGE, act(4, q=Quantization.per_channel(np.ones(4), 0))]), False),
    (c.PerTensor(), op("CONV_2D", [IMAGE, Tensor.constant("w", np.zeros((4, 1, 1, 4), np.int8), Quantization.per_channel(np.ones(4), 0))]), True),
    (c.Quantized(), op("ABS", [IMAGE]), True),
    (c.Quantized(), op("ABS", [act(1, 8, 8, 4, q=None)]), False),
    (c.PoolWindow(max_area=64, max_height=8), op("MAX_POOL_2D", [IMAGE], filter_height=8, filter_width=8), True),
    (c.PoolWindow(max_area=64, max_height=8), op("MAX_POOL_2D", [IMAGE], filter_height=9, filter_width=2), False),
    (c.PoolWindow(max_area=64, max_height=8), op("MAX_POOL_2D", [IMAGE], filter_height=8, filter_width=9), False),
    (c.Reduction(max_elements=64), op("MEAN", [IMAGE, ints(1, 2)]), True),
    (c.Reduction(max_elements=63), op("MEAN", [IMAGE, ints(1, 2)]), False),
    (c.Reduction(max_elements=64, max_axis=7), op("MEAN", [IMAGE, ints(-2)]), False),
    (c.Reduction(max_elements=64), op("MEAN", [IMAGE, act(2)]), None),
    (c.ReducedAxes(allowed=(1, 2)), op("MEAN", [IMAGE, ints(1, 2)]), True),
    (c.ReducedAxes(allowed=(1, 2)), op("MEAN", [IMAGE, ints(-1)]), False),
    (c.ReducedAxes(allowed=(1, 2)), op("MEAN", [IMAGE, act(1)]), None),
    (c.ResizeScale(factors=(2,)), resize(16, 16), True),
    (c.ResizeScale(factors=(2,)), resize(16, 32), False),
    (c.ResizeScale(factors=(2,)), resize(8, 8), True),
    (c.ResizeScale(factors=(2,)), resize(15, 15, align_corners=True), True),
    (c.ResizeScale(factors=(2,)), resize(16, 16, align_corners=True), False),
    (c.ResizeScale(same=False), resize(16, 64), True),
    (c.ResizeScale(same=False), resize(16, 24), False),
    (c.ResizeScale(same=False, max=4), resize(64, 64), False),
    (c.ResizeScale(factors=(2,)), op("RESIZE_BILINEAR", [act(1, 1, 8, 4)], act(1, 1, 16, 4)), True),
    (c.ResizeScale(), op("RESIZE_BILINEAR", [act(1, 0, 8, 4)], act(1, 16, 16, 4)), None),
    (c.ResizeScale(), op("RESIZE_BILINEAR", [act(8, 8)], act(16, 16)), None),
    (c.PoolWindow(max_area=64, max_height=8), op("MAX_POOL_2D", [IMAGE]), True),  # a file without options
    (c.TransposedShape(), op("TRANSPOSE_CONV", [ints(1), ints(1), act(8, 8)]), None),
    (c.SplitOutputs(max=2), op("SPLIT", [ints(3), IMAGE], act(1), act(1)), True),
    (c.SplitOutputs(max=2), op("SPLIT", [ints(3), IMAGE], act(1), act(1), act(1)), False),
    (c.TransposeExtent(max=64), op("TRANSPOSE", [IMAGE]), True),
    (c.TransposeExtent(max=7), op("TRANSPOSE", [IMAGE]), False),
    (c.TransposeExtent(max=64), op("TRANSPOSE", [act(8, 8, 4, 4)]), True),
    (c.TransposeExtent(max=63), op("TRANSPOSE", [act(8, 8, 4, 4)]), False),
    (c.TransposedShape(), transposed(16, 16), True),
    (c.TransposedShape(), transposed(15, 16), False),
    (c.TransposedShape(), transposed(18, 18, 2, 4, "VALID"), True),
    (c.TransposedShape(), transposed(16, 16, 2, 4, "VALID"), False),
    (c.StepsForward(max=1), op("STRIDED_SLICE", [IMAGE, ints(0), ints(1), ints(1, 1)]), True),
    (c.StepsForward(max=1), op("STRIDED_SLICE", [IMAGE, ints(0), ints(1), ints(1, 2)]), False),
    (c.StepsForward(max=1), op("STRIDED_SLICE", [IMAGE, ints(0), ints(1), ints(1, -1)]), False),
    (c.StepsForward(max=1), op("STRIDED_SLICE", [IMAGE, ints(0), ints(1), act(2)]), None),
    (c.Extent(max=256), op("SOFTMAX", [IMAGE]), True),
    (c.Extent(max=255), op("SOFTMAX", [IMAGE]), False),
]


@pytest.mark.parametrize(("check", "operator", "expected"), CASES, ids=[f"{type(case[0]).__name__}-{case[2]}-{n}" for n, case in enumerate(CASES)])
def test_what_a_check_answers(check, operator, expected):
    assert check.holds(operator) is expected


def test_every_kind_of_check_is_tried():
    assert {type(check) for check, _, _ in CASES} == set(c.AnyCheck.__args__)
