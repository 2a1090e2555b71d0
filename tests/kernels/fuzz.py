"""Small networks at the edges of what is possible, the delegate beside LiteRT's XNNPACK.

Pictures of a pixel, windows larger than they are, zero points of -128 and 127, scales with which nothing or everything saturates, weights of
-128. `python fuzz.py LIBRARY FIRST COUNT` runs networks FIRST to FIRST + COUNT - 1, and RED-mobile at a small size, on 1 to 8 threads.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Tensor
from redmobile.runtimes.base import Delegate, open_runtime

sys.path.insert(0, str(Path(__file__).parent))
from maker import Maker
from resized import write_resized

_CHANNELS = (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 40, 48, 56, 64)
_ZEROS = (-128, 127, 0, -1)

_MOST = 2.0e9
"""Of a sum times its scale. Beyond int32 XNNPACK's AVX-512 kernels wrap around (-3.3e9 and a zero point of -1 gave 127), its Arm ones saturate."""


class _EdgeMaker(Maker):
    """Draws what others would call unreasonable."""

    def any_of(self, *choices):
        """One of them."""
        return choices[int(self.random.integers(len(choices)))]

    def zero(self) -> int:
        """A zero point."""
        return self.any_of(*_ZEROS) if self.random.random() < 0.6 else int(self.random.integers(-128, 128))

    def tensor(self, shape: tuple[int, ...], quantization: Quantization | None = None) -> Tensor:
        """Scales over three powers of ten, so that sums are now far below a step, now far above the codes."""
        drawn = Quantization.per_tensor(float(10 ** self.random.uniform(-2.5, 0.5)), self.zero())
        return super().tensor(shape, quantization or drawn)

    def _weights(self, shape: tuple[int, ...], axis: int) -> Tensor:
        self.count += 1
        scales = (10 ** self.random.uniform(-3.5, -0.5, shape[axis])).astype(np.float32)
        most = self.any_of(0, 1, 3, 127, 127, 127)
        values = self.random.integers(-most, most + 1, shape, np.int8, endpoint=False) if most else np.zeros(shape, np.int8)
        if self.random.random() < 0.2:
            values = np.where(values < 0, -127, 127).astype(np.int8)
        if self.random.random() < 0.1:
            values.flat[int(self.random.integers(values.size))] = -128
        return Tensor.constant(f"w{self.count}", values, Quantization.per_channel(scales, axis))

    def _bias(self, x: Tensor, weights: Tensor) -> Tensor:
        bias = super()._bias(x, weights)
        most = self.any_of(10, 10_000, 1_000_000, 100_000_000)
        bias.data = self.random.integers(-most, most + 1, len(bias.data)).astype(np.int32)
        return bias

    def add_operator(self, kind: str, inputs: list[Tensor], out: Tensor, **options) -> Tensor:
        """Sums times scales within `_MOST`."""
        if kind in {"CONV_2D", "DEPTHWISE_CONV_2D"}:
            x, weights, bias = inputs
            axis = weights.quantization.axis
            rest = tuple(number for number in range(4) if number != axis)
            sums = 255 * np.abs(weights.data.astype(float)).sum(rest) + np.abs(bias.data)
            scales = x.quantization.scale[0] * weights.quantization.scale / out.quantization.scale[0]
            least = weights.quantization.scale / np.maximum(sums * scales / _MOST, 1)
            weights.quantization = Quantization.per_channel(least.astype(np.float32), axis)
            bias.quantization = Quantization.per_channel(x.quantization.scale[0] * weights.quantization.scale, 0)
        return super().add_operator(kind, inputs, out, **options)

    def mean(self, x: Tensor) -> Tensor:
        """Of a scale by chance; MobileNetV2's test has means exactly between two codes."""
        out = super().mean(x)
        out.quantization = Quantization.per_tensor(float(x.quantization.scale[0]) * float(self.random.uniform(0.2, 1.5)), self.zero())
        return out

    def layer(self, x: Tensor) -> Tensor:
        """One more layer on x."""
        return self.any_of(self._conv, self._conv, self._pointwise, self._pointwise, self._depthwise, self._depthwise, self._other)(x)

    def _activation(self) -> str:
        return self.any_of("NONE", "RELU", "RELU6", "RELU_N1_TO_1")

    def _padding(self, x: Tensor, kernel: int) -> str:
        return "VALID" if min(x.shape[1:3]) >= kernel and self.random.random() < 0.3 else "SAME"

    def _conv(self, x: Tensor) -> Tensor:
        kernel = self.any_of(1, 2, 3, 4, 5)
        return self.conv(x, self.any_of(*_CHANNELS), kernel, self.any_of(1, 2, 3), self._padding(x, kernel), self._activation())

    def _pointwise(self, x: Tensor) -> Tensor:
        return self.conv(x, self.any_of(*_CHANNELS), activation=self._activation())

    def _depthwise(self, x: Tensor) -> Tensor:
        kernel = self.any_of(3, 5)
        return self.depthwise(x, kernel, self.any_of(1, 2), self._padding(x, kernel), self._activation())

    def _other(self, x: Tensor) -> Tensor:
        kind = self.any_of("twice", "gate", "sum", "spot", "table")
        if kind == "twice" and max(x.shape[1:3]) < 40:
            return self.twice(x)
        if kind == "gate":
            return self.mul(x, self.logistic(self.conv(self.mean(x), x.shape[3])))
        if kind == "sum":
            return self.add(x, self.conv(x, x.shape[3], self.any_of(1, 3)), self._activation())
        return self.mul(x, self.logistic(self.conv(x, 1))) if kind == "spot" else self.logistic(x)


