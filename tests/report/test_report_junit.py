"""JUnit: what failed is failed, what nobody can judge is skipped."""

from xml.etree import ElementTree as ET

import report_documents as documents

from redmobile.report.junit import to_junit
from redmobile.report.read import read_report


def suites(*files):
    return ET.fromstring(to_junit(read_report(files))).findall("testsuite")  # noqa: S314 - our own


def test_a_missed_budget_fails_and_an_estimate_is_skipped(written):
    met, missed, estimate = suites(written["latency"], written["video"], written["estimate"])
    assert [(suite.get("tests"), suite.get("failures"), suite.get("skipped")) for suite in (met, missed, estimate)] == [
        ("1", "0", "0"),
        ("1", "1", "0"),
        ("1", "0", "1"),
    ]
    failure = missed.find("testcase/failure")
    assert failure.get("type") == "budget"
    assert failure.get("message").startswith("Missed. ")
    assert "not measured" in estimate.find("testcase/skipped").get("message").lower()


def test_a_failed_gate_fails(tmp_path):
    (suite,) = suites(documents.write(tmp_path / "parity.json", documents.comparison(passed=False)))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert suite.find("testcase/failure").get("type") == "gate"


def test_a_suite_says_what_it_was_made_with(written):
    (suite,) = suites(written["latency"])
    properties = {found.get("name"): found.get("value") for found in suite.findall("properties/property")}
    assert properties["Model sha256"] == documents.MODEL.sha256
    assert properties["document"] == str(written["latency"])
    assert suite.get("timestamp") == "2026-11-24T09:00:00"
