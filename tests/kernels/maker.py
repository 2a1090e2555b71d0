"""INT8 networks made operator by operator, with weights, scales and zero points by chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite


def _quantization(random: np.random.Generator, *, low: float = 0.01, high: float = 0.1) -> Quantization:
    return Quantization.per_tensor(float(random.uniform(low, high)), int(random.integers(-128, 128)))


class Maker:
    """Builds INT8 networks operator by operator."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.operators: list[Operator] = []
        self.count = 0

    def tensor(self, shape: tuple[int, ...], quantization: Quantization | None = None) -> Tensor:
        """A new tensor of int8 codes; quantization: None: drawn."""
        self.count += 1
        return Tensor(f"t{self.count}", shape, "int8", None, quantization or _quantization(self.random))

    def add_operator(self, kind: str, inputs: list[Tensor], out: Tensor, **options) -> Tensor:
        """An operator of any kind; its output."""
        self.operators.append(Operator(kind, inputs, [out], options))
        return out

    def _weights(self, shape: tuple[int, ...], axis: int) -> Tensor:
        self.count += 1
        scales = self.random.uniform(0.0005, 0.02, shape[axis]).astype(np.float32)
        return Tensor.constant(f"w{self.count}", self.random.integers(-127, 128, shape, np.int8), Quantization.per_channel(scales, axis))

    def _bias(self, x: Tensor, weights: Tensor) -> Tensor:
        scales = x.quantization.scale[0] * weights.quantization.scale
        values = self.random.integers(-3000, 3000, len(scales)).astype(np.int32)
        return Tensor.constant(f"b{self.count}", values, Quantization.per_channel(scales, 0))

    def conv(self, x: Tensor, channels: int, kernel: int = 1, stride: int = 1, padding: str = "SAME", activation: str = "NONE") -> Tensor:
        """Output of a CONV_2D to `channels` channels."""
        weights = self._weights((channels, kernel, kernel, x.shape[3]), 0)
        out = self.tensor((1, *self._size(x, kernel, stride, padding), channels))
        options = {"padding": padding, "stride_w": stride, "stride_h": stride, "fused_activation_function": activation}
        return self.add_operator("CONV_2D", [x, weights, self._bias(x, weights)], out, **options)

    def depthwise(self, x: Tensor, kernel: int = 3, stride: int = 1, padding: str = "SAME", activation: str = "RELU6") -> Tensor:
        """Output of a DEPTHWISE_CONV_2D."""
        weights = self._weights((1, kernel, kernel, x.shape[3]), 3)
        out = self.tensor((1, *self._size(x, kernel, stride, padding), x.shape[3]))
        options = {"padding": padding, "stride_w": stride, "stride_h": stride, "depth_multiplier": 1, "fused_activation_function": activation}
        return self.add_operator("DEPTHWISE_CONV_2D", [x, weights, self._bias(x, weights)], out, **options)

    def _size(self, x: Tensor, kernel: int, stride: int, padding: str) -> tuple[int, ...]:
        return tuple((side - (kernel - 1 if padding == "VALID" else 0) + stride - 1) // stride for side in x.shape[1:3])

    def add(self, a: Tensor, b: Tensor, activation: str = "NONE") -> Tensor:
        """Output of an ADD."""
        return self.add_operator("ADD", [a, b], self.tensor(a.shape), fused_activation_function=activation)

    def mul(self, a: Tensor, b: Tensor) -> Tensor:
        """Output of a MUL."""
        scale = float(a.quantization.scale[0] * b.quantization.scale[0] * self.random.uniform(40, 200))
        out = self.tensor(a.shape, Quantization.per_tensor(scale, int(self.random.integers(-128, 128))))
        return self.add_operator("MUL", [a, b], out, fused_activation_function="NONE")

    def mean(self, x: Tensor) -> Tensor:
        """Output of a MEAN over height and width."""
        out = self.tensor((1, 1, 1, x.shape[3]), Quantization.per_tensor(float(x.quantization.scale[0]) * 0.5, int(self.random.integers(-60, 60))))
        return self.add_operator("MEAN", [x, Tensor.constant("axes", np.array([1, 2], np.int32))], out, keep_dims=True)

    def logistic(self, x: Tensor) -> Tensor:
        """Output of a LOGISTIC."""
        return self.add_operator("LOGISTIC", [x], self.tensor(x.shape, Quantization.per_tensor(1 / 256, -128)))

    def twice(self, x: Tensor) -> Tensor:
        """Output of a RESIZE_BILINEAR to twice the size."""
        shape = (1, 2 * x.shape[1], 2 * x.shape[2], x.shape[3])
        size = Tensor.constant("size", np.array(shape[1:3], np.int32))
        return self.add_operator("RESIZE_BILINEAR", [x, size], self.tensor(shape, x.quantization), align_corners=False, half_pixel_centers=True)

    def depth_to_space(self, x: Tensor, block: int) -> Tensor:
        """Output of a DEPTH_TO_SPACE."""
        shape = (1, x.shape[1] * block, x.shape[2] * block, x.shape[3] // block**2)
        return self.add_operator("DEPTH_TO_SPACE", [x], self.tensor(shape, x.quantization), block_size=block)

    def write(self, folder: Path, x: Tensor, *outputs: Tensor) -> Path:
        """The network as a file in `folder`."""
        path = folder / "network.tflite"
        path.write_bytes(write_tflite(TfliteModel(self.operators, [x], list(outputs))))
        return path
