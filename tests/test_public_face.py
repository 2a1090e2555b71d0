"""The public face: at most ten names, loaded on first use."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import redmobile

ROOMS = {path.stem for path in Path(redmobile.__file__).parent.iterdir()}


def test_there_are_at_most_ten_names_and_all_are_listed():
    assert len(redmobile.__all__) <= 10
    assert set(redmobile.__all__) == set(redmobile._HOMES)
    assert set(redmobile.__all__) <= set(dir(redmobile))


@pytest.mark.parametrize("name", redmobile.__all__)
def test_every_name_is_there(name):
    if name == "export_onnx":
        pytest.importorskip("torch")
    assert getattr(redmobile, name) is vars(redmobile)[name]
    assert getattr(redmobile, name).__doc__


def test_type_checkers_are_told_the_same():
    source = ast.parse(Path(redmobile.__file__).read_text())
    (block,) = (node for node in source.body if isinstance(node, ast.If))
    told = {alias.asname or alias.name: f"{node.module}:{alias.name}" for node in block.body for alias in node.names}
    assert told == redmobile._HOMES


def test_no_name_is_that_of_a_room():
    assert not set(redmobile.__all__) & ROOMS


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = redmobile.nothing


def test_the_base_names_need_no_torch():
    names = [name for name in redmobile.__all__ if name != "export_onnx"]
    code = f"import redmobile, sys\nfor name in {names!r}: getattr(redmobile, name)\nprint(*sys.modules)"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    assert not loaded & {"torch", "tensorflow", "click", "rich"}
