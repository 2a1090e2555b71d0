"""MobileNetV2 with weights as networks begin their training, made in ONNX and quantized here: a network of another family than ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from redmobile.pipeline import convert

_ROWS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, repeats, stride of the first: table 2 of arXiv 1801.04381."""

_CLASSES = 10


class _MobileNetV2:
    """The network while it grows. size: of the picture; width: of the table's channels; all_round: strides padded as PyTorch does it."""

    def __init__(self, size: tuple[int, int], width: float, *, all_round: bool) -> None:
        self.size, self.width, self.all_round = size, width, all_round
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.random = np.random.default_rng(5)

    def add(self, op: str, *inputs: str, **attributes) -> str:
        self.nodes.append(helper.make_node(op, list(inputs), [f"v{len(self.nodes)}"], **attributes))
        return self.nodes[-1].output[0]

    def constant(self, values: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(values.astype(np.float32), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def channels(self, count: int) -> int:
        return max(8, int(count * self.width + 4) // 8 * 8)

    def conv(self, x: str, into: int, out: int, kernel: int = 1, stride: int = 1, *, depthwise: bool = False, clipped: bool = True) -> str:
        """clipped: with ReLU6 behind it."""
        taps = kernel * kernel * (1 if depthwise else into)
        weights = self.constant(self.random.normal(0, np.sqrt(2 / taps), (out, 1 if depthwise else into, kernel, kernel)))
        bias = self.constant(self.random.normal(0, 0.1, out))
        y = self.add("Conv", x, weights, bias, strides=[stride] * 2, pads=self._pads(kernel, stride), group=into if depthwise else 1)
        return self.add("Clip", y, self.constant(np.array(0)), self.constant(np.array(6))) if clipped else y

    def _pads(self, kernel: int, stride: int) -> list[int]:
        """At stride 2 and even sizes TensorFlow's SAME pads below and to the right alone."""
        return [kernel // 2] * 4 if stride == 1 or self.all_round else [0, 0, kernel // 2, kernel // 2]

    def residual(self, x: str, into: int, out: int, expansion: int, stride: int) -> str:
        wide = self.conv(x, into, into * expansion) if expansion > 1 else x
        deep = self.conv(wide, into * expansion, into * expansion, 3, stride, depthwise=True)
        narrow = self.conv(deep, into * expansion, out, clipped=False)
        return self.add("Add", x, narrow) if stride == 1 and into == out else narrow

    def whole(self) -> tuple[str, str]:
        """Probabilities of classes, and the features that they come from."""
        channels = self.channels(32)
        x = self.conv("image", 3, channels, 3, 2)
        for expansion, count, repeats, stride in _ROWS:
            for number in range(repeats):
                x = self.residual(x, channels, self.channels(count), expansion, stride if number == 0 else 1)
                channels = self.channels(count)
        features = self.conv(x, channels, self.channels(1280))
        flat = self.add("Flatten", self.add("GlobalAveragePool", features))
        weights = self.constant(self.random.normal(0, 0.05, (_CLASSES, self.channels(1280))))
        logits = self.add("Gemm", flat, weights, self.constant(self.random.normal(0, 0.1, _CLASSES)), transB=1)
        return self.add("Softmax", logits, axis=1), features


def write_mobile_net_v2(folder: Path, size: tuple[int, int], width: float, frames: list[np.ndarray], *, all_round: bool) -> Path:
    """The INT8 file. frames: (height, width, 3) uint8 of `size`, for calibration."""
    net = _MobileNetV2(size, width, all_round=all_round)
    outputs = [helper.make_empty_tensor_value_info(name) for name in net.whole()]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, *size))
    graph = helper.make_graph(net.nodes, "mobile_net_v2", [image], outputs, net.constants)
    onnx_file, path = folder / "mobile_net_v2.onnx", folder / "mobile_net_v2.tflite"
    onnx.save(onnx.shape_inference.infer_shapes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)), onnx_file)
    path.write_bytes(convert(onnx_file, "litert_int8", frames).data)
    return path
