"""What is refused before a number is computed, how numbers of many pictures become one, and how gates judge them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redmobile.core.converter import Gate
from redmobile.core.metrics import METRICS, psnr
from redmobile.core.quant_math import Quantization
from redmobile.core.tensor_spec import TensorSpec
from redmobile.errors import DocumentError
from redmobile.parity.compare import check_specs, gather, pool, score
from redmobile.parity.gates import check_gates, judge

IMAGE = Quantization.per_tensor(1 / 255, -128)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (TensorSpec("x", (1, 3, 8, 12), "float32", "NCHW"), None),
        (TensorSpec("x", (1, 8, 12, 3), "int8", "NHWC", IMAGE), None),
        (TensorSpec("x", (1, 10), "float32", "?"), "not a picture in a known layout"),
        (TensorSpec("x", (2, 8, 12, 3), "float32", "NHWC"), "not one RGB picture"),
        (TensorSpec("x", (1, 8, 12, 4), "float32", "NHWC"), "not one RGB picture"),
        (TensorSpec("x", (1, 3, 12, 8), "float32", "NCHW"), "is 12×8, the stage before has 8×12"),
        (TensorSpec("x", (1, 8, 12, 3), "int8", "NHWC"), "neither floats nor a scale"),
    ],
)
def test_shape_layout_and_dtype_come_first(spec, said):
    found = check_specs("onnx", spec, (8, 12))
    assert (found == []) if said is None else (len(found) == 1 and said in found[0] and found[0].startswith("onnx: x: "))


def test_four_channels_are_right_for_a_file_of_rgba():
    spec = TensorSpec("x", (1, 8, 12, 4), "float32", "NHWC")
    assert check_specs("onnx", spec, (8, 12), 4) == []
    assert "not one RGBA picture" in check_specs("onnx", TensorSpec("x", (1, 8, 12, 3), "float32", "NHWC"), (8, 12), 4)[0]


def frame(value, seed=0):
    return np.full((16, 16, 3), value, np.uint8) + np.random.default_rng(seed).integers(0, 2, (16, 16, 3), np.uint8)


def test_scores_hold_every_metric():
    found = score("a.png", frame(10), frame(10, seed=1))
    assert set(found.values) == set(METRICS)
    assert found.values["max_difference"] == 1


def test_psnr_is_pooled_over_squared_errors():
    rng = np.random.default_rng(1)
    expected = rng.integers(40, 200, (2, 20, 20, 3)).astype(np.uint8)
    found = expected + np.array([1, 9], np.uint8)[:, None, None, None]
    one_by_one = [psnr(expected[0], found[0]), psnr(expected[1], found[1])]
    assert pool("psnr", one_by_one) == pytest.approx(psnr(expected.reshape(40, 20, 3), found.reshape(40, 20, 3)))
    assert pool("psnr", one_by_one) < np.mean(one_by_one)


def test_perfect_pictures():
    assert pool("psnr", [math.inf, math.inf]) == math.inf
    assert pool("psnr", [math.inf, 40.0]) == pytest.approx(40 + 10 * math.log10(2))


def test_other_metrics_are_pooled_by_their_nature():
    assert pool("max_difference", [3.0, 9.0, 1.0]) == 9
    assert pool("mean_difference", [1.0, 2.0]) == pool("ssim", [1.0, 2.0]) == 1.5


@settings(deadline=None)
@given(st.lists(st.floats(5, 90), min_size=1, max_size=20))
def test_pooled_psnr_lies_between_worst_and_best(values):
    assert min(values) - 1e-9 <= pool("psnr", values) <= max(values) + 1e-9


def test_the_worst_picture_is_named_for_each_metric():
    scores = [score("good.png", frame(10), frame(10)), score("bad.png", frame(10), frame(60)), score("fair.png", frame(10), frame(12))]
    found = gather("float", "int8", scores)
    assert {name: worst.image for name, worst in found.worst.items()} == dict.fromkeys(METRICS, "bad.png")
    assert found.pooled["max_difference"] == found.worst["max_difference"].value == 50


def comparison():
    return gather("float", "int8", [score("a.png", frame(10), frame(12)), score("b.png", frame(10), frame(11))])


@pytest.mark.parametrize(("threshold", "outcome"), [(40.0, "passed"), (45.0, "failed")])
def test_gate(threshold, outcome):
    (found,) = judge([Gate(metric="psnr", against="float", threshold=threshold)], {"float": comparison()}, {})
    assert (found.outcome, found.unit, found.worst.image) == (outcome, "dB", "a.png")
    assert "over 2 pictures, worst" in found.says
    assert found.title == f"psnr against float >= {threshold:g} dB"


def test_lower_is_better_where_the_metric_says_so():
    gates = [Gate(metric="max_difference", against="float", threshold=limit) for limit in (1, 4)]
    assert [gate.outcome for gate in judge(gates, {"float": comparison()}, {})] == ["failed", "passed"]


def test_a_gate_against_an_absent_stage_is_never_passed():
    (found,) = judge([Gate(metric="psnr", against="torch", threshold=1.0)], {"float": comparison()}, {"torch": "torch is not installed"})
    assert found.outcome == "not judged"
    assert found.says == "torch is not there: torch is not installed"
    assert found.value is None


def test_an_unknown_metric_is_refused_with_those_that_are_known():
    with pytest.raises(
        DocumentError, match=r"Converter 'mine': a gate asks for the metric 'lpips'\. Known: psnr, ssim, max_difference, mean_difference"
    ):
        check_gates([Gate(metric="lpips", against="float", threshold=1.0)], "mine")
