"""What a target takes: one document a target, converters/npu_rules/<target>.toml.

A rule's sentence stands once: it is the finding, the error and the documentation.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal

import msgspec

from redmobile.core.documents import Document, load_toml
from redmobile.errors import InputError
from redmobile.graph.macs import macs_of
from redmobile.graph.tflite_model import Operator
from redmobile.npu.checks import AnyCheck, Scalar, data_of, option
from redmobile.shelf import shelf_folders

Verdict = Literal["delegated", "falls back", "unknown"]
Effect = Literal["falls_back", "unknown", "costs"]

_EVERY = "*"


class Rule(Document):
    """A condition that an operator must keep to.

    ops: kinds it is about, "*" for all. says: the sentence, with the check's parameters in braces and {op} for the kind. source: where it
    is from. dtypes: those of the data that it is about, empty for all. when: options that must be as given for the rule to apply.
    effect: what happens to an operator that does not keep to it; `costs` is taken all the same, at a price. advice: what helps.
    """

    id: str
    ops: tuple[str, ...]
    says: str
    check: AnyCheck
    source: str
    dtypes: tuple[str, ...] = ()
    when: dict[str, Scalar] = msgspec.field(default_factory=dict)
    effect: Effect = "falls_back"
    advice: str = ""

    def applies(self, operator: Operator) -> bool:
        """Whether the rule is about `operator`."""
        if operator.kind not in self.ops and _EVERY not in self.ops:
            return False
        data = data_of(operator)
        if self.dtypes and (data is None or data.dtype not in self.dtypes):
            return False
        return all(option(operator, name) == value for name, value in self.when.items())

    @property
    def named(self) -> str:
        """How its sentence names what it is about where no operator is at hand."""
        return self.ops[0] if len(self.ops) == 1 and _EVERY not in self.ops else "an operator"

    def sentence(self, operator: str) -> str:
        """The rule in words, for an operator of the kind `operator`."""
        values = {name: getattr(self.check, name) for name in self.check.__struct_fields__}
        return self.says.format(op=operator, **{name: _listed(value) for name, value in values.items()})


class Listing(Document):
    """Which kinds are taken at all. takes: where they were not probed. unlisted: what becomes of all others, and `says` why.

    left: the sentence for a kind that was probed and of which no form was taken; '' where `says` says it too.
    """

    unlisted: Literal["falls_back", "unknown"]
    says: str
    source: str
    takes: tuple[str, ...] = ()
    left: str = ""


class Case(Document):
    """One model of one operator that was compiled: whether the target took the operator."""

    name: str
    op: str
    dtype: str
    taken: bool


class Probed(Document):
    """What `redmobile npu --probe` found. tool, version: whose; date: when it last changed; takes: what the tool itself lists, if it does."""

    tool: str
    version: str
    date: str
    case: tuple[Case, ...]
    takes: tuple[str, ...] = ()


class RuleTable(Document):
    """One target. says: which it is, and how far the rules are verified; unit: what takes the operators; compiler: what can be asked here."""

    says: str
    listing: Listing
    unit: str = "NPU"
    compiler: Literal["", "litert", "vela"] = ""
    rule: tuple[Rule, ...] = ()
    probed: Probed | None = None


@dataclasses.dataclass(frozen=True)
class Finding:
    """What becomes of one operator.

    position, op, name, shape: which it is (name and shape of its first output); says, rule: the sentence and the id of what decided, empty for an
    operator that is simply taken; advice: what helps; costs: sentences about the price of one that is taken.
    """

    position: int
    op: str
    name: str
    shape: tuple[int, ...]
    macs: int
    verdict: Verdict
    says: str = ""
    rule: str = ""
    advice: str = ""
    costs: tuple[str, ...] = ()


def rule_folders() -> list[Path]:
    """Where rule tables stand, first match wins."""
    return [folder / "npu_rules" for folder in shelf_folders("converters") if (folder / "npu_rules").is_dir()]


def targets() -> list[str]:
    """The names of all targets with rules, sorted."""
    return sorted({path.stem for folder in rule_folders() for path in folder.glob("*.toml")})


def find_rules(target: str) -> Path:
    """The table of `target`. Raises InputError naming what is known."""
    for folder in rule_folders():
        if (folder / f"{target}.toml").is_file():
            return folder / f"{target}.toml"
    raise InputError(f"Unknown NPU target '{target}'. Known: {', '.join(targets()) or 'none'}.")


def load_rules(target: str) -> RuleTable:
    """The rules of `target`. Raises InputError, DocumentError."""
    return load_toml(find_rules(target), RuleTable)


def judge(table: RuleTable, operator: Operator, position: int = 0) -> Finding:
    """What `table` says becomes of `operator`.

    A broken rule decides first, then whether the kind is taken at all, then a rule that cannot be told.
    """
    found = Finding(position, operator.kind, operator.outputs[0].name, operator.outputs[0].shape, macs_of(operator), "delegated")
    rules = [(rule, rule.check.holds(operator)) for rule in table.rule if rule.applies(operator)]
    for rule, holds in rules:
        if holds is False and rule.effect == "falls_back":
            return _decided(found, "falls back", rule)
    unlisted = _unlisted(table, operator)
    if unlisted is not None:
        verdict, says = unlisted
        return dataclasses.replace(found, verdict=verdict, says=says.format(op=operator.kind), rule="listing")
    for rule, holds in rules:
        if (holds is None and rule.effect != "costs") or (holds is False and rule.effect == "unknown"):
            return _decided(found, "unknown", rule)
    costs = tuple(rule.sentence(operator.kind) for rule, holds in rules if holds is False and rule.effect == "costs")
    return dataclasses.replace(found, costs=costs)


def _decided(found: Finding, verdict: Verdict, rule: Rule) -> Finding:
    return dataclasses.replace(found, verdict=verdict, says=rule.sentence(found.op), rule=rule.id, advice=rule.advice)


def _unlisted(table: RuleTable, operator: Operator) -> tuple[Verdict, str] | None:
    """What becomes of a kind that is not among those the target takes, and why; None for one that is."""
    if operator.kind in (*table.listing.takes, *(table.probed.takes if table.probed else ())):
        return None
    data, cases = data_of(operator), table.probed.case if table.probed else ()
    tried = [case.taken for case in cases if case.op == operator.kind and data is not None and case.dtype == data.dtype]
    if any(tried):
        return None
    if tried:
        return "falls back", table.listing.left or table.listing.says
    return "falls back" if table.listing.unlisted == "falls_back" else "unknown", table.listing.says


def _listed(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join("×".join(map(str, item)) if isinstance(item, tuple) else str(item) for item in value)
    return str(value)
