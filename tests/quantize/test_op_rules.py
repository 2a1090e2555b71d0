"""Every row of the table runs in LiteRT and agrees with the float operator; what is not in the table is refused, all at once."""

import numpy as np
import pytest
from quantize_models import Build, frames, run_codes, run_float

from redmobile.core.converter import ActivationQuantization, Quantize
from redmobile.errors import UnsupportedModelError
from redmobile.graph.tflite_model import Tensor
from redmobile.quantize.op_rules import OP_RULES
from redmobile.quantize.quantize import quantize
from redmobile.quantize.ranges import lay_out

POOL = {"padding": "SAME", "stride_w": 1, "stride_h": 1, "filter_width": 2, "filter_height": 2}
SHAPE = (1, 16, 24, 4)
RECIPES = {
    8: Quantize(activations=ActivationQuantization(search=0, observer="min_max"), equalize=False, bias_correction=False),
    16: Quantize(
        activations=ActivationQuantization(bits=16, symmetric=True, search=0, observer="min_max"), equalize=False, bias_correction=False, io="int16"
    ),
}


def constant(*values, dtype=np.int32):
    return Tensor.constant("constant", np.array(values, dtype))


def pads(*values):
    return Tensor.constant("pads", np.array(values, np.int32).reshape(-1, 2))


SPATIAL = pads(0, 0, 1, 1, 2, 2, 0, 0)
SINGLE = {  # kind: (further inputs, output shape, options)
    "ABS": ([], SHAPE, {}),
    "AVERAGE_POOL_2D": ([], SHAPE, POOL),
    "BATCH_TO_SPACE_ND": None,
    "BROADCAST_TO": ([constant(2, 16, 24, 4)], (2, 16, 24, 4), {}),
    "DEPTH_TO_SPACE": ([], (1, 32, 48, 1), {"block_size": 2}),
    "ELU": ([], SHAPE, {}),
    "EXP": ([], SHAPE, {}),
    "EXPAND_DIMS": ([constant(0)], (1, *SHAPE), {}),
    "GATHER_ND": ([Tensor.constant("index", np.array([[0, 3], [0, 1]], np.int32))], (2, 24, 4), {}),
    "GATHER": ([constant(2, 0)], (1, 16, 24, 2), {"axis": 3}),
    "GELU": ([], SHAPE, {"approximate": False}),
    "HARD_SWISH": ([], SHAPE, {}),
    "L2_NORMALIZATION": ([], SHAPE, {}),
    "LEAKY_RELU": ([], SHAPE, {"alpha": 0.1}),
    "LOGISTIC": ([], SHAPE, {}),
    "LOG_SOFTMAX": ([], SHAPE, {}),
    "MAX_POOL_2D": ([], SHAPE, POOL),
    "MEAN": ([constant(1, 2)], (1, 1, 1, 4), {"keep_dims": True}),
    "MIRROR_PAD": ([SPATIAL], (1, 18, 28, 4), {"mode": "REFLECT"}),
    "PAD": ([SPATIAL], (1, 18, 28, 4), {}),
    "PADV2": ([SPATIAL, constant(-0.5, dtype=np.float32)], (1, 18, 28, 4), {}),
    "PRELU": ([Tensor.constant("alpha", np.array([[[0.1, 0.2, -0.3, 0.4]]], np.float32))], SHAPE, {}),
    "REDUCE_PROD": ([constant(3)], (1, 16, 24, 1), {"keep_dims": True}),
    "REDUCE_MAX": ([constant(1, 2)], (1, 1, 1, 4), {"keep_dims": True}),
    "REDUCE_MIN": ([constant(1, 2)], (1, 1, 1, 4), {"keep_dims": True}),
    "RELU": ([], SHAPE, {}),
    "RELU6": ([], SHAPE, {}),
    "RELU_0_TO_1": ([], SHAPE, {}),
    "RELU_N1_TO_1": ([], SHAPE, {}),
    "RESHAPE": ([constant(1, 384, 4)], (1, 384, 4), {"new_shape": [1, 384, 4]}),
    "RESIZE_BILINEAR": ([constant(32, 48)], (1, 32, 48, 4), {"half_pixel_centers": True}),
    "RESIZE_NEAREST_NEIGHBOR": ([constant(32, 48)], (1, 32, 48, 4), {}),
    "REVERSE_V2": ([constant(1)], SHAPE, {}),
    "SLICE": ([constant(0, 1, 2, 0), constant(1, 4, 8, 4)], (1, 4, 8, 4), {}),
    "SOFTMAX": ([], SHAPE, {"beta": 1.0}),
    "SPACE_TO_BATCH_ND": ([constant(2, 2), pads(0, 0, 0, 0)], (4, 8, 12, 4), {}),
    "SPACE_TO_DEPTH": ([], (1, 8, 12, 16), {"block_size": 2}),
    "SQUEEZE": ([], (16, 24, 4), {"squeeze_dims": [0]}),
    "STRIDED_SLICE": ([constant(0, 0, 0, 0), constant(1, 16, 24, 4), constant(1, 2, 2, 1)], (1, 8, 12, 4), {}),
    "SUM": ([constant(3)], (1, 16, 24, 1), {"keep_dims": True}),
    "TANH": ([], SHAPE, {}),
    "TILE": ([constant(1, 2, 1, 1)], (1, 32, 24, 4), {}),
    "TRANSPOSE": ([constant(0, 2, 1, 3)], (1, 24, 16, 4), {}),
}
PAIRS = ["ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM", "CONCATENATION", "PACK"]
PICKING = ["ARG_MAX", "ARG_MIN", "TOPK_V2"]
WEIGHTED = ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"]
SPLITTING = ["SPLIT", "SPLIT_V", "UNPACK"]


