"""Compute pieces instead of cutting them out."""

from __future__ import annotations

import dataclasses

import numpy as np

from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel


def split_convolution(model: TfliteModel) -> None:
    """A convolution that is only cut apart along its channels becomes one convolution a piece.

        before   x ─ CONV_2D w (O, …) ─ SPLIT along channels ─ y0, y1, …
        after    x ─ CONV_2D w[:O/n] ─ y0
                 x ─ CONV_2D w[O/n : 2·O/n] ─ y1, …

    The same arithmetic without writing, reading and writing the pieces once more: what depth-to-space as row planes needs. One
    group only; in a grouped convolution a piece need not be a convolution of all inputs.
    """
    producers = model.producers()
    for split in list(model.operators):
        if split.kind != "SPLIT":
            continue
        axis, source = split.inputs
        assert axis is not None and axis.data is not None and source is not None  # noqa: S101, PT018  SPLIT has no optional inputs
        convolution = producers.get(id(source))
        if (
            convolution is None
            or int(axis.data) != len(source.shape) - 1
            or model.only_consumer(source) is not split
            or not _has_one_group(convolution)
        ):
            continue
        position = next(index for index, operator in enumerate(model.operators) if operator is convolution)
        model.operators[position : position + 1] = _parts(convolution, split.outputs)
        model.operators = [operator for operator in model.operators if operator is not split]


def _has_one_group(operator: Operator) -> bool:
    if operator.kind != "CONV_2D":
        return False
    data, weights = operator.inputs[:2]
    return data is not None and weights is not None and data.shape[-1] == weights.shape[-1]


def _parts(convolution: Operator, outputs: list[Tensor]) -> list[Operator]:
    parts, start = [], 0
    data, *constants = convolution.inputs
    for index, output in enumerate(outputs):
        stop = start + output.shape[-1]
        pieces = [_cut(constant, start, stop, index) for constant in constants]
        output.given = output.given or convolution.outputs[0].given
        parts.append(dataclasses.replace(convolution, inputs=[data, *pieces], outputs=[output], options=dict(convolution.options)))
        start = stop
    return parts


def _cut(constant: Tensor | None, start: int, stop: int, index: int) -> Tensor | None:
    """Weights (O, kh, kw, I) and bias (O,) of the output channels start to stop."""
    if constant is None:
        return None
    piece = Tensor.constant(f"{constant.name}/{index}", np.asarray(constant.data)[start:stop])
    piece.given = constant.given.taken(np.arange(start, stop)) if constant.given else None
    return piece
