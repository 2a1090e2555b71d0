"""Damaged files: refused in one line, or checked; never a traceback."""

import numpy as np
import pytest
from npu_models import NONE, Chain

from redmobile.errors import RedmobileError
from redmobile.graph.liveness import peak_activations
from redmobile.graph.macs import total_macs
from redmobile.graph.partitions import count_partitions
from redmobile.graph.tflite_model import Tensor
from redmobile.graph.tflite_read import read_tflite
from redmobile.graph.tflite_write import write_tflite
from redmobile.npu.advice import advise
from redmobile.npu.islands import float_islands
from redmobile.npu.rules import judge, load_rules, targets

FILES = 100


def network():
    """All kinds that have a check of their own."""
    sizes = Tensor.constant("sizes", np.array([32, 48], np.int32))
    axes = Tensor.constant("axes", np.array([1, 2], np.int32))
    perm = Tensor.constant("perm", np.array([0, 2, 1, 3], np.int32))
    pool = {"padding": "VALID", "filter_height": 2, "filter_width": 2, "stride_w": 1, "stride_h": 1, **NONE}
    bounds = [Tensor.constant(name, np.array(values, np.int32)) for name, values in (("b", [0] * 4), ("e", [1, 30, 30, 16]), ("s", [1] * 4))]
    chain = Chain().conv(16, 3).op("RESIZE_BILINEAR", (1, 32, 48, 16), others=[sizes], half_pixel_centers=True)
    chain.op("TRANSPOSE", (1, 48, 32, 16), others=[perm]).op("AVERAGE_POOL_2D", (1, 47, 31, 16), **pool)
    chain.op("STRIDED_SLICE", (1, 30, 30, 16), others=bounds).op("DEQUANTIZE", dtype="float32").op("ABS").op("QUANTIZE", dtype="int8")
    return write_tflite(chain.op("MEAN", (1, 1, 1, 16), others=[axes], keep_dims=True).op("SOFTMAX").model())


def mutated(data, seed):
    """A few bytes changed, or cut off."""
    rng = np.random.default_rng(seed)
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        changed[int(rng.integers(8, len(changed)))] = int(rng.integers(0, 256))
    return bytes(changed[: int(rng.integers(16, len(changed)))] if seed % 7 == 0 else changed)


@pytest.fixture(scope="module")
def tables():
    return [load_rules(target) for target in targets()]


def test_whatever_can_be_read_can_be_checked(tables):
    data, read = network(), 0
    for seed in range(FILES):
        try:
            model = read_tflite(mutated(data, seed), "damaged")
        except RedmobileError:
            continue
        read += 1
        peak, islands = peak_activations(model), float_islands(model)
        assert total_macs(model) is not None
        for table in tables:
            findings = [judge(table, operator, position) for position, operator in enumerate(model.operators)]
            pieces = count_partitions(model, [finding.verdict == "delegated" for finding in findings])
            assert isinstance(advise(model, findings, islands, pieces, peak), list)
    assert 10 < read < FILES
