"""Which layer parts first: two files tensor by tensor, matched by name, in execution order.

Float against float: the difference of each tensor is what all layers up to it have made together; a layer is bad where its largest
difference, by the tensor's largest value, is more than the weights' dtype explains.

Quantized against float: two views of each tensor.
- All layers together: signal-to-noise ratio of the tensor in the running file.
- By itself: the float operator is fed with what the quantized file feeds its own, so that only this operator's rounding, clipping and
  quantized weights are left. Its root mean squared error in steps of the scale is 0.29 for rounding alone; above 0.7 the layer is bad
  (source of that bound: TensorFlow's quantization debugger).

A quantizer may multiply channels by constants before it quantizes; those factors are found in the weights (redmobile.parity.gains) and
taken out. Inputs, outputs and all that equalizing leaves alone have the factor 1. Values that a clamp right behind a tensor cuts off
anyway do not count on either side (redmobile.parity.counting).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.core.documents import Document
from redmobile.graph.layout import plain
from redmobile.graph.tflite_model import TfliteModel
from redmobile.parity.arrangement import orders_between
from redmobile.parity.counting import counting_limits
from redmobile.parity.feed import Arrays
from redmobile.parity.gains import channel_gains
from redmobile.parity.layer_sums import Layer, LayerFigures
from redmobile.parity.sides import OWN, LayerTensor, OnnxSide, Side, TfliteSide, isolate, open_side, open_tflite
from redmobile.quantize.clamps import EVERYTHING

FLOAT_LIMITS = {"float32": 1e-4, "float16": 1e-2, "int8": 1e-1}
"""Dtype of a float file's weights → largest difference, by the largest value of the tensor, that is not bad."""

_BATCH_BYTES = 256 * 1024 * 1024
"""Of real values that are looked at in one run: at 1080p all tensors together take some GB."""


OnProgress = Callable[[int, int], None]
"""(done, all) → None."""


class LayersOfPair(Document):
    """Two files, tensor by tensor. layers: in the order in which the found file runs them; first_bad: a name, None if none is bad.

    unmatched: tensors of the found file that the expected one has no partner for; frames: names.
    """

    expected: str
    found: str
    frames: tuple[str, ...]
    layers: tuple[LayerFigures, ...]
    first_bad: str | None
    unmatched: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class LayerFrame:
    """One frame as both files take it."""

    name: str
    expected: Arrays
    found: Arrays


def compare_layers(
    names: tuple[str, str], files: tuple[Path, Path], frames: Sequence[LayerFrame], threads: int | None = None, on_progress: OnProgress | None = None
) -> LayersOfPair:
    """Compare all tensors that both files have. names: what the files are called; frames: at least one.

    Raises InputError, UnsupportedModelError, DeviceError.
    """
    sides = open_side(files[0], threads), open_side(files[1], threads)
    return _Comparing(sides, frames, threads, on_progress).result(names)


