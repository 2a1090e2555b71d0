"""Let an operator clamp its own output."""

from __future__ import annotations

from redmobile.graph.tflite_model import TfliteModel

_FUSING = frozenset({"ADD", "AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "DIV", "FULLY_CONNECTED", "MAX_POOL_2D", "MUL", "SUB"})
"""Kinds whose kernels, in every runtime we know, honour fused_activation_function. CONCATENATION has the option but not the ability."""

_FUSED = frozenset({"RELU", "RELU6", "RELU_N1_TO_1"})
"""Activations that TFLite's schema can fuse and that kernels support."""


def fuse_activation(model: TfliteModel) -> None:
    """An activation that alone reads an operator's output becomes that operator's fused activation.

    before   x ─ CONV_2D ─ c ─ RELU6 ─ y
    after    x ─ CONV_2D (RELU6) ─ y
    """
    producers = model.producers()
    fused = set()
    for operator in model.operators:
        source = operator.inputs[0] if operator.kind in _FUSED else None
        producer = producers.get(id(source)) if source is not None else None
        if source is None or producer is None or producer.kind not in _FUSING or model.only_consumer(source) is not operator:
            continue
        if producer.options.get("fused_activation_function", "NONE") == "NONE":
            producer.options["fused_activation_function"] = operator.kind
            producer.outputs = list(operator.outputs)
            fused.add(id(operator))
    model.operators = [operator for operator in model.operators if id(operator) not in fused]
