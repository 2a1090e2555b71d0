"""JSON documents."""

import json

import pytest

from redmobile.core.results import read_json, to_json, write_json
from redmobile.errors import DocumentError, InputError


def test_what_is_written_is_read(tmp_path):
    write_json(tmp_path / "a.json", {"dB": 41.3, "names": ("a", "b"), "µs": None})
    assert read_json(tmp_path / "a.json") == {"dB": 41.3, "names": ["a", "b"], "µs": None}


def test_json_has_no_infinities_so_they_are_words():
    assert json.loads(to_json({"a": [float("inf"), float("-inf"), float("nan"), 1.5]})) == {"a": ["inf", "-inf", "nan", 1.5]}


def test_broken_json_names_the_file(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DocumentError, match=r"a\.json: is not valid JSON"):
        read_json(tmp_path / "a.json")
    (tmp_path / "b.json").write_bytes(b"\xff")
    with pytest.raises(DocumentError, match="is not valid JSON"):
        read_json(tmp_path / "b.json")
    with pytest.raises(InputError, match="no such file"):
        read_json(tmp_path / "c.json")
