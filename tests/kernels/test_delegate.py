"""The delegate in LiteRT: whole networks bit for bit as XNNPACK gives them, and everything that it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from redmobile.bench.demo_pictures import demo_pictures
from redmobile.data.frames import read_image
from redmobile.errors import DeviceError, UnsupportedModelError, UsageError
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.runtimes.base import Delegate, open_runtime
from redmobile.runtimes.external_delegate import DelegatedRuntime
from redmobile.shelf import find, names

sys.path.insert(0, str(Path(__file__).parent))
from maker import Maker
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


def _int8_files() -> list[Path]:
    """Of every model that has some."""
    return sorted(file for name in names("models") for file in find("models", name).glob("*int8*.tflite"))


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("path", _int8_files(), ids=lambda path: path.stem)
def test_released_files_on_random_and_real_frames(path, threads):
    photographs = [read_image(picture).frame for picture in sorted(demo_pictures("red_mobile").glob("*.jpg"))]
    (spec,) = open_runtime(path).inputs
    frames = [_frame(photographs[number % len(photographs)], number, spec.shape[1:3]) for number in range(20)]
    _same(path, [*_noise(spec.shape, 50), *frames], threads)


def _frame(photograph: np.ndarray, number: int, size: tuple[int, ...]) -> np.ndarray:
    """A cut of the photograph, repeated to the size of a frame; other numbers, other cuts."""
    rows, columns = (np.arange(length) + 37 * number for length in size)
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


def _body(make: Maker, x: Tensor) -> Tensor:
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
    make = Maker(seed)
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
    make = Maker(3)
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
    make = Maker(5)
    x = make.tensor((1, 20, 20, 8))
    a = make.conv(x, 16)
    half = make.tensor((1, 10, 10, 16), a.quantization)
    options = {"padding": "SAME", "stride_w": 2, "stride_h": 2, "filter_width": 2, "filter_height": 2, "fused_activation_function": "NONE"}
    pooled = make.add_operator("MAX_POOL_2D", [a], half, **options)
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
