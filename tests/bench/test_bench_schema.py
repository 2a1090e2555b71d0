"""The published JSON Schema is what the documents are, and has no place for an emulator's milliseconds."""

import json

import jsonschema
import msgspec
import pytest

from redmobile import shelf
from redmobile.bench import result as results
from redmobile.bench.header import FORMAT
from redmobile.bench.modelled import EmulationResult, EstimateResult
from redmobile.bench.result import Bundle, Result
from redmobile.core.results import to_json
from redmobile.errors import DocumentError


def published():
    (folder,) = shelf.shelf_folders("benchmarks")
    return folder / results.SCHEMA_FILE


def test_the_published_schema_is_that_of_the_documents():
    assert published().read_text() == to_json(results.schema()) + "\n", "write it anew: redmobile bench --schema > benchmarks/result.schema.json"
    jsonschema.Draft202012Validator.check_schema(json.loads(published().read_text()))


def fields_below(kind, seen=None):
    """(document, field) of everything that a document of `kind` can hold, leaving out the header, which all have."""
    seen = {} if seen is None else seen
    defs = msgspec.json.schema_components([kind], ref_template="{name}")[1]
    return {(name, field) for name, schema in defs.items() for field in schema.get("properties", {})}


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        (EmulationResult, {("LowerBound", "not_faster_than_ms"), ("BoundTerm", "at_least_ms")}),
        (EstimateResult, {("EstimatedNetwork", "frame_ms")}),
    ],
)
def test_what_did_not_run_has_no_place_for_milliseconds_but_labelled_ones(kind, allowed):
    assert {(name, field) for name, field in fields_below(kind) if field.endswith(("_ms", "_ns", "_us"))} == allowed


@pytest.mark.parametrize("name", ["LowerBound", "EstimatedNetwork"])
def test_the_milliseconds_of_an_estimate_carry_their_label(name):
    schema = results.schema()["$defs"][name]
    assert "label" in schema["required"]
    (label,) = schema["properties"]["label"]["enum"]
    assert label.startswith("estimate")


def test_every_kind_of_result_has_a_tag():
    tags = {kind.__struct_config__.tag for kind in (*Result.__args__, Bundle)}
    assert tags == {"latency", "video", "memory", "accuracy", "emulation", "estimate", "bundle"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"format": "redmobile.bench/1", "kind": "latency"}, "expected format 'redmobile.bench/2', found 'redmobile.bench/1'"),
        ([], "is no result of `redmobile bench`"),
        ({"format": FORMAT, "kind": "dream"}, "Invalid value 'dream'"),
        ({"format": FORMAT, "kind": "bundle", "results": [{"kind": "latency"}]}, r"missing required field.*results\[0\]"),
        ({"format": FORMAT, "kind": "bundle", "results": [], "speed": 3}, "unknown field `speed`"),
    ],
)
def test_a_document_that_does_not_fit_is_named_with_the_place(values, said):
    with pytest.raises(DocumentError, match=said) as caught:
        results.from_builtins(values, "r.json")
    assert str(caught.value).startswith("r.json: ")
