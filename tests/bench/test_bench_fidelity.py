"""How far outputs are apart, with onnxruntime on both sides where the layout does not matter."""

import math

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from redmobile.bench.fidelity import compare_outputs
from redmobile.errors import UnsupportedModelError
from redmobile.runtimes.base import open_runtime

H, W = 24, 40
PICTURES = list(np.random.default_rng(7).integers(0, 100, (3, H, W, 3), np.uint8))


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """(nodes as (kind, inputs, outputs, attributes), constants, output shapes) → a network in onnxruntime."""
    folder = tmp_path_factory.mktemp("networks")

    def make(nodes, constants=None, outputs=None, name="n"):
        outputs = outputs or {"y": (1, 3, H, W)}
        values = [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in {"x": (1, 3, H, W), **outputs}.items()]
        made = [helper.make_node(kind, ins, outs, **attributes) for kind, ins, outs, attributes in nodes]
        kept = [onnx.numpy_helper.from_array(np.asarray(value), key) for key, value in (constants or {}).items()]
        graph = helper.make_graph(made, "g", values[:1], values[1:], kept)
        file = folder / f"{name}.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), file)
        return open_runtime(file, threads=1)

    return make


def shifted(network, by, name="s"):
    return network([("Add", ["x", "c"], ["y"], {})], {"c": np.float32(by)}, name=name)


def mean(network, factor, offset=0.0, name="m"):
    nodes = [
        ("Mul", ["x", "f"], ["a"], {}),
        ("ReduceMean", ["a"], ["b"], {"axes": [2, 3], "keepdims": 0}),
        ("Add", ["b", "c"], ["y"], {}),
    ]
    return network(nodes, {"f": np.float32(factor), "c": np.float32(offset)}, {"y": (1, 3)}, name)


def test_the_same_network_is_equal(network):
    found = compare_outputs(shifted(network, 0.25), shifted(network, 0.25), PICTURES)
    assert (found.psnr_db, found.largest, found.pictures) == (None, 0.0, 3)


@settings(deadline=None, max_examples=15)
@given(by=st.floats(0.01, 0.5))
def test_a_constant_error_of_a_picture_is_known_in_decibels(network, by):
    found = compare_outputs(shifted(network, 0.0, "ref"), shifted(network, by, "moved"), PICTURES)
    assert found.psnr_db == pytest.approx(-20 * math.log10(by), abs=1e-3)
    assert found.largest == pytest.approx(by, rel=1e-4)


def test_pictures_are_clipped_on_both_sides(network):
    found = compare_outputs(shifted(network, 1.0, "white"), shifted(network, 1.5, "whiter"), PICTURES)
    assert found.psnr_db is not None  # 1.0 alone leaves the picture: it is judged as values
    assert (
        compare_outputs(shifted(network, 0.0, "ref"), network([("Clip", ["x", "", "c"], ["y"], {})], {"c": np.float32(1)}), PICTURES).psnr_db is None
    )
    nearly = network([("Mul", ["x", "f"], ["y"], {})], {"f": np.float32(2.75)}, name="bright")
    clipped = network([("Mul", ["x", "f"], ["a"], {}), ("Clip", ["a", "", "c"], ["y"], {})], {"f": np.float32(2.75), "c": np.float32(1)}, name="cut")
    assert compare_outputs(nearly, clipped, PICTURES).psnr_db is None


def test_values_are_measured_against_their_own_span(network):
    reference = mean(network, 100.0)
    expected = np.concatenate([reference.run((picture / 255).astype(np.float32).transpose(2, 0, 1)[None])[0].ravel() for picture in PICTURES])
    found = compare_outputs(reference, mean(network, 100.0, 0.5, "moved"), PICTURES)
    span = float(expected.max() - expected.min())
    assert found.psnr_db == pytest.approx(20 * math.log10(span / 0.5), abs=1e-2)
    assert found.largest == pytest.approx(0.5 / span, rel=1e-3)


def test_the_worst_of_several_outputs_counts_whatever_their_order(network):
    both = {"y": (1, 3, H, W), "z": (1, 3)}
    mean_of = ("ReduceMean", ["x"], ["z"], {"axes": [2, 3], "keepdims": 0})
    reference = network([("Identity", ["x"], ["y"], {}), mean_of], outputs=both, name="ref")
    other = network([mean_of, ("Add", ["x", "c"], ["y"], {})], {"c": np.float32(0.1)}, dict(reversed(both.items())), "other")
    assert compare_outputs(reference, other, PICTURES).psnr_db == pytest.approx(20, abs=1e-3)


def test_a_tflite_with_channels_last_and_codes_is_read_as_real_values(tmp_path, onnx_file, write_int8):
    found = compare_outputs(open_runtime(onnx_file), open_runtime(write_int8(tmp_path / "i.tflite", H, W)), PICTURES)
    assert found.psnr_db > 100  # twice a byte is a byte again, or clipped on both sides: only float32's rounding differs
    assert found.largest < 1e-5


def test_what_cannot_be_compared_is_named(network, int8_file):
    with pytest.raises(UnsupportedModelError, match=r"expected one input that takes \(24, 40, 3\), found image: 1×32×48×3"):
        compare_outputs(shifted(network, 0.0), open_runtime(int8_file), PICTURES)
    with pytest.raises(UnsupportedModelError, match=r"none of its outputs \(y: 1×3 float32\) belongs to y: 1×3×24×40"):
        compare_outputs(shifted(network, 0.0), mean(network, 1.0), PICTURES)
    with pytest.raises(UnsupportedModelError, match="not finite"):
        compare_outputs(shifted(network, 0.0), network([("Sub", ["x", "x"], ["a"], {}), ("Log", ["a"], ["y"], {})]), PICTURES)
