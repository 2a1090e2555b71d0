"""Probes: the tables say what the installed compilers do, and the rules foresee every case."""

import importlib.util
import shutil

import msgspec
import pytest

from redmobile.core.artifact import read_bytes
from redmobile.errors import UsageError
from redmobile.npu.probe import PROBED_TARGETS, differences, is_same, probe, to_toml, write_probed
from redmobile.npu.probe_models import CASES, ProbeBuild
from redmobile.npu.rules import Probed, find_rules, judge, load_rules

VELA = pytest.mark.skipif(importlib.util.find_spec("ethosu") is None, reason="ethos-u-vela is not installed: pip install 'redmobile[npu]'")
ASKED = [pytest.param(target, marks=[VELA] if target.startswith("ethos") else []) for target in PROBED_TARGETS]
BY_NAME = {case.name: case for case in CASES}


@pytest.mark.slow
@pytest.mark.parametrize("target", ASKED)
def test_the_table_is_what_the_installed_compiler_does(target):
    found, recorded = probe(target), load_rules(target).probed
    assert differences(found, recorded) == []
    assert is_same(found, recorded)


@pytest.mark.parametrize("target", PROBED_TARGETS)
def test_the_rules_foresee_every_case(target):
    table = load_rules(target)
    for case in table.probed.case:
        build = ProbeBuild(BY_NAME[case.name], case.dtype)
        found = judge(table, build.tried)
        assert (found.verdict == "delegated") == case.taken, f"{case.name} ({case.dtype}): {found.verdict}, {found.says}"


def test_every_case_has_its_own_name_and_tries_the_kind_that_it_says():
    assert len(BY_NAME) == len(CASES)
    for case in CASES:
        assert ProbeBuild(case, case.dtypes[0]).tried.kind == case.op
        assert case.name.startswith(case.op)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A shelf of one's own with a copy of the table of XNNPACK."""
    folder = tmp_path / "converters" / "npu_rules"
    folder.mkdir(parents=True)
    shutil.copy(find_rules("xnnpack"), folder)
    monkeypatch.setenv("REDMOBILE_SHELF", str(tmp_path))
    return folder / "xnnpack.toml"


def test_writing_the_same_answer_leaves_the_same_bytes_whatever_the_day(shelf):
    before, recorded = read_bytes(shelf), load_rules("xnnpack").probed
    assert write_probed("xnnpack", msgspec.structs.replace(recorded, date="2030-01-01")) == shelf
    assert read_bytes(shelf) == before


def test_writing_another_answer_changes_the_probed_part_alone(shelf):
    recorded = load_rules("xnnpack").probed
    first = msgspec.structs.replace(recorded.case[0], taken=not recorded.case[0].taken)
    changed = msgspec.structs.replace(recorded, version="9.9", date="2030-01-01", case=(first, *recorded.case[1:]))
    before = shelf.read_text()
    write_probed("xnnpack", changed)
    assert load_rules("xnnpack").probed == changed
    assert shelf.read_text().partition("# Below")[0] == before.partition("# Below")[0]
    assert differences(changed, recorded) == [
        f"ai-edge-litert: {recorded.version} is recorded, 9.9 is installed",
        f"{first.name} ({first.dtype}): left before, taken now",
    ]


def test_a_first_probe_and_a_changed_list_are_told():
    one = Probed(tool="t", version="1", date="d", case=(), takes=("ABS",))
    assert differences(one, None) == ["nothing was recorded"]
    assert differences(msgspec.structs.replace(one, takes=("ADD",)), one) == ["ADD: newly listed", "ABS: no longer listed"]
    assert 'takes = [\n    "ABS",\n]' in to_toml(one)


def test_a_target_without_a_public_compiler_cannot_be_probed():
    with pytest.raises(UsageError, match="'qualcomm_htp' cannot be probed"):
        probe("qualcomm_htp")


def test_a_case_in_float_has_no_integers_but_sizes():
    build = ProbeBuild(BY_NAME["CONV_2D 3×3"], "float32")
    assert {tensor.dtype for tensor in build.model().tensors()} == {"float32"}