def compare(library: str, seed: int, folder: Path) -> None:
    """Network `seed`. Raises AssertionError where a code differs from XNNPACK's."""
    make = _EdgeMaker(seed)
    size = [make.any_of(1, 2, 3, 5) if make.random.random() < 0.4 else int(make.random.integers(1, 34)) for _ in range(2)]
    x = out = make.tensor((1, *size, make.any_of(*_CHANNELS)))
    shown = []
    for _ in range(int(make.random.integers(2, 9))):
        out = make.layer(out)
        if make.random.random() < 0.3 and out is not x:
            shown.append(out)
    out = make.conv(out, make.any_of(*_CHANNELS))
    path = make.write(folder, x, *dict.fromkeys([*shown, out]))
    threads = int(make.random.integers(1, 9))
    options = {"threads": str(threads), "l2": make.any_of("4K", "16K", "512K")}
    plain = open_runtime(path, "litert", 1)
    own = open_runtime(path, "litert", threads, Delegate(library, options))
    for fill in ("noise", "least", "most", "edges"):
        array = {
            "noise": make.random.integers(-128, 128, x.shape, np.int8),
            "least": np.full(x.shape, -128, np.int8),
            "most": np.full(x.shape, 127, np.int8),
            "edges": np.where(make.random.random(x.shape) < 0.5, -128, 127).astype(np.int8),
        }[fill]
        for number, (expected, found) in enumerate(zip(plain.run(array), own.run(array), strict=True)):
            np.testing.assert_array_equal(found, expected, f"network {seed}, {fill}, output {number}, {threads} threads")


def compare_red_mobile(library: str, folder: Path) -> None:
    """The released network on 192×192 pixels. Raises AssertionError where a code differs."""
    path = write_resized(folder, 192, 192)
    array = np.random.default_rng(0).integers(-128, 128, (1, 192, 192, 3), np.int8)
    (expected,) = open_runtime(path, "litert", 1).run(array)
    for threads in (1, 3, 8):
        own = open_runtime(path, "litert", threads, Delegate(library, {"threads": str(threads)}))
        for _ in range(3):
            np.testing.assert_array_equal(own.run(array)[0], expected)


def main(library: str, first: int, count: int) -> None:
    """See above."""
    with tempfile.TemporaryDirectory() as scratch:
        compare_red_mobile(library, Path(scratch))
        for seed in range(first, first + count):
            compare(library, seed, Path(scratch))
    sys.stdout.write(f"{count} networks, the same codes\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
