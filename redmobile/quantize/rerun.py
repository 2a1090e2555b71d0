"""Quantized models of one build, run on the same pictures one after the other: only what comes behind the first change is run again.

A search changes the scale of one tensor at a time; all that is computed before that tensor comes out as it did the last time. So what lies
between operators is kept at a few points, about the same amount of work apart, and the next model is begun at the last of them before its
first change. The outputs are those of the whole model, bit for bit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from redmobile.graph.liveness import VIEWS, bytes_of
from redmobile.graph.macs import macs_of
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.quantize.template import Template
from redmobile.runtimes.litert_tensors import LitertTensors

POINTS = 5
"""Places to begin at, beside the first operator: a model of n pieces of the same work is run again from the middle on average."""

_MACS_A_BYTE = 16
"""How many multiply-accumulates take about as long as reading or writing a byte."""

_WINDOW = 80
"""What a position of a convolution's output costs beside its multiply-accumulates, in bytes: with few channels, most of it."""

_SLOW_KINDS = {"DIV": 300, "PRELU": 60}
"""Kinds that no SIMD kernel runs in INT8 → what a value of their output costs, in bytes. Measured with LiteRT 2.3.0 on an EPYC: 34 and 6.4 ns,
where a byte takes about 0.1 ns and a 3x3 convolution of 3 channels 9 ns a position."""

Codes = NDArray[np.integer]


class Rerun:
    """pictures: for each, an array for each input of the models."""

    def __init__(self, pictures: Sequence[tuple[Codes, ...]]) -> None:
        self._pictures = pictures
        self._last: Sequence[Operator] = ()
        self._starts: list[int] = []
        self._kept: set[str] = set()
        self._templates: dict[int, Template] = {}
        self._values: list[dict[str, Codes]] = [{} for _ in pictures]

    def run(self, model: TfliteModel, look: Callable[[int, Mapping[str, Codes]], None]) -> None:
        """Let `look` see (place of the picture, outputs of `model` by name), views that it must not keep. All models must be of one build."""
        if not self._starts:
            self._starts = starts(model)
            self._kept = {tensor.name for start in self._starts for tensor in alive_at(model, start)}
        start = max(start for start in self._starts if start <= _first_change(self._last, model.operators))
        engine, behind = self._engine(model, start)
        self._last = ()  # until all pictures are through, what is kept belongs to no one model
        for place, (values, picture) in enumerate(zip(self._values, self._pictures, strict=True)):
            if start == 0:
                values.update(zip((tensor.name for tensor in model.inputs), picture, strict=True))
            found = engine.run(tuple(values[tensor.name] for tensor in behind.inputs))
            _keep(values, {name: found[name] for name in found.keys() & self._kept})
            look(place, {tensor.name: found[tensor.name] if tensor.name in found else values[tensor.name] for tensor in model.outputs})
            del found  # the engine must own its memory again before the next run
        self._last = model.operators

    def _engine(self, model: TfliteModel, start: int) -> tuple[LitertTensors, TfliteModel]:
        """The part of `model` from `start` on, with what must be kept among its outputs."""
        behind = model.operators[start:]
        made = [tensor for operator in behind for tensor in operator.outputs]
        outer = {id(tensor) for tensor in model.outputs}
        outputs = [tensor for tensor in made if id(tensor) in outer or tensor.name in self._kept]
        part = TfliteModel(behind, alive_at(model, start), outputs)
        if start not in self._templates:
            self._templates[start] = Template(part)
        return LitertTensors(self._templates[start].fill(part)), part


def starts(model: TfliteModel) -> list[int]:
    """Positions of operators to begin at, the first included: behind about equal shares of the work, where little must be kept."""
    total = list(itertools.accumulate(map(_work, model.operators), initial=0))
    sizes = [sum(bytes_of(tensor) for tensor in alive_at(model, position)) for position in range(len(model.operators))]
    found = {0}
    for point in range(1, POINTS + 1):
        low, high = ((point + side) * total[-1] / (POINTS + 1) for side in (-0.5, 0.5))
        near = [position for position in range(1, len(model.operators)) if low <= total[position] < high]
        if near:
            found.add(min(near, key=lambda position: sizes[position]))
    return sorted(found)


def alive_at(model: TfliteModel, position: int) -> list[Tensor]:
    """The activations that are computed or fed before `position` and read from there on; outputs of the model count only if they are read."""
    before = {id(tensor) for operator in model.operators[:position] for tensor in operator.outputs} | {id(tensor) for tensor in model.inputs}
    read = (tensor for operator in model.operators[position:] for tensor in operator.inputs if tensor is not None and tensor.data is None)
    return list({id(tensor): tensor for tensor in read if id(tensor) in before}.values()) or list(model.inputs)


def _keep(values: dict[str, Codes], found: Mapping[str, Codes]) -> None:
    """Copy `found` into `values`, over what lies there: memory that is already mapped takes a fraction of the time."""
    for name, codes in found.items():
        if name in values:
            np.copyto(values[name], codes)
        else:
            values[name] = codes.copy()


def work_of(model: TfliteModel) -> float:
    """What running `model` once costs, in bytes that could be read or written meanwhile: an estimate from the graph, the same everywhere."""
    return math.fsum(map(_work, model.operators))


def _work(operator: Operator) -> float:
    if operator.kind in VIEWS:
        return 0.0
    touched = (tensor for tensor in (*operator.inputs, *operator.outputs) if tensor is not None)
    return macs_of(operator) / _MACS_A_BYTE + sum(map(bytes_of, touched)) + _beside(operator)


def _beside(operator: Operator) -> float:
    """What the kernel costs beside its multiply-accumulates and its memory."""
    shape = operator.outputs[0].shape
    if operator.kind == "CONV_2D":
        return _WINDOW * math.prod(shape[:-1])
    return _SLOW_KINDS.get(operator.kind, 0) * math.prod(shape)


def _first_change(last: Sequence[Operator], operators: Sequence[Operator]) -> float:
    """The position of the first operator with other constants, or other scales of what it reads or writes."""
    if not last:
        return 0
    pairs = enumerate(zip(last, operators, strict=True))
    return next((position for position, (one, other) in pairs if not _is_same(one, other)), math.inf)


def _is_same(one: Operator, other: Operator) -> bool:
    return all(map(_is_same_tensor, (*one.inputs, *one.outputs), (*other.inputs, *other.outputs)))


def _is_same_tensor(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    if one.data is not other.data and not (one.data is not None and other.data is not None and np.array_equal(one.data, other.data)):
        return False
    return one.quantization is other.quantization or one.quantization == other.quantization
