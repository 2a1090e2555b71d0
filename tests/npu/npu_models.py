"""Small INT8 files to check."""

import numpy as np

from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite

Q = Quantization.per_tensor(0.05, 0)
NONE = {"fused_activation_function": "NONE"}


class Chain:
    """Operators one behind the other; `tensor` is the last result."""

    def __init__(self, shape=(1, 16, 24, 16), dtype="int8"):
        self.image = self.tensor = Tensor("image", shape, dtype, quantization=Q if dtype == "int8" else None)
        self.operators = []

    def op(self, kind, shape=None, name=None, dtype=None, others=(), **options):
        """One operator on the last result."""
        made = Tensor(name or f"{kind.lower()}_{len(self.operators)}", shape or self.tensor.shape, dtype or self.tensor.dtype)
        made.quantization = Q if made.dtype == "int8" else None
        self.operators.append(Operator(kind, [self.tensor, *others], [made], options))
        self.tensor = made
        return self

    def conv(self, channels=16, kernel=1, stride=1, name=None, padding="SAME"):
        """A convolution with random weights, one scale a channel."""
        source = self.tensor.shape
        weights = np.random.default_rng(0).integers(-127, 127, (channels, kernel, kernel, source[3])).astype(np.int8)
        scales = Quantization.per_channel(np.full(channels, 0.01, np.float32), 0)
        bias = Tensor.constant("b", np.zeros(channels, np.int32), Quantization.per_channel(np.full(channels, 0.0005, np.float32), 0))
        size = [-(-side // stride) if padding == "SAME" else (side - kernel) // stride + 1 for side in source[1:3]]
        options = {"padding": padding, "stride_w": stride, "stride_h": stride, **NONE}
        return self.op("CONV_2D", (1, *size, channels), name, others=[Tensor.constant("w", weights, scales), bias], **options)

    def model(self):
        """What was built."""
        return TfliteModel(self.operators, [self.image], [self.tensor])

    def write(self, path):
        """As a file at `path`."""
        path.write_bytes(write_tflite(self.model()))
        return path


def shuffling():
    """Convolution, pixel shuffle: what Ethos-U leaves to the CPU."""
    return Chain().conv().op("DEPTH_TO_SPACE", (1, 32, 48, 4), "shuffled", block_size=2)


def with_island():
    """Integer, float, integer."""
    chain = Chain().conv().op("DEQUANTIZE", dtype="float32").op("ABS", name="float_part").op("QUANTIZE", dtype="int8")
    return chain.conv(name="result")
