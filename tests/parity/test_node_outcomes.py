"""ONNX's node tests: what becomes of single ones, and that what converters/OPS.md says of all of them still holds."""

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest

from redmobile.parity.node_outcomes import _largest, outcome_of, run_node_tests
from redmobile.parity.node_tests import node_tests
from redmobile.parity.ops_table import as_markdown, onnx_version_in, passed_in

OPS_MD = Path(__file__).parents[2] / "converters" / "OPS.md"

pytestmark = pytest.mark.slow  # the onnx package needs some seconds to compute the tests' data


def test_weights_become_initializers_and_the_picture_stays_an_input():
    test = node_tests()["test_basic_conv_with_padding"]
    assert (test.op, test.constants, list(test.inputs), list(test.expected)) == ("Conv", ("W",), ["x"], ["y"])
    assert [tensor.name for tensor in test.model.graph.initializer] == ["W"]
    onnx.checker.check_model(test.model)


def test_an_expanded_function_keeps_its_operators_name():
    test = node_tests()["test_clip_expanded"]
    assert test.op == "Clip"
    assert test.kinds == {"Max", "Min"} or "Less" in test.kinds


@pytest.mark.parametrize("name", ["test_basic_conv_with_padding", "test_add_bcast", "test_maxpool_2d_default", "test_transpose_default", "test_relu"])
def test_what_tflite_can_express_passes(name):
    found = outcome_of(name)
    assert (found.outcome, found.reason, found.floats) == ("passed", "", True)
    assert found.error <= 1e-4


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("test_training_dropout_mask", "training"),
        ("test_string_concat", "strings"),
        ("test_sequence_insert_at_back", "sequences, optional values, or types of less than 8 bits"),
        ("test_bitshift_left_int8", "TFLite's kernels of 8 and 16 bits are those of quantized values"),
        ("test_add_uint32", "TFLite has no kernels for unsigned integers of 16 bits and more"),
        ("test_reduce_sum_empty_set", "tensors that hold no values"),
        ("test_maxpool_with_argmax_2d_precomputed_pads", "TFLite's own operators tell no indices of maxima"),
        ("test_maxpool_3d_default", "volumes: TFLite's windows lie in two dimensions"),
        ("test_ai_onnx_ml_binarizer", "operators of the domain ai.onnx.ml"),
        ("test_nonzero_example", "no lowering: NonZero"),
    ],
)
def test_what_it_cannot_is_listed_with_the_reason(name, reason):
    found = outcome_of(name)
    assert (found.outcome, found.reason) == ("listed", reason)


def test_a_result_that_differs_fails(monkeypatch):
    right = node_tests()["test_relu"]
    wrong = dataclasses.replace(right, expected={"y": right.expected["y"] + np.float32(0.01)})
    monkeypatch.setitem(node_tests(), "test_relu", wrong)
    found = outcome_of("test_relu")
    assert (found.outcome, found.reason) == ("failed", "ParityError: differs by 0.01")


@pytest.mark.parametrize(
    ("found", "expected", "error"),
    [
        ([1.0, np.nan, np.inf], [1.0, np.nan, np.inf], 0),
        ([0.5], [0.25], 0.25),
        ([100.0], [200.0], 0.5),
        ([np.inf], [-np.inf], np.inf),
        ([np.nan], [1.0], np.inf),
        ([1.0], [np.nan], np.inf),
    ],
)
def test_differences_are_relative_above_one_and_know_what_is_not_finite(found, expected, error):
    assert _largest(np.array(found, np.float32), np.array(expected, np.float32)) == error


def test_integers_must_be_equal():
    assert _largest(np.array([5], np.int32), np.array([6], np.int64)) == np.inf
    assert _largest(np.array([6], np.int32), np.array([6], np.int64)) == 0


def test_what_ops_md_says_still_holds():
    said = OPS_MD.read_text()
    outcomes = run_node_tests()
    now = {found.name: found for found in outcomes}
    lost = [f"{name}: {now[name].reason}" for name in sorted(passed_in(said)) if name in now and now[name].outcome != "passed"]
    assert not lost
    if onnx_version_in(said) == onnx.__version__:  # other versions have other tests
        assert said == as_markdown(outcomes), "run: redmobile ops --backend-tests --out converters/OPS.md"
