"""Do not join what is cut apart again."""

from __future__ import annotations

from collections.abc import Iterator

from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel


def bypass_concatenation(model: TfliteModel) -> None:
    """A piece cut out of a concatenation that is one of its inputs becomes that input.

        before   a, b ─ CONCATENATION ─ SPLIT ─ a', b'          (or STRIDED_SLICE for each)
        after    a, b

    Space-to-depth into row planes followed by a split into rows, and depth-to-space of concatenated rows, dissolve this way.
    """
    producers = model.producers()
    for operator in model.operators:
        for piece, source, axis, start in _pieces(operator):
            joined = producers.get(id(source))
            if joined is not None and joined.kind == "CONCATENATION" and joined.options["axis"] == axis and not _leaves(model, piece):
                whole = _input_at(joined, axis, start)
                if whole is not None and whole.shape == piece.shape:
                    model.replace_uses(piece, whole)


def _leaves(model: TfliteModel, tensor: Tensor) -> bool:
    return any(output is tensor for output in model.outputs)


def _pieces(operator: Operator) -> Iterator[tuple[Tensor, Tensor, int, int]]:
    """(piece, source, axis, start) for what `operator` cuts out of its input along one axis."""
    if operator.kind == "SPLIT":
        axis_constant, source = operator.inputs
        assert axis_constant is not None and axis_constant.data is not None and source is not None  # noqa: S101, PT018  for the type checker
        axis, start = int(axis_constant.data), 0
        for piece in operator.outputs:
            yield piece, source, axis, start
            start += piece.shape[axis]
    if operator.kind == "STRIDED_SLICE":
        source, begin, _, strides = operator.inputs
        piece = operator.outputs[0]
        assert source is not None and begin is not None and begin.data is not None and strides is not None  # noqa: S101, PT018
        changed = [axis for axis, (old, new) in enumerate(zip(source.shape, piece.shape, strict=True)) if old != new]
        if len(changed) == 1 and strides.data is not None and (strides.data == 1).all():
            yield piece, source, changed[0], int(begin.data[changed[0]])


def _input_at(joined: Operator, axis: int, start: int) -> Tensor | None:
    position = 0
    for tensor in joined.inputs:
        assert tensor is not None  # noqa: S101  a concatenation has no optional inputs
        if position == start:
            return tensor
        position += tensor.shape[axis]
    return None
