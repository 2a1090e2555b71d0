"""Gates as test cases, in the XML that CI systems read (JUnit's, as Jenkins and GitLab understand it)."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from redmobile.parity.result import ParityResult

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(result: ParityResult) -> bytes:
    """One test suite: a case for shapes, dtypes, layouts and finiteness, then a case a gate; UTF-8."""
    suite = ET.Element("testsuite", name="redmobile.parity", timestamp=str(result.environment["date"]).removesuffix("+00:00"), time="0")
    _properties(suite, result)
    kind = f"parity.{result.stages[-1].name}"
    faults = [("fault", finding) for finding in result.findings]
    _case(suite, kind, "shape, dtype, layout, finiteness", faults, None)
    for gate in result.gates:
        failures = [("gate", gate.says)] if gate.outcome == "failed" else []
        _case(suite, kind, gate.title, failures, gate.says if gate.outcome == "not judged" else None)
    counts = {"tests": "testcase", "failures": "testcase/failure", "errors": "testcase/error", "skipped": "testcase/skipped"}
    for attribute, path in counts.items():
        suite.set(attribute, str(len(suite.findall(path))))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _properties(suite: ET.Element, result: ParityResult) -> None:
    packages = {f"version.{name}": version for name, version in result.environment["packages"].items()}
    files = {f"sha256.{stage.name}": stage.sha256 for stage in result.stages}
    holder = ET.SubElement(suite, "properties")
    for name, value in {"converter": result.converter, "cpu": result.environment["cpu"], **files, **packages}.items():
        ET.SubElement(holder, "property", name=name, value=_clean(str(value)))


def _case(suite: ET.Element, kind: str, name: str, failures: list[tuple[str, str]], skipped: str | None) -> None:
    case = ET.SubElement(suite, "testcase", classname=kind, name=_clean(name), time="0")
    if failures:
        first = failures[0]
        failure = ET.SubElement(case, "failure", type=first[0], message=_clean(first[1]))
        failure.text = _clean("\n".join(text for _, text in failures))
    if skipped is not None:
        ET.SubElement(case, "skipped", message=_clean(skipped))


def _clean(text: str) -> str:
    """Without the characters that XML does not allow, which a file name may hold."""
    return _NOT_IN_XML.sub("\ufffd", text)
