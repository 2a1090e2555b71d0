"""Random graphs of small INT8 operators, of which XNNPACK takes some."""

import numpy as np

from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

Q = Quantization.per_tensor(1 / 256, -128)
KINDS = ("LOGISTIC", "HARD_SWISH", "ADD", "RESHAPE")
"""XNNPACK takes the first and the third, leaves the second; a view is taken too."""


def random_graph(choices, sizes=((1, 4, 5, 8),)):
    """choices: one (kind, source, source) an operator, as numbers; every tensor that nobody reads is an output."""
    shape = sizes[0]
    tensors = [Tensor("image", shape, "int8", quantization=Q)]
    operators = []
    for number, (kind, *sources) in enumerate(choices):
        name = KINDS[kind % len(KINDS)]
        inputs = [tensors[source % len(tensors)] for source in (sources if name == "ADD" else sources[:1])]
        made = Tensor(f"t{number}", shape, "int8", quantization=Q)
        extra = [Tensor.constant(f"s{number}", np.array(shape, np.int32))] if name == "RESHAPE" else []
        options = {"fused_activation_function": "NONE"} if name == "ADD" else {"new_shape": list(shape)} if name == "RESHAPE" else {}
        operators.append(Operator(name, [*inputs, *extra], [made], options))
        tensors.append(made)
    read = {id(tensor) for operator in operators for tensor in operator.inputs}
    outputs = [tensor for tensor in tensors[1:] if id(tensor) not in read]
    return TfliteModel(operators, tensors[:1], outputs)