def single(build, source, kind):
    inputs, shape, options = SINGLE[kind]
    return [build.op(kind, [source, *inputs], shape, **options)]


def pair(build, source, kind):
    other = build.conv(build.image, 4, gain=2.0)
    shape = {"CONCATENATION": (1, 16, 24, 8), "PACK": (2, *SHAPE)}.get(kind, SHAPE)
    options = {"CONCATENATION": {"axis": 3}, "PACK": {"axis": 0, "values_count": 2}}.get(kind, {})
    return [build.op(kind, [source, other], shape, **options)]


def weighted(build, source, kind):
    if kind == "CONV_2D":
        return [build.conv(source, 5, kernel=3)]
    if kind == "DEPTHWISE_CONV_2D":
        return [build.depthwise(source)]
    weights = build.rng.normal(0, 0.5, (6, 2, 2, 4) if kind == "TRANSPOSE_CONV" else (6, 4)).astype(np.float32)
    if kind == "TRANSPOSE_CONV":
        options = {"padding": "SAME", "stride_w": 2, "stride_h": 2}
        return [build.op(kind, [constant(1, 32, 48, 6), Tensor.constant("w", weights), source], (1, 32, 48, 6), **options)]
    return [build.op(kind, [source, Tensor.constant("w", weights), None], (1, 16, 24, 6), keep_num_dims=True)]


def by_positive(build, source, kind):
    return [build.op(kind, [source, build.op("ADD", [build.op("ABS", [source], SHAPE), constant(0.5, dtype=np.float32)], SHAPE)], SHAPE)]


def of_positive(build, source, kind):
    return [build.op(kind, [build.op("ADD", [build.op("ABS", [source], SHAPE), constant(0.5, dtype=np.float32)], SHAPE)], SHAPE)]


def choosing(build, source, kind):
    """The larger or the smaller of two by a comparison: where codes that are nearly equal compare wrongly, the result hardly changes."""
    other = build.conv(build.image, 4, gain=2.0)
    asked = build.op("GREATER" if kind == "SELECT_V2" else kind, [source, other], SHAPE)
    asked.dtype = "bool"
    return [build.op("SELECT_V2", [asked, source, other], SHAPE)]


