"""Test suites in the XML that CI systems read (JUnit's, as Jenkins and GitLab understand it)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Literal
from xml.etree import ElementTree as ET

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclasses.dataclass(frozen=True)
class Case:
    """One test case. kind: what sort of thing failed ('gate', 'budget'); says: why it failed or was skipped; all of it, first line first."""

    group: str
    name: str
    outcome: Literal["passed", "failed", "skipped"]
    kind: str = ""
    says: str = ""


@dataclasses.dataclass(frozen=True)
class Suite:
    """Cases with what they were taken with. date: ISO 8601, UTC; '' if it is not known."""

    name: str
    date: str
    properties: Mapping[str, str]
    cases: Sequence[Case]


def to_junit(suites: Sequence[Suite]) -> bytes:
    """UTF-8, one <testsuite> each."""
    root = ET.Element("testsuites")
    for suite in suites:
        root.append(_suite(suite))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _suite(suite: Suite) -> ET.Element:
    made = ET.Element("testsuite", name=_clean(suite.name), time="0")
    if suite.date:
        made.set("timestamp", suite.date.removesuffix("+00:00"))
    holder = ET.SubElement(made, "properties")
    for name, value in suite.properties.items():
        ET.SubElement(holder, "property", name=_clean(name), value=_clean(value))
    for case in suite.cases:
        _case(made, case)
    counts = {"tests": "testcase", "failures": "testcase/failure", "errors": "testcase/error", "skipped": "testcase/skipped"}
    for attribute, path in counts.items():
        made.set(attribute, str(len(made.findall(path))))
    return made


def _case(suite: ET.Element, case: Case) -> None:
    made = ET.SubElement(suite, "testcase", classname=_clean(case.group), name=_clean(case.name), time="0")
    if case.outcome == "failed":
        failure = ET.SubElement(made, "failure", type=case.kind, message=_clean(case.says.partition("\n")[0]))
        failure.text = _clean(case.says)
    if case.outcome == "skipped":
        ET.SubElement(made, "skipped", message=_clean(case.says))


def _clean(text: str) -> str:
    """Without the characters that XML does not allow, which a file name may hold."""
    return _NOT_IN_XML.sub("\ufffd", text)