class _Comparing:
    def __init__(self, sides: tuple[Side, Side], frames: Sequence[LayerFrame], threads: int | None, on_progress: OnProgress | None) -> None:
        self._expected, self._found = sides
        self._frames, self._threads = frames, threads
        self._on_progress = on_progress
        self._layers = self._matched()
        self._batches = list(_batches(self._layers))
        self._done = 0

    def result(self, names: tuple[str, str]) -> LayersOfPair:
        self._set_gains_and_limits()
        for batch in self._batches:
            self._sum(batch)
        limit = self._float_limit()
        figures = tuple(layer.figures(limit) for layer in self._layers)
        matched = {layer.found.name for layer in self._layers}
        return LayersOfPair(
            expected=names[0],
            found=names[1],
            frames=tuple(frame.name for frame in self._frames),
            layers=figures,
            first_bad=next((layer.name for layer in figures if layer.bad), None),
            unmatched=tuple(name for name in self._found.tensors if name not in matched),
            remarks=self._remarks(),
        )

    # Matching -----------------------------------------------------------------------------------------------------

    def _matched(self) -> list[Layer]:
        moved = isinstance(self._expected, OnnxSide) != isinstance(self._found, OnnxSide)
        layers = []
        for name, tensor in self._found.tensors.items():
            if name not in self._expected.tensors:
                continue
            partner = self._expected.tensors[name]
            orders = orders_between(partner.shape, tensor.shape, moved=moved) if moved else (plain(len(tensor.shape)),)
            if orders and (moved or partner.shape == tensor.shape):
                layers.append(Layer(partner, tensor, orders, may_be_shuffled=moved))
        return layers

    def _float_limit(self) -> float | None:
        """By the weights of the found file; None where activations are quantized: there errors add up, and operators are judged alone."""
        if any(layer.is_quantized for layer in self._layers):
            return None
        if isinstance(self._found, OnnxSide):
            return FLOAT_LIMITS["float32"]
        constants = {tensor.dtype for tensor in self._found.model.tensors() if tensor.data is not None}
        return max(limit for dtype, limit in FLOAT_LIMITS.items() if dtype in constants or dtype == "float32")

    def _from_float(self) -> TfliteModel | None:
        """The float graph, where the found file is a quantized form of it: then operators can be looked at by themselves."""
        if not isinstance(self._expected, TfliteSide) or not isinstance(self._found, TfliteSide):
            return None
        floats = all(layer.expected.quantization is None for layer in self._layers)
        return self._expected.model if floats and any(layer.is_quantized for layer in self._layers) else None

    def _set_gains_and_limits(self) -> None:
        model = self._from_float()
        if model is None or not isinstance(self._found, TfliteSide):
            return
        gains, limits = channel_gains(model, self._found.model), counting_limits(model)
        for layer in self._layers:
            layer.gains = gains.get(layer.found.name)
            layer.limits = limits.get(layer.found.name, EVERYTHING)

    # Sums ---------------------------------------------------------------------------------------------------------

    def _values(self, layers: Sequence[Layer]) -> Iterator[tuple[Layer, NDArray[Any], NDArray[Any], NDArray[Any]]]:
        """(layer, expected real values, found codes, found real values) for every frame and layer."""
        names = [layer.found.name for layer in layers]
        runs = self._expected.open(names), self._found.open(names)
        for frame in self._frames:
            sources, codes = runs[0](frame.expected), runs[1](frame.found)
            for layer in layers:
                raw = codes[layer.found.name]
                found = layer.found.real(raw)
                yield layer, layer.real(sources[layer.found.name], found), raw, found
            self._advance()

    def _sum(self, batch: Sequence[Layer]) -> None:
        for layer, expected, codes, found in self._values(batch):
            layer.add(expected, codes, found)
        quantized = [layer for layer in batch if layer.is_quantized]
        model = self._from_float()
        if quantized and model is not None and isinstance(self._found, TfliteSide):
            self._sum_own(model, self._found, quantized)

    def _sum_own(self, model: TfliteModel, found: TfliteSide, layers: Sequence[Layer]) -> None:
        """Each operator of the float `model` by itself, fed with what the found file feeds its own."""
        by_name = {layer.found.name: layer for layer in self._layers}
        alone = isolate(model, [layer.found.name for layer in layers], set(by_name))
        compute = open_tflite(alone, self._threads)
        fed = [by_name[tensor.name] for tensor in alone.inputs if tensor.name in by_name]
        run = found.open(list(dict.fromkeys(layer.found.name for layer in (*layers, *fed))))
        outer = {tensor.name: place for place, tensor in enumerate(model.inputs)}
        for frame in self._frames:
            codes = run(frame.found)
            inputs = tuple(
                _without_gains(by_name[tensor.name], codes) if tensor.name in by_name else _outer(found, frame, tensor.name, outer[tensor.name])
                for tensor in alone.inputs
            )
            own = compute(inputs)
            for layer in layers:
                layer.add_own(own[f"{layer.found.name}{OWN}"], layer.found.real(codes[layer.found.name]))
            self._advance()

    def _advance(self) -> None:
        self._done += 1
        if self._on_progress:
            self._on_progress(min(self._done, self._steps()), self._steps())

    def _steps(self) -> int:
        return len(self._frames) * len(self._batches) * (2 if self._from_float() is not None else 1)

    def _remarks(self) -> tuple[str, ...]:
        remarks = []
        if any(layer.is_quantized for layer in self._layers) and self._from_float() is None:
            remarks.append("No layer is judged: for that, a quantized .tflite must be compared with the float .tflite that it was made from.")
        equalized = sum(layer.gains is not None for layer in self._layers)
        if equalized:
            remarks.append(f"Channels of {equalized} tensors were equalized before quantization; the factors, read from the weights, are taken out.")
        shuffled = [layer.found.name for layer in self._layers if layer.shuffle is not None]
        if shuffled:
            remarks.append(f"Channels lie in the order of a pixel shuffle in {', '.join(shuffled)}.")
        return tuple(remarks)


def _outer(found: TfliteSide, frame: LayerFrame, name: str, place: int) -> NDArray[np.float32]:
    """The real values of what the found file takes for the input `name`, or for the one at `place` where it has another name."""
    names = [tensor.name for tensor in found.model.inputs]
    at = names.index(name) if name in names else place
    tensor = found.model.inputs[at]
    return LayerTensor(tensor.name, "", tensor.shape, tensor.dtype, tensor.quantization).real(frame.found[at])


def _without_gains(layer: Layer, codes: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    real = layer.found.real(codes[layer.found.name])
    return real if layer.gains is None else (real / layer.gains).astype(np.float32)


def _batches(layers: Sequence[Layer]) -> Iterator[list[Layer]]:
    """`layers` in pieces whose real values are not too many to hold at once."""
    batch: list[Layer] = []
    size = 0
    for layer in layers:
        if batch and size + layer.found.float_bytes > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(layer)
        size += layer.found.float_bytes
    if batch:
        yield batch
