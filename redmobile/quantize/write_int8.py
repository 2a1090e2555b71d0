"""A float graph and the quantization of its activations → a quantized graph."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.core.quant_math import Quantization
from redmobile.errors import UsageError
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.quantize.clamps import clamped_input
from redmobile.quantize.op_rules import WIDE, OpRule, is_tied, rule_of
from redmobile.quantize.precision import CONVERSION, DTYPES, FLOAT
from redmobile.quantize.ranges import Layout, quantize_range
from redmobile.quantize.weights import given_scales, quantize_bias, quantize_weights, usable_scales, weight_scales

Quantizations = dict[int, Quantization]
"""id of an activation tensor of the layout → its scale and zero point."""

IO_DTYPES = {8: ("int8", "uint8", "float32"), 16: ("int16", "float32")}
"""Width of activations → dtypes that the file's inputs and outputs can have."""


@dataclasses.dataclass(frozen=True, eq=False)
class Writer:
    """Writes one layout as often as wanted: with other quantizations, with shifted biases. The layout is not changed.

    per_channel: one scale an output channel of the weights, else one a tensor.
    """

    layout: Layout
    per_channel: bool = True
    _scales: dict[int, NDArray[np.float64]] = dataclasses.field(default_factory=dict)
    _codes: dict[tuple[int, bytes], tuple[NDArray[np.int8], Quantization]] = dataclasses.field(default_factory=dict)

    def write(self, quantizations: Quantizations, bias_shifts: dict[int, NDArray[np.float64]] | None = None) -> TfliteModel:
        """The quantized graph, int8 (16 bits: int16) in and out. bias_shifts: id of an operator → (C,) real values to add to its bias."""
        return _Writing(self, quantizations, bias_shifts or {}).model()

    def scales_of(self, weights: Tensor, axis: int) -> NDArray[np.float64]:
        """The scales that the weights come with, or else alone ask for, computed once."""
        if id(weights) not in self._scales:
            given = given_scales(_data(weights), weights.given, axis)
            self._scales[id(weights)] = weight_scales(_data(weights), axis, per_channel=self.per_channel) if given is None else given
        return self._scales[id(weights)]

    def codes_of(self, weights: Tensor, scales: NDArray[np.float64], axis: int) -> tuple[NDArray[np.int8], Quantization]:
        """The codes of `weights` at `scales`, computed once for the same scales: they hardly ever change with the activations."""
        key = (id(weights), scales.tobytes())
        if key not in self._codes:
            self._codes[key] = quantize_weights(_data(weights), scales, axis)
        return self._codes[key]


def with_io(model: TfliteModel, dtype: str, bits: int) -> TfliteModel:
    """The quantized `model` with inputs and outputs of `dtype`: QUANTIZE and DEQUANTIZE at the edges where that is another one.

    Raises UsageError for a dtype that does not go with activations of `bits`.
    """
    check_io(dtype, bits)
    inner = DTYPES[bits]
    if dtype == inner:
        return model
    before, after = [], []
    inputs, outputs = list(model.inputs), list(model.outputs)
    for place, tensor in enumerate(inputs):
        if tensor.dtype == inner:
            inputs[place] = _edge(tensor, dtype)
            before.append(Operator("QUANTIZE", [inputs[place]], [tensor]))
    for place, tensor in enumerate(outputs):
        if tensor.dtype == inner:
            outputs[place] = _edge(tensor, dtype)
            after.append(Operator("DEQUANTIZE" if dtype == "float32" else "QUANTIZE", [tensor], [outputs[place]]))
    return dataclasses.replace(model, operators=[*before, *model.operators, *after], inputs=inputs, outputs=outputs)


def check_io(dtype: str, bits: int) -> None:
    """Raise UsageError unless inputs and outputs can have `dtype` with activations of `bits`."""
    if dtype not in IO_DTYPES[bits]:
        raise UsageError(f"Inputs and outputs of {bits}-bit activations can be {', '.join(IO_DTYPES[bits])}, not {dtype}.")


def _edge(tensor: Tensor, dtype: str) -> Tensor:
    """A tensor of `dtype` with the name of `tensor`, which gets another one: users look for the names they know."""
    name, tensor.name = tensor.name, f"{tensor.name}/{tensor.dtype}"
    quantization = None
    if dtype == "uint8" and tensor.quantization:
        quantization = Quantization(tensor.quantization.scale, tensor.quantization.zero_point + 128)
    return Tensor(name, tensor.shape, dtype, quantization=quantization)


