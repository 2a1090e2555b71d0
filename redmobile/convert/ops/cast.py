"""Cast, CastLike, Dropout: values that stay what they are."""

from __future__ import annotations

import numpy as np

from redmobile.convert.formula import Formula
from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.graph.layout import stored
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor


@lowers("Cast", "CastLike")
def cast(node: OnnxNode, out: Lowering) -> None:
    """`y = x in another dtype`   ->   CAST; between truth values and floats NOT_EQUAL 0 and SELECT_V2 of 1 and 0, which have INT8 forms.

    Floats are cut off towards zero; what the integer cannot hold saturates (ONNX leaves it undefined).
    """
    source, target = out.dtype(node.inputs[0]), out.dtype(node.outputs[0])
    formula = Formula(node, out, node.inputs[:1])
    (x,) = formula.operands
    if target == "bool" and source != "bool":
        formula.finish(formula.apply("NOT_EQUAL", x, 0))
    elif (source, target) == ("bool", "float32"):
        formula.finish(formula.apply("SELECT_V2", x, 1.0, 0.0))
    else:
        formula.finish(x)


@lowers("Dropout")
def dropout(node: OnnxNode, out: Lowering) -> None:
    """`y = x at inference, mask = true everywhere`   ->   nothing, and a constant. Training mode is refused."""
    source = node.inputs[0]
    training = node.inputs[2] if len(node.inputs) > 2 else ""  # noqa: PLR2004  x, ratio, training_mode
    if training and out.constant(training, "training_mode").any():
        raise Refusal("it is in training mode; export the model for inference")
    out.alias(node.outputs[0], out.tensor(source), out.order(source))
    for mask in filter(None, node.outputs[1:]):
        everywhere = np.ones(stored(out.shape(source), out.order(source)), out.dtype(mask))
        out.alias(mask, Tensor.constant(mask, everywhere), out.order(source))
