"""Peak of activation memory, against a count of its own on random graphs."""

import hypothesis.strategies as st
from graph_cases import random_graph
from hypothesis import given

from redmobile.graph.liveness import bytes_of, peak_activations
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

CHOICES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=14)  # without views


def alive_at(model, position):
    """Tensors that exist by `position` and are still needed from there on."""
    now = model.operators[position]
    made = [*model.inputs, *(tensor for operator in model.operators[: position + 1] for tensor in operator.outputs)]
    later = [*(tensor for operator in model.operators[position:] for tensor in operator.inputs), *model.outputs, *now.outputs]
    needed = {id(tensor) for tensor in later}
    first = {id(tensor) for tensor in model.inputs} if position == 0 else set()
    return sum(bytes_of(tensor) for tensor in made if id(tensor) in needed | first)


@given(CHOICES)
def test_the_peak_is_the_largest_sum_of_what_is_alive(choices):
    model = random_graph(choices)
    sums = [alive_at(model, position) for position in range(len(model.operators))]
    peak = peak_activations(model)
    assert peak.bytes == max(sums)
    assert sums[peak.position] == peak.bytes
    assert peak.operator == model.operators[peak.position].outputs[0].name


def test_a_view_takes_no_memory_of_its_own():
    plain = random_graph([(0, 0, 0), (0, 1, 0)])
    viewed = random_graph([(0, 0, 0), (3, 1, 0), (0, 2, 0)])
    assert peak_activations(viewed).bytes == peak_activations(plain).bytes == 2 * 160


def test_wider_types_take_more():
    x, y = Tensor("x", (2, 3), "int8"), Tensor("y", (2, 3), "float32")
    model = TfliteModel([Operator("DEQUANTIZE", [x], [y])], [x], [y])
    assert peak_activations(model).bytes == 6 + 24


def test_a_file_without_operators_needs_none():
    x = Tensor("x", (2, 3), "int8")
    assert peak_activations(TfliteModel([], [x], [x])).bytes == 0
