"""One view of a view."""

from __future__ import annotations

from redmobile.graph.tflite_model import TfliteModel


def merge_reshapes(model: TfliteModel) -> None:
    """A RESHAPE of a RESHAPE reads the first one's input; one that leaves the shape as it is goes.

        before   x (2, 3, 4) ─ RESHAPE (6, 4) ─ v ─ RESHAPE (24) ─ y
        after    x (2, 3, 4) ─ RESHAPE (24) ─ y

    What is left without a reader is removed later.
    """
    producers = model.producers()
    outer = {id(tensor) for tensor in (*model.inputs, *model.outputs)}
    for operator in model.operators:
        if operator.kind != "RESHAPE":
            continue
        source = operator.inputs[0]
        while source is not None and id(source) in producers and producers[id(source)].kind == "RESHAPE":
            source = producers[id(source)].inputs[0]
        operator.inputs[0] = source
        if source is not None and source.shape == operator.outputs[0].shape and id(operator.outputs[0]) not in outer:
            model.replace_uses(operator.outputs[0], source)
