"""Let an operator with weights add what is added behind it."""

from __future__ import annotations

import numpy as np

from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

_BIAS_AT = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 3}
"""Kind → where its bias stands."""


def fuse_bias(model: TfliteModel) -> None:
    """An ADD of one constant an output channel goes into the bias of the operator that it alone follows.

    before   x ─ FULLY_CONNECTED w, b ─ f ─ ADD c ─ y
    after    x ─ FULLY_CONNECTED w, b + c ─ y
    """
    producers = model.producers()
    gone = set()
    for operator in model.operators:
        data, constant = _addends(operator)
        source = producers.get(id(data))
        if data is None or constant is None or source is None or not _takes(model, source, data, constant, operator):
            continue
        place = _BIAS_AT[source.kind]
        bias = source.inputs[place]
        if bias is None or bias.data is None:
            continue
        total = np.asarray(bias.data + np.broadcast_to(np.asarray(constant.data).reshape(-1), bias.shape), np.float32)
        source.inputs[place] = Tensor.constant(f"{operator.outputs[0].name}/bias", total)
        source.options["fused_activation_function"] = operator.options.get("fused_activation_function", "NONE")
        source.outputs = list(operator.outputs)
        producers[id(operator.outputs[0])] = source
        gone.add(id(operator))
    model.operators = [operator for operator in model.operators if id(operator) not in gone]


def _addends(operator: Operator) -> tuple[Tensor | None, Tensor | None]:
    """(computed, constant) addends of an ADD."""
    if operator.kind != "ADD":
        return None, None
    first, second = operator.inputs
    if first is not None and first.data is not None:
        first, second = second, first
    return (first, second) if second is not None and second.data is not None else (None, None)


def _takes(model: TfliteModel, source: Operator, data: Tensor, constant: Tensor, operator: Operator) -> bool:
    channels = data.shape[-1] if data.shape else 1
    along_channels = constant.shape[-1:] in {(), (1,), (channels,)} and all(size == 1 for size in constant.shape[:-1])
    return (
        source.kind in _BIAS_AT
        and len(source.inputs) > _BIAS_AT[source.kind]
        and source.options.get("fused_activation_function", "NONE") == "NONE"
        and model.only_consumer(data) is operator
        and along_channels
        and operator.outputs[0].shape == data.shape
    )