def alike(build, source, kind):
    """What is zero behind a RELU is taken from before it, all else from behind: `source` again."""
    raised = build.op("RELU", [source], SHAPE)
    asked = build.op(kind, [raised, constant(0, dtype=np.float32)], SHAPE)
    asked.dtype = "bool"
    chosen = [source, raised] if kind == "EQUAL" else [raised, source]
    return [build.op("SELECT_V2", [asked, *chosen], SHAPE)]


def splitting(build, source, kind):
    axis = Tensor.constant("axis", np.array(3, np.int32))
    if kind == "SPLIT":
        return build.op(kind, [axis, source], (1, 16, 24, 2), outputs=2, num_splits=2)
    if kind == "SPLIT_V":
        return build.op(kind, [source, constant(2, 2), axis], (1, 16, 24, 2), outputs=2, num_splits=2)
    return build.op(kind, [source], (1, 16, 24), outputs=4, axis=3, num=4)


def picking(build, source, kind):
    """Operators that give positions, which are no codes."""
    if kind == "TOPK_V2":
        values, places = build.op(kind, [source, Tensor("k", (), "int32", np.array(2, np.int32))], (1, 16, 24, 2), outputs=2)
        places.dtype = "int32"
        return [values, places]
    places = build.op(kind, [source, constant(3)], (1, 16, 24), output_type="INT64")
    places.dtype = "int64"
    return [places]


def products(build, source, kind):
    """A product of two computed matrices: (24, 4) · (4, 24) for each of 16 rows."""
    other = build.conv(build.image, 4, gain=2.0)
    return [build.op(kind, [source, other], (1, 16, 24, 24), adj_y=True)]


def batched(build, source, kind):
    spread = build.op("SPACE_TO_BATCH_ND", [source, constant(2, 2), pads(0, 0, 0, 0)], (4, 8, 12, 4))
    return [build.op(kind, [spread, constant(2, 2), pads(0, 0, 0, 0)], SHAPE)]


