"""The delegate in LiteRT: whole networks bit for bit as XNNPACK gives them, and everything that it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from redmobile.bench.demo_pictures import demo_pictures
from redmobile.core.quant_math import Quantization
from redmobile.data.frames import read_image
from redmobile.errors import DeviceError, UnsupportedModelError, UsageError
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.runtimes.base import Delegate, open_runtime
from redmobile.runtimes.external_delegate import DelegatedRuntime
from redmobile.shelf import find

sys.path.insert(0, str(Path(__file__).parent))
from resized import write_resized

OWN = Delegate("redmobile")

pytestmark = pytest.mark.usefixtures("library")


def _pair(path: Path, threads: int = 1, **options: str):
    return open_runtime(path, "litert", threads), open_runtime(path, "litert", threads, Delegate("redmobile", options))


def _same(path: Path, inputs: list[np.ndarray], threads: int = 1, **options: str) -> DelegatedRuntime:
    plain, own = _pair(path, threads, **options)
    for array in inputs:
        (expected,), (found,) = plain.run(array), own.run(array)
        np.testing.assert_array_equal(found, expected)
    return own


def _noise(shape: tuple[int, ...], count: int, seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.integers(-128, 128, shape, np.int8) for _ in range(count)]


@pytest.mark.parametrize(("size", "threads"), [((64, 64), 1), ((192, 320), 1), ((192, 320), 2), ((320, 192), 4), ((576, 64), 8)])
def test_red_mobile_at_many_sizes(tmp_path, size, threads):
    path = write_resized(tmp_path, *size)
    own = _same(path, _noise((1, *size, 3), 4), threads)
    assert own.name.endswith("+ redmobile")
    (plan,) = own.plans
    assert plan["nodes"] == 79
    assert len(plan["levels"]) == 4


@pytest.mark.parametrize("isa", ["scalar", "auto"])
def test_each_instruction_set(tmp_path, isa):
    _same(write_resized(tmp_path, 192, 192), _noise((1, 192, 192, 3), 2), isa=isa)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_released_file_on_random_and_real_frames(threads):
    path = find("models", "red_mobile") / "red_mobile_int8.tflite"
    photographs = [read_image(picture).frame for picture in sorted(demo_pictures("red_mobile").glob("*.jpg"))]
    frames = [_frame(photographs[number % len(photographs)], number) for number in range(20)]
    _same(path, [*_noise((1, 1088, 1920, 3), 50), *frames], threads)


def _frame(photograph: np.ndarray, number: int) -> np.ndarray:
    """A cut of the photograph, repeated to the size of a frame; other numbers, other cuts."""
    rows, columns = (np.arange(length) + 37 * number for length in (1088, 1920))
    cut = photograph.take(rows, 0, mode="wrap").take(columns, 1, mode="wrap")
    return (cut[None] ^ np.uint8(128)).view(np.int8)


def test_a_small_cache_cuts_chains_and_changes_nothing(tmp_path):
    path = write_resized(tmp_path, 192, 320)
    whole = _same(path, _noise((1, 192, 320, 3), 1), l2="1M")
    cut = _same(path, _noise((1, 192, 320, 3), 1), l2="24K")
    rings = [max(level["ring_bytes"] for level in runtime.plans[0]["levels"]) for runtime in (whole, cut)]
    assert rings[1] < rings[0]
    assert len(cut.plans[0]["levels"]) > len(whole.plans[0]["levels"])


# ---- networks made at random ----


def _quantization(random: np.random.Generator, *, low: float = 0.01, high: float = 0.1) -> Quantization:
    return Quantization.per_tensor(float(random.uniform(low, high)), int(random.integers(-128, 128)))


class _Maker:
    """Builds INT8 networks operator by operator."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.operators: list[Operator] = []
        self.count = 0

    def tensor(self, shape: tuple[int, ...], quantization: Quantization | None = None) -> Tensor:
        self.count += 1
        return Tensor(f"t{self.count}", shape, "int8", None, quantization or _quantization(self.random))

    def _add(self, kind: str, inputs: list[Tensor], out: Tensor, **options) -> Tensor:
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
        weights = self._weights((channels, kernel, kernel, x.shape[3]), 0)
        out = self.tensor((1, *self._size(x, kernel, stride, padding), channels))
        options = {"padding": padding, "stride_w": stride, "stride_h": stride, "fused_activation_function": activation}
        return self._add("CONV_2D", [x, weights, self._bias(x, weights)], out, **options)

    def depthwise(self, x: Tensor, kernel: int = 3, stride: int = 1, padding: str = "SAME", activation: str = "RELU6") -> Tensor:
        weights = self._weights((1, kernel, kernel, x.shape[3]), 3)
        out = self.tensor((1, *self._size(x, kernel, stride, padding), x.shape[3]))
        options = {"padding": padding, "stride_w": stride, "stride_h": stride, "depth_multiplier": 1, "fused_activation_function": activation}
        return self._add("DEPTHWISE_CONV_2D", [x, weights, self._bias(x, weights)], out, **options)

    def _size(self, x: Tensor, kernel: int, stride: int, padding: str) -> tuple[int, ...]:
        return tuple((side - (kernel - 1 if padding == "VALID" else 0) + stride - 1) // stride for side in x.shape[1:3])

    def add(self, a: Tensor, b: Tensor, activation: str = "NONE") -> Tensor:
        return self._add("ADD", [a, b], self.tensor(a.shape), fused_activation_function=activation)

    def mul(self, a: Tensor, b: Tensor) -> Tensor:
        scale = float(a.quantization.scale[0] * b.quantization.scale[0] * self.random.uniform(40, 200))
        out = self.tensor(a.shape, Quantization.per_tensor(scale, int(self.random.integers(-128, 128))))
        return self._add("MUL", [a, b], out, fused_activation_function="NONE")

    def mean(self, x: Tensor) -> Tensor:
        out = self.tensor((1, 1, 1, x.shape[3]), Quantization.per_tensor(float(x.quantization.scale[0]) * 0.5, int(self.random.integers(-60, 60))))
        return self._add("MEAN", [x, Tensor.constant("axes", np.array([1, 2], np.int32))], out, keep_dims=True)

    def logistic(self, x: Tensor) -> Tensor:
        return self._add("LOGISTIC", [x], self.tensor(x.shape, Quantization.per_tensor(1 / 256, -128)))

    def twice(self, x: Tensor) -> Tensor:
        shape = (1, 2 * x.shape[1], 2 * x.shape[2], x.shape[3])
        size = Tensor.constant("size", np.array(shape[1:3], np.int32))
        return self._add("RESIZE_BILINEAR", [x, size], self.tensor(shape, x.quantization), align_corners=False, half_pixel_centers=True)

    def depth_to_space(self, x: Tensor, block: int) -> Tensor:
        shape = (1, x.shape[1] * block, x.shape[2] * block, x.shape[3] // block**2)
        return self._add("DEPTH_TO_SPACE", [x], self.tensor(shape, x.quantization), block_size=block)

    def write(self, folder: Path, x: Tensor, *outputs: Tensor) -> Path:
        path = folder / "network.tflite"
        path.write_bytes(write_tflite(TfliteModel(self.operators, [x], list(outputs))))
        return path


def _body(make: _Maker, x: Tensor) -> Tensor:
    """An inverted residual with a gate, down and up again, and what is left at the edges of sizes that no stride divides."""
    random = make.random
    channels = int(random.choice([8, 12, 16, 24, 40]))
    kernel = int(random.choice([3, 4, 5]))
    start = make.conv(x, channels, kernel, int(random.choice([1, 2])), str(random.choice(["SAME", "VALID"])), "RELU6")
    wide = make.conv(start, channels * 2, activation=str(random.choice(["RELU", "RELU6", "RELU_N1_TO_1", "NONE"])))
    deep = make.depthwise(wide, int(random.choice([3, 5])))
    gate = make.logistic(make.conv(make.conv(make.mean(deep), 8, activation="RELU"), channels * 2))
    narrow = make.conv(make.mul(deep, gate), channels)
    return make.add(start, narrow, str(random.choice(["NONE", "RELU"])))


@pytest.mark.parametrize("seed", range(12))
def test_random_networks_of_odd_sizes(tmp_path, seed):
    make = _Maker(seed)
    shape = (1, int(make.random.integers(13, 40)), int(make.random.integers(13, 40)), int(make.random.choice([3, 4, 5])))
    x = make.tensor(shape)
    body = _body(make, x)
    small = make.depthwise(body, 3, 2, str(make.random.choice(["SAME", "VALID"])))
    up = make.twice(make.conv(small, body.shape[3]))
    spot = make.conv(up, 1)
    shown = make.mul(up, make.logistic(spot))
    out = make.depth_to_space(make.conv(shown, 12, 3), 2)
    path = make.write(tmp_path, x, out)
    own = _same(path, _noise(shape, 2, seed), threads=int(make.random.choice([1, 2, 3, 4])))
    assert sum(plan["nodes"] for plan in own.plans) == len(make.operators)


def test_several_outputs_some_of_which_are_read_again(tmp_path):
    make = _Maker(3)
    x = make.tensor((1, 21, 17, 8))
    first = make.conv(x, 16, activation="RELU6")
    second = make.depthwise(first)
    third = make.add(first, second)
    path = make.write(tmp_path, x, first, second, third)
    for threads in (1, 3):
        plain, own = _pair(path, threads)
        for array in _noise(x.shape, 2):
            for expected, found in zip(plain.run(array), own.run(array), strict=True):
                np.testing.assert_array_equal(found, expected)


def test_what_it_does_not_know_is_left_to_the_runtime(tmp_path):
    make = _Maker(5)
    x = make.tensor((1, 20, 20, 8))
    a = make.conv(x, 16)
    pooled = make._add("MAX_POOL_2D", [a], make.tensor((1, 10, 10, 16), a.quantization), padding="SAME", stride_w=2, stride_h=2, filter_width=2,
                       filter_height=2, fused_activation_function="NONE")  # fmt: skip
    path = make.write(tmp_path, x, make.conv(pooled, 8))
    own = _same(path, _noise(x.shape, 3), threads=2)
    assert sum(plan["nodes"] for plan in own.plans) == 2


def test_a_float_network_is_refused(tmp_path):
    x, w = Tensor("x", (1, 8, 8, 4), "float32"), Tensor.constant("w", np.ones((4, 1, 1, 4), np.float32))
    out = Tensor("y", (1, 8, 8, 4), "float32")
    conv = Operator("CONV_2D", [x, w, Tensor.constant("b", np.zeros(4, np.float32))], [out], {"padding": "SAME", "stride_w": 1, "stride_h": 1})
    path = tmp_path / "float.tflite"
    path.write_bytes(write_tflite(TfliteModel([conv], [x], [out])))
    with pytest.raises(UnsupportedModelError, match="takes none of its operators"):
        open_runtime(path, "litert", 1, OWN)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"colour": "red"}, "no option is called 'colour'; known are threads, isa, l2, plan"),
        ({"threads": "9"}, "threads is a number from 1 to 8, found '9'"),
        ({"threads": "two"}, "found 'two'"),
        ({"l2": "512Q"}, "l2 is a size"),
        ({"isa": "mmx"}, "found 'mmx'"),
    ],
)
def test_options_that_are_none(tmp_path, options, says):
    with pytest.raises(UsageError, match=says):
        open_runtime(write_resized(tmp_path, 64, 64), "litert", 1, Delegate("redmobile", options))


def test_engines_without_delegates_say_so():
    with pytest.raises(UsageError, match="onnxruntime takes no delegates"):
        open_runtime(find("models", "red_mobile") / "red_mobile.onnx", None, 1, OWN)


def test_another_library_that_is_none(tmp_path):
    file = find("models", "red_mobile") / "red_mobile_int8.tflite"
    with pytest.raises(UsageError, match="no such file"):
        open_runtime(file, "litert", 1, Delegate("nowhere.so"))
    (tmp_path / "no.so").write_bytes(b"no library")
    with pytest.raises(DeviceError, match="cannot be loaded as a delegate"):
        open_runtime(file, "litert", 1, Delegate(str(tmp_path / "no.so")))


def test_a_library_that_is_not_built_is_not_built_unasked(monkeypatch, tmp_path):
    monkeypatch.setenv("REDMOBILE_CACHE", str(tmp_path))
    with pytest.raises(DeviceError, match="redmobile kernels build"):
        open_runtime(find("models", "red_mobile") / "red_mobile_int8.tflite", "litert", 1, OWN)
