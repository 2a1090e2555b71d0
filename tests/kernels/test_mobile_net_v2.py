"""MobileNetV2 in LiteRT with the delegate: its chains are taken, what else it has is left to XNNPACK, and no code differs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from redmobile.bench.demo_pictures import demo_pictures
from redmobile.data.frames import read_image
from redmobile.graph.tflite_read import read_tflite
from redmobile.runtimes.base import Delegate, open_runtime

sys.path.insert(0, str(Path(__file__).parent))
from mobile_net_v2 import write_mobile_net_v2

pytestmark = pytest.mark.usefixtures("library")


def _photographs(size: tuple[int, int], count: int) -> list[np.ndarray]:
    """Cuts of the demo's pictures, of `size`."""
    pictures = [read_image(picture).frame for picture in sorted(demo_pictures("red_mobile").glob("*.jpg"))]
    cuts = []
    for number in range(count):
        rows, columns = (np.arange(length) + 61 * number for length in size)
        cuts.append(pictures[number % len(pictures)].take(rows, 0, mode="wrap").take(columns, 1, mode="wrap"))
    return cuts


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(((97, 131), 0.35, False), id="odd"),
        pytest.param(((97, 131), 0.35, True), marks=pytest.mark.slow, id="odd-all-round"),
        pytest.param(((224, 224), 1.0, True), marks=pytest.mark.slow, id="224"),
    ],
)
def network(request, tmp_path_factory):
    """File, size of the picture."""
    size, width, all_round = request.param
    folder = tmp_path_factory.mktemp("mobile_net_v2")
    return write_mobile_net_v2(folder, size, width, _photographs(size, 4), all_round=all_round), size


def _assert_same(file: Path, frames: list[np.ndarray], threads: int) -> None:
    plain, own = open_runtime(file, "litert", threads), open_runtime(file, "litert", threads, Delegate("redmobile"))
    for frame in frames:
        for expected, found in zip(plain.run(frame), own.run(frame), strict=True):
            np.testing.assert_array_equal(found, expected)
            assert expected.size < 100 or len(np.unique(expected)) > 30  # features are not all clamped: they would agree by themselves


def _frames(size: tuple[int, int], noise: int, photographs: int) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    made = [random.integers(-128, 128, (1, *size, 3), np.int8) for _ in range(noise)]
    return made + [(photograph ^ np.uint8(128)).view(np.int8)[None] for photograph in _photographs(size, photographs)]


def test_the_same_codes(network):
    file, size = network
    _assert_same(file, _frames(size, 2, 2), 2)


def test_its_chains_are_taken_and_the_rest_is_left(network):
    file, _ = network
    kinds = [operator.kind for operator in read_tflite(file.read_bytes()).operators]
    own = open_runtime(file, "litert", 1, Delegate("redmobile"))
    left = {"PAD", "FULLY_CONNECTED", "SOFTMAX"}
    assert sum(plan["nodes"] for plan in own.plans) == sum(kind not in left for kind in kinds)
    assert left & set(kinds) >= {"FULLY_CONNECTED", "SOFTMAX"}
    assert kinds.count("DEPTHWISE_CONV_2D") == 17


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_fifty_random_and_twenty_real_frames(network, threads):
    file, size = network
    _assert_same(file, _frames(size, 50, 20), threads)