class _Writing:
    """One pass over the operators."""

    def __init__(self, writer: Writer, quantizations: Quantizations, bias_shifts: dict[int, NDArray[np.float64]]) -> None:
        self._writer = writer
        self._precision = writer.layout.precision
        self._quantizations = quantizations
        self._shifts = bias_shifts
        self._made: dict[int, Tensor] = {}

    def model(self) -> TfliteModel:
        source = self._writer.layout.model
        inputs = [self._activation(tensor) for tensor in source.inputs]
        operators = [made for operator in source.operators if (made := self._operator(operator)) is not None]
        outputs = [self._activation(tensor) for tensor in source.outputs]
        _name_outputs(operators, outputs)
        return dataclasses.replace(source, operators=operators, inputs=inputs, outputs=outputs, metadata=dict(source.metadata))

    def _operator(self, operator: Operator) -> Operator | None:
        bits, rule = self._precision.of_operator(operator), rule_of(operator)
        if bits == FLOAT:
            return self._kept(operator)
        if id(operator) in self._writer.layout.folding.folded:
            return self._folded(operator, bits)
        if operator.kind == CONVERSION:
            return self._conversion(operator)
        if rule and rule.scales == "weighted":
            return Operator(operator.kind, self._weighted_inputs(operator, rule), self._outputs(operator), dict(operator.options))
        made = self._plain(operator)
        if operator.kind in ("ADD", "SUB") and bits == WIDE:
            made.options["pot_scale_int16"] = False  # our scales are no powers of two
        return made

    def _conversion(self, operator: Operator) -> Operator:
        made = self._plain(operator)
        made.kind = "DEQUANTIZE" if made.outputs[0].dtype == "float32" else "QUANTIZE"
        return made

    def _kept(self, operator: Operator) -> Operator:
        inputs = [tensor if tensor is None or tensor.data is not None else self._activation(tensor) for tensor in operator.inputs]
        return Operator(operator.kind, inputs, self._outputs(operator), dict(operator.options))

    def _folded(self, operator: Operator, bits: int) -> Operator | None:
        """Nothing, where the codes saturate at both bounds. Symmetric 16-bit codes do not saturate at zero: there a clamp stays."""
        if bits == WIDE and operator.kind in ("MAXIMUM", "MINIMUM"):
            return self._plain(operator)
        source = self._activation(clamped_input(operator))
        if bits == WIDE and operator.kind != "RELU_N1_TO_1":
            return Operator("RELU", [source], self._outputs(operator))
        source.name = operator.outputs[0].name
        self._made[id(operator.outputs[0])] = source
        return None

    def _plain(self, operator: Operator) -> Operator:
        inputs = [tensor if tensor is None else self._input(operator, tensor) for tensor in operator.inputs]
        return Operator(operator.kind, inputs, self._outputs(operator), dict(operator.options))

    def _outputs(self, operator: Operator) -> list[Tensor]:
        return [self._activation(tensor) for tensor in operator.outputs]

    def _activation(self, tensor: Tensor) -> Tensor:
        if id(tensor) not in self._made:
            made = tensor
            if tensor.dtype == "float32":
                bits = self._precision.of_tensor(tensor)
                made = Tensor(tensor.name, tensor.shape, DTYPES[bits], quantization=None if bits == FLOAT else self._quantizations[id(tensor)])
            self._made[id(tensor)] = made
        return self._made[id(tensor)]

    def _input(self, operator: Operator, tensor: Tensor) -> Tensor:
        if tensor.data is None:
            return self._activation(tensor)
        if tensor.dtype != "float32":
            return tensor
        bits = self._precision.of_operator(operator)
        if is_tied(operator):
            # A comparison's output is no float: there the other operand knows.
            known = (tensor for tensor in (*operator.outputs, *operator.inputs) if id(tensor) in self._quantizations)
            quantization = self._quantizations[id(next(known))]
        else:
            given = tensor.given.int8() if tensor.given and bits != WIDE else None
            quantization = given or quantize_range((float(tensor.data.min()), float(tensor.data.max())), bits)
        return Tensor.constant(tensor.name, quantization.quantize(tensor.data, DTYPES[bits]), quantization)

    def _weighted_inputs(self, operator: Operator, rule: OpRule) -> list[Tensor | None]:
        inputs: list[Tensor | None] = list(operator.inputs)
        bits = self._precision.of_operator(operator)
        data, weights = _required(operator.inputs[rule.data_at]), _required(operator.inputs[rule.weights_at])
        inputs += [None] * (rule.bias_at + 1 - len(inputs))
        bias = self._bias(operator, inputs[rule.bias_at], weights.shape[rule.weights_axis])
        in_scale = float(self._quantizations[id(data)].scale[0])
        out_scale = float(self._quantizations[id(operator.outputs[0])].scale[0])
        scales = usable_scales(self._writer.scales_of(weights, rule.weights_axis), bias, in_scale, out_scale, bits)
        codes, quantization = self._writer.codes_of(weights, scales, rule.weights_axis)
        bias_codes, bias_quantization = quantize_bias(bias, in_scale, quantization, bits)
        inputs[rule.data_at] = self._activation(data)
        inputs[rule.weights_at] = Tensor.constant(weights.name, codes, quantization)
        # A bias of its own for each operator: two that shared a float constant have different scales now.
        inputs[rule.bias_at] = Tensor.constant(f"{operator.outputs[0].name}/bias", bias_codes, bias_quantization)
        return inputs

    def _bias(self, operator: Operator, bias: Tensor | None, channels: int) -> NDArray[np.float64]:
        values = np.zeros(channels) if bias is None else _data(bias).astype(np.float64)
        return values + self._shifts.get(id(operator), 0.0)


def _name_outputs(operators: Sequence[Operator], outputs: Sequence[Tensor]) -> None:
    """An output that is a conversion takes over the name that users know."""
    for operator in operators:
        made = operator.outputs[0]
        if operator.kind in ("QUANTIZE", "DEQUANTIZE") and any(made is output for output in outputs):
            source = operator.inputs[0]
            if source is not None and made.name == f"{source.name}/{made.dtype}":
                made.name, source.name = source.name, f"{source.name}/{source.dtype}"


def _required(tensor: Tensor | None) -> Tensor:
    if tensor is None:
        raise TypeError("an operator without its data or weights")  # op_rules.faults has refused such a graph
    return tensor


def _data(tensor: Tensor) -> NDArray[Any]:
    if tensor.data is None:
        raise TypeError(f"'{tensor.name}' is not a constant")  # op_rules.faults has refused such a graph
    return tensor.data
