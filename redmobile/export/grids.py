"""The grids that quantization-aware training learned, as ONNX has a place for them: `quantization_annotation` of the graph.

The network stays float32 for everybody; who quantizes finds scale and zero point beside each tensor. Pairs of QuantizeLinear and
DequantizeLinear would say the same, but then the file would be the INT8 network, and nobody could compare the two.
"""

from __future__ import annotations

import numpy as np
import onnx

from redmobile.graph.onnx_quantization import SCALE, ZERO_POINT
from redmobile.nets.blocks.rounding import MARK

_DOMAIN, _OP = MARK.split("::")


def annotate(model: onnx.ModelProto) -> None:
    """Take the marks out of a traced `model`; each tensor that one stood behind gets an annotation.

    before   x ─ Conv ─ c ─ redmobile.Rounded s, z ─ r ─ Conv
    after    x ─ Conv ─ c (annotated: s, z) ─ Conv
    """
    graph = model.graph
    renamed: dict[str, str] = {}
    for node in list(graph.node):
        for place, name in enumerate(node.input):
            node.input[place] = renamed.get(name, name)
        if (node.domain, node.op_type) == (_DOMAIN, _OP):
            _annotate(graph, node)
            renamed[node.output[0]] = node.input[0]
            graph.node.remove(node)
    for kept in [value for value in graph.value_info if value.name in renamed]:
        graph.value_info.remove(kept)
    for domain in [opset for opset in model.opset_import if opset.domain == _DOMAIN]:
        model.opset_import.remove(domain)


def _annotate(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    value = node.input[0]
    said = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    annotation = graph.quantization_annotation.add(tensor_name=value)
    for key, values in ((SCALE, np.float32(said["scale"])), (ZERO_POINT, np.int8(said["zero_point"]))):
        name = f"{value}/{key.removesuffix('_TENSOR').lower()}"
        graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(values), name))
        annotation.quant_parameter_tensor_names.add(key=key, value=name)
