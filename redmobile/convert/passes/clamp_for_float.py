"""Write the clamp to [0, 1] with operators that XNNPACK takes."""

from __future__ import annotations

import numpy as np

from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel


def clamp_for_float(model: TfliteModel) -> None:
    """RELU_0_TO_1, which XNNPACK leaves to a slow kernel, becomes two clamps that it takes. For files that stay float.

        before   x ─ RELU_0_TO_1 ─ y
        after    x ─ RELU ─ x' ─ MINIMUM 1 ─ y

    RELU then often disappears into the operator before it (fuse_activation). A quantized file needs neither: there the clamp is the
    end of the output's codes.
    """
    operators: list[Operator] = []
    for operator in model.operators:
        if operator.kind == "RELU_0_TO_1":
            (result,) = operator.outputs
            raised = Tensor(f"{result.name}/raised", result.shape, result.dtype)
            one = Tensor(f"{result.name}/one", (), result.dtype, np.array(1, result.dtype))
            operators += [Operator("RELU", operator.inputs, [raised]), Operator("MINIMUM", [raised, one], [result])]
        else:
            operators.append(operator)
    model.operators = operators
