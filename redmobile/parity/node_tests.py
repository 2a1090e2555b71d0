"""The node tests that the onnx package ships for every backend: one small model with its data each."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from redmobile.graph.onnx_opset import ONNX_DOMAINS

_EXPANDED = "_expanded"
"""A test of an ONNX function comes twice: as the operator, and with this in its name as the operators that the function consists of."""

CONSTANT_INPUTS = {
    "BatchNormalization": (1, 2, 3, 4),
    "CenterCropPad": (1,),
    "Clip": (1, 2),
    "ConstantOfShape": (0,),
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "CumSum": (1,),
    "DequantizeLinear": (1, 2),
    "Dropout": (1, 2),
    "Expand": (1,),
    "Gather": (1,),
    "GatherND": (1,),
    "GroupNormalization": (1, 2),
    "If": (0,),
    "InstanceNormalization": (1, 2),
    "LayerNormalization": (1, 2),
    "OneHot": (1, 2),
    "PRelu": (1,),
    "Pad": (1, 2, 3),
    "QuantizeLinear": (1, 2),
    "Range": (0, 1, 2),
    "ReduceL1": (1,),
    "ReduceL2": (1,),
    "ReduceLogSum": (1,),
    "ReduceLogSumExp": (1,),
    "ReduceMax": (1,),
    "ReduceMean": (1,),
    "ReduceMin": (1,),
    "ReduceProd": (1,),
    "ReduceSum": (1,),
    "ReduceSumSquare": (1,),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
    "ScatterElements": (1,),
    "ScatterND": (1,),
    "Slice": (1, 2, 3, 4),
    "Split": (1,),
    "Squeeze": (1,),
    "Tile": (1,),
    "TopK": (1,),
    "Trilu": (1,),
    "Unsqueeze": (1,),
    "Upsample": (1,),
}
"""Operator → its inputs that are constants in a network (weights, shapes, axes, indices), although the tests give them at run time."""


@dataclasses.dataclass(frozen=True, eq=False)
class NodeTest:
    """One test, the inputs that are constants in a network made initializers.

    op: the operator it is a test of (an expanded function keeps its own operator's name); inputs: name → values of the others;
    expected: name → values; constants: names of the inputs that became initializers.
    """

    name: str
    op: str
    model: onnx.ModelProto
    inputs: dict[str, Any]
    expected: dict[str, Any]
    constants: tuple[str, ...]

    @property
    def domain(self) -> str:
        """Domain of the first node that is not of ONNX's own set of operators; '' if there is none."""
        return next((node.domain for node in self.model.graph.node if node.domain not in ONNX_DOMAINS), "")

    @property
    def kinds(self) -> set[str]:
        """Kinds of the operators in the graph."""
        return {node.op_type for node in self.model.graph.node}

    @property
    def opset(self) -> int:
        """The version of ONNX's own set of operators."""
        return next((entry.version for entry in self.model.opset_import if entry.domain in ONNX_DOMAINS), 1)

    @property
    def values(self) -> list[Any]:
        """What goes in at run time and what should come out."""
        return [*self.inputs.values(), *self.expected.values()]

    def tensors(self) -> list[NDArray[Any]]:
        """`values`, as far as they are tensors."""
        return [value for value in self.values if isinstance(value, np.ndarray)]


@functools.cache
def node_tests() -> dict[str, NodeTest]:
    """Every node test by name. The onnx package computes their data when asked, which takes some seconds and is the same every time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what numpy says of the infinities and NaNs that some tests are about
        from onnx.backend.test.loader import load_model_tests

        cases = load_model_tests(kind="node")
    models: dict[str, Any] = {case.name: case.model for case in cases}
    return {case.name: _test(case, models[case.name.partition(_EXPANDED)[0]]) for case in cases}


def _test(case: Any, original: onnx.ModelProto) -> NodeTest:
    """`original`: the model before an ONNX function was expanded; its node says which inputs are constants."""
    inputs, outputs = case.data_sets[0]
    named = dict(zip([value.name for value in case.model.graph.input], map(_array, inputs), strict=True))
    expected = dict(zip([value.name for value in case.model.graph.output], map(_array, outputs), strict=True))
    constants = tuple(name for name in _constant_names(original.graph.node[0]) if isinstance(named.get(name), np.ndarray))
    return NodeTest(
        name=case.name,
        op=original.graph.node[0].op_type,
        model=_with_initializers(case.model, {name: named.pop(name) for name in constants}),
        inputs=named,
        expected=expected,
        constants=constants,
    )


def _array(value: Any) -> Any:
    """Numpy's scalars as arrays of no axes; sequences, optional values and tensors of types that numpy lacks stay what they are."""
    return np.asarray(value) if isinstance(value, np.generic) else value


def _constant_names(node: onnx.NodeProto) -> Iterator[str]:
    for position in CONSTANT_INPUTS.get(node.op_type, ()):
        if position < len(node.input) and node.input[position]:
            yield node.input[position]


def _with_initializers(model: onnx.ModelProto, constants: dict[str, NDArray[Any]]) -> onnx.ModelProto:
    made = onnx.ModelProto()
    made.CopyFrom(model)
    kept = [value for value in model.graph.input if value.name not in constants]
    del made.graph.input[:]
    made.graph.input.extend(kept)
    made.graph.initializer.extend(onnx.numpy_helper.from_array(values, name) for name, values in constants.items())
    return made