MAKERS = (
    {kind: single for kind, entry in SINGLE.items() if entry}
    | dict.fromkeys(PAIRS, pair)
    | dict.fromkeys(WEIGHTED, weighted)
    | dict.fromkeys(SPLITTING, splitting)
    | dict.fromkeys(PICKING, picking)
    | {"BATCH_TO_SPACE_ND": batched, "BATCH_MATMUL": products}
    | dict.fromkeys(["LOG", "RSQRT", "SQRT"], of_positive)
    | {"DIV": by_positive}
    | dict.fromkeys(["GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "SELECT_V2"], choosing)
    | dict.fromkeys(["EQUAL", "NOT_EQUAL"], alike)
)
CASES = [(kind, bits) for kind, rule in OP_RULES.items() for bits in rule.bits]


def test_the_cases_cover_the_table():
    assert set(MAKERS) == set(OP_RULES)


def check_positions(values, expected, found, tensor):
    """What stands where the codes say is as far up or down as what stands where the floats say, within two codes."""
    wanted, got = (np.take_along_axis(values, places.reshape(*values.shape[:-1], -1).astype(np.int64), -1) for places in (expected, found))
    assert np.abs(wanted - got).max() <= 2 * tensor.quantization.scale[0]


@pytest.mark.parametrize(("kind", "bits"), CASES, ids=[f"{kind}-{bits}" for kind, bits in CASES])
def test_runs_in_litert_and_agrees_with_float(kind, bits):
    build = Build(3)
    source = build.conv(build.image, 4, gain=2.0, name="source")
    model = build.model(*MAKERS[kind](build, source, kind))
    positions = [tensor.name for tensor in model.outputs if tensor.dtype != "float32"]
    model.outputs += [source] if positions else []
    pictures = frames()
    quantized = quantize(model, RECIPES[bits], pictures).model
    scaled = {tensor.name: tensor for tensor in quantized.outputs}
    for picture in pictures:
        expected, found = run_float(model, picture), run_codes(quantized, picture)
        for name in positions:
            check_positions(expected[source.name], expected[name], found[name], scaled[source.name])
        assert expected.keys() == found.keys()
        for name, values in expected.items():
            if name in positions:
                continue
            scale = scaled[name].quantization.scale[0]
            span = max(values.max(), 0) - min(values.min(), 0)
            # Inputs are off by half a code each and weights by half of theirs, which the operator may enlarge.
            allowed = 3 * scale + 0.02 * span
            assert np.abs(values - found[name]).max() <= allowed


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("channels", "groups", "outputs"), [(4, 2, 6), (9, 3, 6), (6, 6, 12)])
def test_a_convolution_of_groups_agrees_with_float(channels, groups, outputs, bits):
    build = Build(3)
    source = build.conv(build.image, channels, gain=2.0)
    weights = Tensor.constant("w", build.rng.normal(0, 0.5, (outputs, 3, 3, channels // groups)).astype(np.float32))
    bias = Tensor.constant("b", build.rng.normal(0, 0.3, outputs).astype(np.float32))
    options = {"padding": "SAME", "stride_w": 1, "stride_h": 1}
    model = build.model(build.op("CONV_2D", [source, weights, bias], (1, 16, 24, outputs), **options))
    quantized = quantize(model, RECIPES[bits], frames()).model
    assert len(quantized.operators[-1].inputs[1].quantization.scale) == outputs
    for picture in frames():
        (expected,), (found,) = run_float(model, picture).values(), run_codes(quantized, picture).values()
        assert np.abs(expected - found).max() <= 0.03 * np.ptp(expected)


def test_a_tied_operator_shares_one_scale():
    build = Build()
    for kind, rule in OP_RULES.items():
        if rule.scales == "tied":
            build = Build(3)
            model = build.model(*MAKERS[kind](build, build.conv(build.image, 4), kind))
            quantized = quantize(model, RECIPES[8], frames()).model
            tied = [operator for operator in quantized.operators if operator.kind == kind]
            scales = {
                (float(tensor.quantization.scale[0]), int(tensor.quantization.zero_point[0]))
                for operator in tied
                for tensor in (*operator.inputs, *operator.outputs)
                if tensor is not None and tensor.dtype == "int8"
            }
            assert len(scales) == 1 or (not tied and kind.startswith("RELU")), kind


def test_everything_that_cannot_be_quantized_is_named_at_once():
    build = Build()
    first = build.op("SIN", [build.image], build.image.shape, name="wave")
    second = build.op("POW", [first, build.image], build.image.shape, name="power")
    with pytest.raises(UnsupportedModelError, match=r"2 operators: SIN \('wave'\).*POW \('power'\)"):
        lay_out(build.model(second), (0, 1), 8)


def test_an_operator_without_a_16_bit_form_is_named():
    build = Build()
    out = build.op("DEPTH_TO_SPACE", [build.conv(build.image, 4)], (1, 32, 48, 1), block_size=2, name="shuffled")
    with pytest.raises(UnsupportedModelError, match=r"DEPTH_TO_SPACE \('shuffled'\): has no 16-bit form"):
        lay_out(build.model(out), (0, 1), 16)


def test_computed_weights_are_refused():
    build = Build()
    weights = build.op("RESHAPE", [build.image, build.ints(3, 1, 128, 3)], (3, 1, 128, 3))
    out = build.op("CONV_2D", [build.image, weights, None], build.image.shape, name="dynamic", padding="SAME", stride_w=1, stride_h=1)
    with pytest.raises(UnsupportedModelError, match=r"'dynamic'.*weights are not a float32 constant"):
        lay_out(build.model(out), (0, 1), 8)


def test_an_activation_without_8_bit_form_is_refused():
    build = Build()
    out = build.conv(build.image, 2, activation="TANH", name="curved")
    with pytest.raises(UnsupportedModelError, match=r"'curved'.*TANH"):
        lay_out(build.model(out), (0, 1), 8)
