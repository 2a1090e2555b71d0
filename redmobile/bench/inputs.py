"""Something for any network to work on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.core.tensor_spec import TensorSpec

_SEED = 1080
_RGB = 3
_BLOCK = 64


def arrays_for(specs: Sequence[TensorSpec]) -> list[NDArray[Any]]:
    """One array for each of a network's inputs, the same at every call: dark pictures where it takes pictures, else zeros.

    A picture's values are in [0, 1] (float), the codes that stand for those (quantized), or 0…255 (integers without quantization).
    Needs hardly more memory than the arrays themselves, for the memory of networks is measured with them.
    """
    return [_array(spec) for spec in specs]


def dark_scene(height: int, width: int) -> Frame:
    """A dark, noisy scene, (height, width, 3) uint8: soft patches of light and noise.

    Not black, and without long runs of one value: a network must not come across it faster than across a photograph.
    """
    rng = np.random.default_rng(_SEED)
    patches = rng.integers(0, 70, (max(2, height // 120), max(2, width // 120), _RGB), np.uint8)
    light = cv2.resize(patches, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.add(light, rng.integers(0, 12, light.shape, np.uint8)), np.uint8)


def _array(spec: TensorSpec) -> NDArray[Any]:
    filled = np.zeros(spec.shape, spec.dtype)
    if spec.layout == "?":
        return filled
    pixels = filled if spec.layout == "NHWC" else filled.transpose(0, 2, 3, 1)
    height, width, channels = spec.image_size
    block = _codes(spec)[np.resize(dark_scene(min(_BLOCK, height), width), (min(_BLOCK, height), width, channels))]
    for top in range(0, height, len(block)):
        rows = pixels[:, top : top + len(block)]
        rows[...] = block[: rows.shape[1]]
    return filled


def _codes(spec: TensorSpec) -> NDArray[Any]:
    """What stands for each of the 256 values of a channel."""
    values = np.arange(256)
    if spec.quantization is not None:
        return spec.quantization.quantize((values / 255).astype(np.float32), spec.dtype)
    if np.issubdtype(np.dtype(spec.dtype), np.floating):
        return (values / 255).astype(spec.dtype)
    return values.astype(spec.dtype)
