"""One frame for several files: each gets the same real values, in the dtype, layout and quantization that it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.core.quant_math import INTEGER_RANGES
from redmobile.core.tensor_spec import TensorSpec
from redmobile.data.calibration import Range, fit
from redmobile.data.frame_sources import Given
from redmobile.enhance.image_model import RANGE_KEY, value_range_of
from redmobile.errors import InputError, UsageError
from redmobile.graph.layout import Order
from redmobile.parity.arrangement import match_specs, orders_between
from redmobile.parity.chain import Stage
from redmobile.runtimes.base import Runtime

_FLOATS = frozenset({"float16", "float32", "float64"})
_LAST_CODE = 255
_GREY, _RGBA = 1, 4

Arrays = tuple[NDArray[Any], ...]


def stated_range(runtimes: Sequence[Runtime]) -> Range | None:
    """The range of the inputs' real values that the first of the files to do so states; None if none does. Raises UnsupportedModelError."""
    for runtime in runtimes:
        if RANGE_KEY in runtime.metadata:
            return value_range_of(runtime)
    return None


class Feed:
    """Turns frames into the inputs of several files. specs: the inputs of each file; the first one's names and layout are the common ones.

    value_range: real values of pixels 0 and 255. moved: whether channels are likely to lie elsewhere in file i than in the first.
    `faults` holds what is wrong with each file's inputs: then nothing can be fed.
    """

    def __init__(self, specs: Sequence[tuple[TensorSpec, ...]], moved: Sequence[bool], value_range: Range) -> None:
        self._common = specs[0]
        self._range = value_range
        self._routes: list[list[tuple[int, Order, TensorSpec]]] = []
        self.faults: list[tuple[int, str]] = []
        for place, wanted in enumerate(specs):
            matches, faults = match_specs(self._common, wanted, moved=moved[place])
            self.faults += [(place, f"inputs: {fault}") for fault in faults]
            self.faults += [(place, f"{spec}: cannot be fed with numbers") for spec in wanted if not is_number(spec)]
            routes = [(source, match.orders[0], match.found) for source, match in enumerate(matches)]
            self._routes.append(sorted(routes, key=lambda route: wanted.index(route[2])))

    def real(self, given: Given) -> Arrays:
        """The common inputs' real values for a frame. Raises InputError (arrays that do not fit), UsageError (pictures for no picture)."""
        if given.frame is not None:
            return (self._from_picture(given.frame),)
        return tuple(self._from_arrays(given, spec) for spec in self._common)

    def arrays(self, place: int, real: Arrays, name: str) -> Arrays:
        """What file `place` takes for the real values of the frame called `name`. Raises InputError (beyond a dtype)."""
        return tuple(_coded(real[source].transpose(order), spec, name) for source, order, spec in self._routes[place])

    def _from_picture(self, frame: Frame) -> NDArray[Any]:
        spec = self._common[0]
        if len(self._common) != 1 or spec.layout == "?":
            wanted = ", ".join(map(str, self._common))
            raise UsageError(f"Pictures and videos feed one picture; the network takes {wanted}. Give an .npz with an array for each input.")
        height, width, channels = spec.image_size
        pixels = _with_channels(fit(frame, height, width), channels)
        values = self._of_codes(pixels, spec)[None]
        values = values if spec.layout == "NHWC" else values.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(np.broadcast_to(values, spec.shape))

    def _from_arrays(self, given: Given, spec: TensorSpec) -> NDArray[Any]:
        array = _named(given.arrays, spec, len(self._common))
        if array is None:
            raise InputError(f"{given.name}: holds arrays {', '.join(given.arrays)}; none is called '{spec.name}', as the network's input is.")
        for whole in (array[None], array):
            orders = orders_between(whole.shape, spec.shape, moved=False)
            if orders:
                return self._of_codes(whole.transpose(orders[0]), spec)
        size = "×".join(map(str, array.shape))
        raise InputError(f"{given.name}: its array for '{spec.name}' is {size} for one frame; the network takes {spec}.")

    def _of_codes(self, values: NDArray[Any], spec: TensorSpec) -> NDArray[Any]:
        """uint8 stands for a pixel's code where the network takes real values; all else is what it says."""
        if values.dtype != np.uint8 or (spec.dtype not in _FLOATS and spec.quantization is None):
            return values
        low, high = self._range
        levels: NDArray[Any] = np.linspace(low, high, _LAST_CODE + 1).astype(np.float32)
        return np.asarray(levels[values])


def feed_of(stages: Sequence[Stage], value_range: Range) -> Feed:
    """A Feed for `stages`, in their order."""
    return Feed([stage.runtime.inputs for stage in stages], [stage.is_onnx != stages[0].is_onnx for stage in stages], value_range)


def real_values(values: NDArray[Any], spec: TensorSpec) -> NDArray[Any]:
    """The real values of a file's output."""
    return values if spec.quantization is None else spec.quantization.dequantize(values)


def is_number(spec: TensorSpec) -> bool:
    """Whether a tensor holds numbers or truth values, not strings."""
    return spec.dtype in _FLOATS or spec.dtype == "bool" or spec.dtype.startswith(("int", "uint"))


def _named(arrays: Mapping[str, NDArray[Any]], spec: TensorSpec, inputs: int) -> NDArray[Any] | None:
    if spec.name in arrays:
        return arrays[spec.name]
    return next(iter(arrays.values())) if len(arrays) == inputs == 1 else None


def _with_channels(frame: Frame, channels: int) -> Frame:
    if channels == _GREY:
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)[..., None]
    if channels == _RGBA:
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2RGBA), np.uint8)
    return frame


def _coded(values: NDArray[Any], spec: TensorSpec, name: str) -> NDArray[Any]:
    if spec.quantization is not None and spec.dtype in INTEGER_RANGES:
        return np.ascontiguousarray(spec.quantization.quantize(values, spec.dtype))
    if spec.dtype not in _FLOATS:
        _check_whole(values, spec, name)
    return np.ascontiguousarray(values.astype(spec.dtype))


def _check_whole(values: NDArray[Any], spec: TensorSpec, name: str) -> None:
    """Raise InputError unless `values` survive in the whole numbers of `spec`."""
    if not np.array_equal(values.astype(np.float64), values.astype(spec.dtype).astype(np.float64)):
        raise InputError(f"{name}: its values for {spec} do not fit into {spec.dtype}; give whole numbers within its bounds.")
