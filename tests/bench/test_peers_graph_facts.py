"""Counting what graphs are made of."""

import numpy as np

from redmobile.bench.peers.graph_facts import graph_facts
from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

SCALE = Quantization.per_tensor(0.1, 0)
SHAPE = (1, 4, 4, 3)


def real(name):
    return Tensor(name, SHAPE, "float32")


def code(name):
    return Tensor(name, SHAPE, "int8", quantization=SCALE)


def chain(*steps):
    """A model of operators in a row: (kind, tensor that it writes), the first step being the input."""
    (_, first), *rest = steps
    operators, last = [], first
    for kind, tensor in rest:
        operators.append(Operator(kind, [last], [tensor]))
        last = tensor
    return TfliteModel(operators, [first], [last])


def test_kinds_are_counted():
    facts = graph_facts(chain(("", code("x")), ("TRANSPOSE", code("a")), ("RELU6", code("b")), ("MINIMUM", code("c")), ("TRANSPOSE", code("d"))))
    assert (facts.count, facts.transposes, facts.clamps, facts.float_islands) == (4, 2, 2, 0)
    assert facts.operators == {"TRANSPOSE": 2, "RELU6": 1, "MINIMUM": 1}


def test_a_float_graph_has_no_islands():
    assert graph_facts(chain(("", real("x")), ("RELU", real("a")), ("ABS", real("b")))).float_islands == 0


def test_float_operators_in_a_row_are_one_island():
    model = chain(("", code("x")), ("DEQUANTIZE", real("a")), ("ABS", real("b")), ("SQRT", real("c")), ("QUANTIZE", code("d")))
    assert graph_facts(model).float_islands == 1


def test_islands_apart_are_counted_apart():
    model = chain(
        ("", code("x")), ("DEQUANTIZE", real("a")), ("ABS", real("b")), ("QUANTIZE", code("c")), ("DEQUANTIZE", real("d")), ("SQRT", real("e"))
    )
    assert graph_facts(model).float_islands == 2


def test_floats_at_the_borders_alone_are_no_island():
    assert graph_facts(chain(("", real("x")), ("QUANTIZE", code("a")), ("TANH", code("b")), ("DEQUANTIZE", real("c")))).float_islands == 0


def test_branches_that_meet_are_one_island():
    x, left, right, out = code("x"), real("left"), real("right"), real("out")
    a, b = real("a"), real("b")
    operators = [
        Operator("DEQUANTIZE", [x], [left]),
        Operator("DEQUANTIZE", [x], [right]),
        Operator("ABS", [left], [a]),
        Operator("SQRT", [right], [b]),
        Operator("ADD", [a, b], [out]),
    ]
    assert graph_facts(TfliteModel(operators, [x], [out])).float_islands == 1


def test_float_constants_of_an_integer_operator_make_no_island():
    x, y = code("x"), code("y")
    scales = Tensor.constant("scales", np.ones(3, np.float32))
    assert graph_facts(TfliteModel([Operator("CUSTOM_LIKE", [x, scales, None], [y])], [x], [y])).float_islands == 0
