"""A network that maps an image to an image, used on frames of any size."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.core.tensor_spec import TensorSpec
from redmobile.enhance.deep import DeepFrame, add_fine_levels
from redmobile.enhance.guide import Guide
from redmobile.enhance.pixel_codes import RGBA_CHANNELS, PixelCodes
from redmobile.enhance.tiles import Tile, blend, padded_length, tile_starts
from redmobile.errors import UnsupportedModelError, UsageError
from redmobile.runtimes.base import Runtime

RANGE_KEY = "redmobile.input_range"
"""Property of a file: the real values of pixels 0 and 255, '0,1'."""

STRONGEST = 1.5
"""Beyond, noise and halos grow faster than anything else."""

_ORDER_KEY = "redmobile.input_order"


class ImageModel:
    """`runtime` as a function from frame to frame. height, width: of the frames the network itself takes.

    Frames are (H, W, 3) uint8, full-range RGB. Raises UnsupportedModelError unless the network has one image in and one image of the
    same size out, each (1, H, W, 3) or (1, 3, H, W); or (1, H, W, 4) where the file says that it takes RGBA.
    """

    def __init__(self, runtime: Runtime) -> None:
        given, made = _image_specs(runtime)
        self.height, self.width, _ = given.image_size
        value_range = value_range_of(runtime)
        self._runtime = runtime
        self._packing, self._unpacking = PixelCodes(given, value_range), PixelCodes(made, value_range)

    def run(self, frame: Frame) -> Frame:
        """The network on a frame of exactly its size, clipped and rounded to 8 bits. Raises UsageError for another size."""
        if frame.shape != (self.height, self.width, 3) or frame.dtype != np.uint8:
            found = "×".join(map(str, frame.shape))
            raise UsageError(f"The network takes a frame of {self.height}×{self.width}×3 uint8, one of {found} {frame.dtype} was given.")
        return self._unpacking.unpack(self.infer(self._packing.pack(frame)))

    def takes_whole(self, height: int, width: int) -> bool:
        """Whether a frame of this size goes through the network in one piece, as it stands: `prepare`, `infer` and `finish` are then enough."""
        return height <= self.height and width <= self.width

    def prepare(self, frame: Frame) -> NDArray[Any]:
        """The network's input for a frame that it takes whole: mirrored on to the network's size, and packed."""
        return self._packing.pack(_mirror(frame, self.height, self.width))

    def infer(self, packed: NDArray[Any]) -> NDArray[Any]:
        """The network's output for the input that `prepare` made."""
        (output,) = self._runtime.run(packed)
        return output

    def finish(self, output: NDArray[Any], height: int, width: int) -> Frame:
        """The enhanced frame, height × width, in the output that `infer` made."""
        return _middle(self._unpacking.unpack(output), height, width)

    def enhance(self, frame: Frame, strength: float = 1.0) -> Frame:
        """The network on a frame of any size, at least 1×1. strength: 0 gives the frame back, 1 the network's result, between: a mixture.

        Above 1, up to 1.5, it is more of the same change, clipped.
        A frame that fits in is mirrored on to the network's size. A larger one is cut into tiles that overlap, and their brightness
        and colour are matched to the network's result on the whole frame, made small: see redmobile.enhance.guide. Where it takes
        fewer tiles, the frame is turned by 90° for the network.
        """
        if not 0 <= strength <= STRONGEST:
            raise UsageError(f"The strength must lie between 0 and {STRONGEST}, found {strength}.")
        if strength == 0:
            return frame.copy()
        turned = self._tile_count(frame.shape[1], frame.shape[0]) < self._tile_count(frame.shape[0], frame.shape[1])
        upright = np.ascontiguousarray(np.rot90(frame)) if turned else frame
        enhanced = self._enhance_upright(upright)
        if turned:
            enhanced = np.ascontiguousarray(np.rot90(enhanced, -1))
        return enhanced if strength == 1 else np.asarray(cv2.addWeighted(enhanced, strength, frame, 1 - strength, 0), np.uint8)

    def enhance_deep(self, frame: Frame, deep: DeepFrame, strength: float | NDArray[np.float32] = 1.0) -> DeepFrame:
        """A 16-bit picture: the network sees `frame`, its 8-bit rounding; what was rounded away comes back, times the network's gain.

        strength: as above, or (H, W, 1).
        """
        return add_fine_levels(frame, deep, self.enhance(frame), strength) if np.any(strength) else deep.copy()

    def _enhance_upright(self, frame: Frame) -> Frame:
        height, width = frame.shape[:2]
        if self.takes_whole(height, width):
            return self._run_padded(frame)
        padded_size = (padded_length(height, self.height), padded_length(width, self.width))
        guide = Guide(frame, padded_size, (self.height, self.width), self._run_padded)
        padded = _mirror(frame, *padded_size)
        rows, columns = tile_starts(padded_size[0], self.height), tile_starts(padded_size[1], self.width)
        tiles = [[Tile(top, left, self.height, self.width) for left in columns] for top in rows]
        enhanced = blend(tiles, padded_size, lambda tile: guide.match(self.run(tile.cut(padded)), tile))
        return _middle(enhanced, height, width)

    def _run_padded(self, frame: Frame) -> Frame:
        """The network on a frame that fits in."""
        return self.finish(self.infer(self.prepare(frame)), *frame.shape[:2])

    def _tile_count(self, height: int, width: int) -> int:
        rows, columns = (padded_length(height, self.height), self.height), (padded_length(width, self.width), self.width)
        return len(tile_starts(*rows)) * len(tile_starts(*columns))


