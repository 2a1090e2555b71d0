"""Which activations are alive when, and how many bytes they take together."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from redmobile.graph.tflite_model import Tensor, TfliteModel

VIEWS = frozenset({"EXPAND_DIMS", "RESHAPE", "SQUEEZE"})
"""Kinds whose output may lie where their input lies."""


@dataclasses.dataclass(frozen=True)
class Peak:
    """The moment at which most bytes are alive. position, operator: what runs then, its number and its output's name."""

    bytes: int
    position: int
    operator: str


def bytes_of(tensor: Tensor) -> int:
    """The size of a tensor's values in memory."""
    return math.prod(tensor.shape) * np.dtype(tensor.dtype).itemsize


def peak_activations(model: TfliteModel) -> Peak:
    """Where the operators, run in their order, need the most memory for activations. Constants do not count.

    A tensor is alive from the operator that writes it (inputs of the model: from the start) to the last that reads it (outputs: to the
    end). Views share their input's memory; nothing else is computed in place. No allocator gets below this; a good one reaches it.
    """
    roots = _roots(model)
    born, dies, sizes = _lives(model, roots)
    alive, worst = 0, Peak(0, 0, "")
    for position, operator in enumerate(model.operators):
        alive += sum(sizes[root] for root in born if born[root] == position)
        if alive > worst.bytes:
            worst = Peak(alive, position, operator.outputs[0].name)
        alive -= sum(sizes[root] for root in born if dies[root] == position)
    return worst


def _roots(model: TfliteModel) -> dict[int, int]:
    """Id of each activation → id of the tensor whose memory it uses."""
    roots = {id(tensor): id(tensor) for tensor in model.tensors() if tensor.data is None}
    for operator in model.operators:
        source = operator.inputs[0] if operator.kind in VIEWS else None
        if source is not None and source.data is None:
            roots[id(operator.outputs[0])] = roots[id(source)]
    return roots


def _lives(model: TfliteModel, roots: dict[int, int]) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
    """For each root: position of its birth, position of its last use, bytes."""
    end = len(model.operators) - 1
    born = {roots[id(tensor)]: 0 for tensor in model.inputs}
    dies = dict.fromkeys(born, 0)
    sizes = {id(tensor): bytes_of(tensor) for tensor in model.tensors() if id(tensor) in roots}
    for position, operator in enumerate(model.operators):
        for tensor in (*operator.outputs, *operator.inputs):
            if tensor is not None and id(tensor) in roots:
                born.setdefault(roots[id(tensor)], position)
                dies[roots[id(tensor)]] = position
    dies |= {roots[id(tensor)]: end for tensor in model.outputs if id(tensor) in roots}
    return born, dies, sizes
