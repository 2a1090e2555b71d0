"""A small network for the emulated processors."""

import itertools

import numpy as np
import pytest

from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite


@pytest.fixture(scope="session")
def int8_file(tmp_path_factory):
    """3×3 convolution, 3 → 16 → 3 channels, INT8 64×96: enough for XNNPACK's dot products."""
    return write_network(tmp_path_factory.mktemp("network") / "small_int8.tflite")


def write_network(path, height=64, width=96):
    """Two 3×3 convolutions with weights of every size."""
    rng = np.random.default_rng(7)
    same = {"padding": "SAME", "stride_w": 1, "stride_h": 1}
    picture = Quantization.per_tensor(1 / 255, -128)
    tensors = [Tensor(name, (1, height, width, channels), "int8", quantization=picture) for name, channels in (("x", 3), ("h", 16), ("y", 3))]
    operators = []
    for source, target in itertools.pairwise(tensors):
        inputs, outputs = source.shape[3], target.shape[3]
        scale = np.full(outputs, 0.004, np.float32)
        weights = Tensor.constant(
            f"{target.name}_w", rng.integers(-127, 128, (outputs, 3, 3, inputs)).astype(np.int8), Quantization.per_channel(scale, 0)
        )
        bias = Tensor.constant(f"{target.name}_b", rng.integers(-99, 99, outputs).astype(np.int32), Quantization.per_channel(scale / 255, 0))
        operators.append(Operator("CONV_2D", [source, weights, bias], [target], same))
    path.write_bytes(write_tflite(TfliteModel(operators, [tensors[0]], [tensors[-1]])))
    return path
