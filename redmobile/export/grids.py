"""What quantization-aware training left, where ONNX has a place for it: `quantization_annotation` of the graph.

The network stays the float network for everybody. Who quantizes finds scale and zero point beside each tensor, and beside each weight and
bias the one that was trained to be rounded. Pairs of QuantizeLinear and DequantizeLinear would say the same, but then the file would be the
INT8 network, and nobody could compare the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from torch import Tensor

from redmobile.errors import UnsupportedModelError
from redmobile.graph.onnx_quantization import SCALE, TRAINED, ZERO_POINT
from redmobile.nets.blocks.rounding import MARK

_DOMAIN, _OP = MARK.split("::")


def annotate(model: onnx.ModelProto, trained: Mapping[str, Tensor]) -> dict[str, list[str]]:
    """Take the marks out of a traced `model`; each tensor that one with a grid stood behind is annotated, and each parameter in `trained` too.

    before   x ─ Conv ─ c ─ redmobile.Rounded s, z ─ r ─ Conv
    after    x ─ Conv ─ c (annotated: s, z) ─ Conv

    trained: a parameter's name → its value for INT8. Returns place of a rounding → the values that it rounds.
    Raises UnsupportedModelError if the trace renamed one of them.
    """
    graph = model.graph
    renamed: dict[str, str] = {}
    places: dict[str, list[str]] = {}
    for node in list(graph.node):
        for place, name in enumerate(node.input):
            node.input[place] = renamed.get(name, name)
        if (node.domain, node.op_type) == (_DOMAIN, _OP):
            said = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
            places.setdefault(said["place"].decode(), []).append(node.input[0])
            if "scale" in said:
                _add(graph, node.input[0], {SCALE: np.asarray(said["scale"], np.float32), ZERO_POINT: np.asarray(said["zero_point"], np.int8)})
            renamed[node.output[0]] = node.input[0]
            graph.node.remove(node)
    for kept in [value for value in graph.value_info if value.name in renamed]:
        graph.value_info.remove(kept)
    for domain in [opset for opset in model.opset_import if opset.domain == _DOMAIN]:
        model.opset_import.remove(domain)
    missing = trained.keys() - {tensor.name for tensor in graph.initializer}
    if missing:
        raise UnsupportedModelError(f"The trace holds no initializer '{min(missing)}': its value for INT8 has no place in the file.")
    for name, value in trained.items():
        _add(graph, name, {TRAINED: value.detach().numpy()})
    return places


def _add(graph: onnx.GraphProto, name: str, said: Mapping[str, NDArray[Any]]) -> None:
    annotation = graph.quantization_annotation.add(tensor_name=name)
    for key, values in said.items():
        initializer = f"{name}/{key.removeprefix('redmobile.').removesuffix('_TENSOR').lower()}"
        graph.initializer.append(onnx.numpy_helper.from_array(values, initializer))
        annotation.quant_parameter_tensor_names.add(key=key, value=initializer)
