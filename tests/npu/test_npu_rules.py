"""Rule tables: read strictly, and what they say of operators."""

import pytest
from npu_models import Chain, shuffling

from redmobile.core.documents import from_dict
from redmobile.errors import DocumentError, InputError
from redmobile.npu.rules import RuleTable, judge, load_rules, targets

TARGETS = (
    "edge_tpu",
    "ethos_u55",
    "ethos_u65",
    "ethos_u85",
    "google_tensor",
    "mediatek_apu",
    "nnapi",
    "qualcomm_htp",
    "samsung_npu",
    "xnnpack",
)
RULE = {"id": "r", "ops": ["ABS"], "says": "{op} at most {max}.", "check": {"kind": "rank", "max": 3}, "source": "here"}
LISTING = {"unlisted": "unknown", "says": "{op} is not listed.", "source": "here", "takes": ["ABS", "TANH"]}


def table(*rules, **listing):
    return from_dict({"says": "A target.", "listing": LISTING | listing, "rule": list(rules)}, RuleTable, "table")


def verdict(rules, kind, **options):
    found = judge(rules, Chain().op(kind, **options).operators[0], 5)
    return found.verdict, found.says


def test_there_is_a_table_for_each_target():
    assert targets() == list(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_each_table_reads_and_each_sentence_can_be_said(target):
    rules = load_rules(target)
    identities = [rule.id for rule in rules.rule]
    assert len(set(identities)) == len(identities)
    for rule in rules.rule:
        assert rule.source
        assert "{" not in rule.sentence(rule.named)
    assert "{" not in rules.listing.says.format(op="ABS")


def test_a_broken_rule_decides_with_its_sentence():
    assert verdict(table(RULE), "ABS") == ("falls back", "ABS at most 3.")
    assert verdict(table(RULE), "TANH") == ("delegated", "")


def test_what_is_not_listed_is_as_the_table_says():
    assert verdict(table(), "NEG") == ("unknown", "NEG is not listed.")
    assert verdict(table(unlisted="falls_back"), "NEG") == ("falls back", "NEG is not listed.")


def test_a_rule_can_leave_it_open_and_one_can_only_warn():
    assert verdict(table(RULE | {"effect": "unknown"}), "ABS") == ("unknown", "ABS at most 3.")
    assert verdict(table(RULE | {"check": {"kind": "unknown"}, "says": "Nobody knows."}), "ABS") == ("unknown", "Nobody knows.")
    costly = judge(table(RULE | {"effect": "costs"}), Chain().op("ABS").operators[0])
    assert (costly.verdict, costly.costs) == ("delegated", ("ABS at most 3.",))


def test_a_rule_about_some_types_or_options_leaves_the_others_alone():
    assert verdict(table(RULE | {"dtypes": ["int16"]}), "ABS")[0] == "delegated"
    assert verdict(table(RULE | {"dtypes": ["int8"]}), "ABS")[0] == "falls back"
    assert verdict(table(RULE | {"when": {"padding": "VALID"}}), "ABS", padding="SAME")[0] == "delegated"
    assert verdict(table(RULE | {"when": {"padding": "VALID"}}), "ABS", padding="VALID")[0] == "falls back"


def test_probed_kinds_are_taken_if_one_form_was():
    cases = [{"name": "a", "op": "NEG", "dtype": "int8", "taken": True}, {"name": "b", "op": "NEG", "dtype": "int8", "taken": False}]
    cases.append({"name": "c", "op": "EXP", "dtype": "int8", "taken": False})
    probed = {"tool": "t", "version": "1", "date": "2026-01-01", "case": cases, "takes": ["SUB"]}
    values = {"says": "A target.", "listing": LISTING | {"left": "No {op} was taken."}, "probed": probed}
    rules = from_dict(values, RuleTable, "table")
    assert verdict(rules, "NEG") == ("delegated", "")
    assert verdict(rules, "EXP") == ("falls back", "No EXP was taken.")
    assert verdict(rules, "SUB") == ("delegated", "")
    assert verdict(rules, "SQRT") == ("unknown", "SQRT is not listed.")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"check": {"kind": "rnak", "max": 3}}, "rnak"),
        ({"check": {"kind": "rank", "maximum": 3}}, "maximum"),
        ({"effect": "explodes"}, "explodes"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(change, says):
    with pytest.raises(DocumentError, match=says):
        table(RULE | change)


def test_an_unknown_target_is_named_with_those_that_are_known():
    with pytest.raises(InputError, match=r"Unknown NPU target 'ethos_u99'. Known: edge_tpu, ethos_u55"):
        load_rules("ethos_u99")


def test_a_users_shelf_comes_first(tmp_path, monkeypatch):
    folder = tmp_path / "converters" / "npu_rules"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text('says = "Mine."\n[listing]\nunlisted = "falls_back"\nsays = "Not {op}."\nsource = "me"\n')
    monkeypatch.setenv("REDMOBILE_SHELF", str(tmp_path))
    assert "mine" in targets()
    assert verdict(load_rules("mine"), "ABS") == ("falls back", "Not ABS.")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("ethos_u55", "falls back"),
        ("ethos_u65", "falls back"),
        ("ethos_u85", "falls back"),
        ("mediatek_apu", "falls back"),
        ("samsung_npu", "falls back"),
        ("edge_tpu", "falls back"),
        ("qualcomm_htp", "delegated"),
        ("nnapi", "delegated"),
        ("xnnpack", "delegated"),
        ("google_tensor", "unknown"),
    ],
)
def test_who_takes_a_pixel_shuffle(target, expected):
    assert judge(load_rules(target), shuffling().operators[-1]).verdict == expected
