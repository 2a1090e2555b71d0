"""A network of views, slices, reductions and products of matrices, all the way to INT8 without an island of floats."""

from __future__ import annotations

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from redmobile.pipeline import convert
from redmobile.runtimes.base import open_runtime

HEIGHT, WIDTH, CHANNELS = 32, 48, 8
TOKENS = HEIGHT * WIDTH // 16


def write_network(path):
    """Convolution, attention over its pixels, reductions, uneven splits, backward slices, gathered channels, a gate by Gemm."""
    rng = np.random.default_rng(0)
    weights = {
        "stem": (CHANNELS, 3, 4, 4),
        "query": (CHANNELS, CHANNELS),
        "key": (CHANNELS, CHANNELS),
        "value": (CHANNELS, CHANNELS),
        "gate": (CHANNELS, CHANNELS),
        "out": (3, CHANNELS, 1, 1),
    }
    constants = {name: rng.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32) for name, shape in weights.items()}
    constants |= {
        "tokens": [1, CHANNELS, TOKENS],
        "image": [1, CHANNELS, HEIGHT // 4, WIDTH // 4],
        "last": [-1],
        "first": [-99],
        "width": [3],
        "back": [-1],
        "channels": [3, 1, -1, 0, 2, 4, 6, 5],
        "split": [3, 5],
        "hw": [2, 3],
        "flat": [1, CHANNELS],
        "four": [1, CHANNELS, 1, 1],
        "spread": [1, CHANNELS, HEIGHT // 4, WIDTH // 4],
        "repeats": [1, 1, 4, 4],
    }
    make = helper.make_node
    nodes = [
        make("Conv", ["picture", "stem"], ["s"], strides=[4, 4]),
        make("Relu", ["s"], ["a"]),
        make("Reshape", ["a", "tokens"], ["r"]),
        make("Transpose", ["r"], ["t"], perm=[0, 2, 1]),
        *(make("MatMul", ["t", name], [name[0]]) for name in ("query", "key", "value")),
        make("Einsum", ["q", "k"], ["scores"], equation="bqd,bkd->bqk"),
        make("Sigmoid", ["scores"], ["weigh"]),
        make("MatMul", ["weigh", "v"], ["sum"]),
        make("ReduceMean", ["weigh", "back"], ["norm"]),
        make("Sub", ["sum", "norm"], ["seen"]),
        make("Transpose", ["seen"], ["n"], perm=[0, 2, 1]),
        make("Reshape", ["n", "image"], ["b"]),
        make("Add", ["a", "b"], ["c"]),
        make("Slice", ["c", "last", "first", "width", "back"], ["mirrored"]),
        make("Gather", ["mirrored", "channels"], ["picked"], axis=1),
        make("Split", ["picked", "split"], ["few", "many"], axis=1),
        make("Concat", ["many", "few"], ["joined"], axis=1),
        make("ReduceMax", ["joined", "hw"], ["peak"], keepdims=0),
        make("Gemm", ["peak", "gate"], ["g"], transB=1),
        make("Sigmoid", ["g"], ["h"]),
        make("Reshape", ["h", "four"], ["h4"]),
        make("Expand", ["h4", "spread"], ["h5"]),
        make("Mul", ["joined", "h5"], ["gated"]),
        make("Conv", ["gated", "out"], ["small"]),
        make("Tile", ["small", "repeats"], ["enhanced"]),
    ]
    tensors = [numpy_helper.from_array(np.asarray(value, np.int64) if isinstance(value, list) else value, name) for name, value in constants.items()]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH]) for name in ("picture", "enhanced")]
    model = helper.make_model(helper.make_graph(nodes, "g", ports[:1], ports[1:], tensors), opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)
    return path


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(1)
    for index in range(4):
        smooth = cv2.resize(rng.integers(0, 60 * (index + 1), (6, 8, 3), dtype=np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        cv2.imwrite(str(tmp_path / "photos" / f"{index}.png"), smooth)
    return tmp_path / "photos"


def test_int8_without_islands_and_near_float(tmp_path, photos):
    network = write_network(tmp_path / "net.onnx")
    made = {recipe: convert(network, recipe, photos) for recipe in ("litert_fp32", "litert_int8")}
    operators = made["litert_int8"].report.operators
    assert "DEQUANTIZE" not in operators
    assert operators["FULLY_CONNECTED"] == 4
    assert operators["BATCH_MATMUL"] == 2
    assert "TRANSPOSE" not in operators
    results = {}
    codes = np.random.default_rng(2).integers(-128, 0, (1, HEIGHT, WIDTH, 3)).astype(np.int8)
    for recipe, converted in made.items():
        path = tmp_path / f"{recipe}.tflite"
        path.write_bytes(converted.data)
        runtime = open_runtime(path)
        (output,) = runtime.run(codes if recipe == "litert_int8" else ((codes.astype(np.float32) + 128) / 255))
        quantization = runtime.outputs[0].quantization
        results[recipe] = output if quantization is None else quantization.dequantize(output)
    span = np.ptp(results["litert_fp32"])
    assert np.sqrt(np.square(results["litert_int8"] - results["litert_fp32"]).mean()) < 0.03 * span
