"""Pictures between YUV 4:2:0 or RGB and int8 codes: the library's functions against OpenCV where the formulas are the same, else against numpy."""

from __future__ import annotations

import ctypes

import cv2
import numpy as np
import pytest

BT601, BT601_FULL, BT709 = range(3)
SIZES = [(2, 2), (6, 34), (37, 51), (1, 1), (48, 16)]

_FACTORS = {
    BT601: (16, 1.164, 1.596, -0.391, -0.813, 2.018),
    BT601_FULL: (0, 1.0, 1.402, -0.344136, -0.714136, 1.772),
    BT709: (16, 1.164384, 1.792741, -0.213249, -0.532909, 2.112402),
}
"""Y's zero, and what Y, V → R, U → G, V → G, U → B are multiplied by: BT.601, ITU-T T.871, BT.709."""


@pytest.fixture(scope="module")
def functions(library):
    """The library, its functions declared."""
    loaded = ctypes.CDLL(str(library))
    plane = [ctypes.c_void_p, ctypes.c_size_t]
    size = [ctypes.c_size_t, ctypes.c_size_t]
    loaded.redmobile_yuv420_to_rgb_s8.argtypes = [ctypes.c_int, ctypes.c_int, *plane, *plane, *plane, *size]
    loaded.redmobile_rgb_s8_to_yuv420.argtypes = [ctypes.c_int, ctypes.c_int, *plane, *plane, *plane, *size]
    loaded.redmobile_flip_signs.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    return loaded


def _plane(array: np.ndarray) -> tuple[int, int]:
    return array.ctypes.data, array.strides[0]


def _planes(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    height, width = size
    y = random.integers(0, 256, size, np.uint8)
    return y, random.integers(0, 256, ((height + 1) // 2, (width + 1) // 2, 2), np.uint8)


def _to_rgb(functions, y: np.ndarray, uv: np.ndarray, matrix: int, *, nv21: bool) -> np.ndarray:
    codes = np.empty((*y.shape, 3), np.int8)
    height, width = y.shape
    assert functions.redmobile_yuv420_to_rgb_s8(matrix, nv21, *_plane(y), *_plane(uv), *_plane(codes), width, height) == 0
    return codes.view(np.uint8) ^ 128


def _to_yuv(functions, rgb: np.ndarray, matrix: int, *, nv21: bool) -> tuple[np.ndarray, np.ndarray]:
    height, width = rgb.shape[:2]
    codes = (rgb ^ 128).view(np.int8)
    y, uv = np.empty((height, width), np.uint8), np.empty(((height + 1) // 2, (width + 1) // 2, 2), np.uint8)
    assert functions.redmobile_rgb_s8_to_yuv420(matrix, nv21, *_plane(codes), *_plane(y), *_plane(uv), width, height) == 0
    return y, uv


@pytest.mark.parametrize(("nv21", "code"), [(False, cv2.COLOR_YUV2RGB_NV12), (True, cv2.COLOR_YUV2RGB_NV21)])
@pytest.mark.parametrize("size", [size for size in SIZES if size[0] % 2 == size[1] % 2 == 0])  # OpenCV takes no odd ones
def test_bt601_to_rgb_is_opencv_bit_for_bit(functions, size, nv21, code):
    y, uv = _planes(size)
    together = np.concatenate([y, uv.reshape(-1, size[1])])
    np.testing.assert_array_equal(_to_rgb(functions, y, uv, BT601, nv21=nv21), cv2.cvtColor(together, code))


@pytest.mark.parametrize("matrix", [BT601, BT601_FULL, BT709])
@pytest.mark.parametrize("size", SIZES)
def test_to_rgb_is_the_formula_to_within_one(functions, size, matrix):
    """At odd sizes too; in floating point, so a half may be rounded the other way."""
    y, uv = _planes(size)
    zero, light, v_to_r, u_to_g, v_to_g, u_to_b = _FACTORS[matrix]
    u, v = (uv[..., part].astype(float).repeat(2, 0).repeat(2, 1)[: size[0], : size[1]] - 128 for part in (0, 1))
    base = light * np.maximum(y.astype(float) - zero, 0)
    expected = np.stack([base + v_to_r * v, base + u_to_g * u + v_to_g * v, base + u_to_b * u], -1).clip(0, 255)
    assert np.abs(_to_rgb(functions, y, uv, matrix, nv21=False) - expected).max() < 0.75


@pytest.mark.parametrize("size", [(6, 34), (48, 16)])
def test_bt601_from_rgb_is_opencv_where_blocks_are_of_one_colour(functions, size):
    """There the mean of four pixels is each of them; of other blocks OpenCV takes one pixel's U and V."""
    random = np.random.default_rng(4)
    blocks = random.integers(0, 256, (size[0] // 2, size[1] // 2, 3), np.uint8).repeat(2, 0).repeat(2, 1)
    y, uv = _to_yuv(functions, blocks, BT601, nv21=False)
    planar = cv2.cvtColor(blocks, cv2.COLOR_RGB2YUV_I420)
    u, v = planar[size[0] :].reshape(2, size[0] // 2, size[1] // 2)
    np.testing.assert_array_equal(y, planar[: size[0]])
    np.testing.assert_array_equal(uv, np.stack([u, v], -1))


@pytest.mark.parametrize("matrix", [BT601, BT601_FULL, BT709])
@pytest.mark.parametrize("nv21", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_there_and_back(functions, size, matrix, nv21):
    """A picture of blocks of one colour comes back to within the steps of Y, U and V."""
    random = np.random.default_rng(5)
    blocks = random.integers(0, 256, ((size[0] + 1) // 2, (size[1] + 1) // 2, 3), np.uint8).repeat(2, 0).repeat(2, 1)[: size[0], : size[1]]
    y, uv = _to_yuv(functions, np.ascontiguousarray(blocks), matrix, nv21=nv21)
    back = _to_rgb(functions, y, uv, matrix, nv21=nv21)
    assert np.abs(back.astype(int) - blocks).max() <= 3


def test_chroma_is_of_the_mean_of_four_pixels(functions):
    picture = np.zeros((2, 2, 3), np.uint8)
    picture[0, 0] = picture[1, 1] = 255, 0, 0
    _, uv = _to_yuv(functions, picture, BT601_FULL, nv21=False)
    _, of_mean = _to_yuv(functions, np.full((2, 2, 3), (128, 0, 0), np.uint8), BT601_FULL, nv21=False)
    np.testing.assert_array_equal(uv, of_mean)


def test_signs_are_flipped_in_place_too(functions):
    given = np.arange(256, dtype=np.uint8).repeat(3)
    codes = np.empty(given.shape, np.int8)
    functions.redmobile_flip_signs(given.ctypes.data, codes.ctypes.data, given.size)
    np.testing.assert_array_equal(codes, given.astype(int) - 128)
    functions.redmobile_flip_signs(codes.ctypes.data, codes.ctypes.data, codes.size)
    np.testing.assert_array_equal(codes.view(np.uint8), given)


@pytest.mark.parametrize("matrix", [-1, 3])
def test_a_matrix_that_is_none_is_refused(functions, matrix):
    assert functions.redmobile_yuv420_to_rgb_s8(matrix, 0, None, 0, None, 0, None, 0, 2, 2) == -1
    assert functions.redmobile_rgb_s8_to_yuv420(matrix, 0, None, 0, None, 0, None, 0, 2, 2) == -1