def _mirror(frame: Frame, height: int, width: int) -> Frame:
    """`frame` in the middle of height × width, mirrored on (edges twice), as often as it takes: brightness and noise stay what they are."""
    down, right = height - frame.shape[0], width - frame.shape[1]
    if not (down or right):
        return np.ascontiguousarray(frame)
    sides = (down // 2, down - down // 2, right // 2, right - right // 2)
    return np.asarray(cv2.copyMakeBorder(frame, *sides, cv2.BORDER_REFLECT), np.uint8)


def _middle(frame: Frame, height: int, width: int) -> Frame:
    top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
    return np.ascontiguousarray(frame[top : top + height, left : left + width])


def _image_specs(runtime: Runtime) -> tuple[TensorSpec, TensorSpec]:
    if len(runtime.inputs) != 1 or len(runtime.outputs) != 1:
        raise UnsupportedModelError(
            f"The network has {len(runtime.inputs)} inputs and {len(runtime.outputs)} outputs; one image in and one image out are needed."
        )
    given, made = runtime.inputs[0], runtime.outputs[0]
    for spec in (given, made):
        if spec.layout == "?" or spec.shape[0] != 1 or spec.image_size[2] != channels_of(runtime):
            raise UnsupportedModelError(f"{spec}: is no RGB image; 1×height×width×3 or 1×3×height×width is needed.")
    if given.image_size != made.image_size:
        raise UnsupportedModelError(f"{given} goes in and {made} comes out; image in and image out must have the same size.")
    return given, made


def channels_of(runtime: Runtime) -> int:
    """How many channels the pictures of a network have: 4 if its file says that it takes RGBA, else 3."""
    return RGBA_CHANNELS if runtime.metadata.get(_ORDER_KEY) == "RGBA" else 3


def value_range_of(runtime: Runtime) -> tuple[float, float]:
    """Real values of pixels 0 and 255, as the file says; (0, 1) where it says nothing. Raises UnsupportedModelError for no range."""
    stated = runtime.metadata.get(RANGE_KEY, "0,1")
    try:
        low, high = map(float, stated.split(","))
    except ValueError as error:
        raise UnsupportedModelError(f"{runtime.name}: the file says its input range is '{stated}'; two numbers like '0,1' were expected.") from error
    if not low < high:
        raise UnsupportedModelError(f"{runtime.name}: the file says its input range is {low} to {high}; the first must be smaller.")
    return low, high
