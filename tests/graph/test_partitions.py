"""How a delegate's operators fall into pieces: as LiteRT cuts the graph for XNNPACK."""

import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from graph_cases import random_graph
from hypothesis import given, settings

from redmobile.graph.partitions import count_partitions
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.runtimes.base import open_runtime

CHOICES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=14)


def coverage_of(model):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(write_tflite(model))
        return open_runtime(path, "litert", threads=1).delegate_coverage()


@settings(max_examples=60, deadline=None)
@given(CHOICES)
def test_as_many_as_litert_makes(choices):
    model = random_graph(choices)
    found = coverage_of(model)
    taken = [position in found.positions for position in range(len(model.operators))]
    assert count_partitions(model, taken) == found.partitions


@pytest.mark.parametrize(("taken", "pieces"), [("111", 1), ("000", 0), ("101", 2), ("110", 1), ("010", 1)])
def test_a_chain(taken, pieces):
    model = random_graph([(0, 0, 0), (1, 1, 0), (0, 2, 0)])
    assert count_partitions(model, [flag == "1" for flag in taken]) == pieces


def test_operators_that_wait_for_each_other_end_the_count():
    one, other = Tensor("a", (1,), "int8"), Tensor("b", (1,), "int8")
    model = TfliteModel([Operator("ABS", [one], [other]), Operator("ABS", [other], [one])], [], [one])
    assert count_partitions(model, [True, True]) == 0
