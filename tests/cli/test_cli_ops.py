"""`redmobile ops`: the table, the tests, the Markdown, and what is refused."""

import json
import subprocess
import sys

import pytest


def _ops(*arguments):
    return subprocess.run([sys.executable, "-m", "redmobile", "ops", *arguments], capture_output=True, text=True, check=False)


def test_the_table_says_what_becomes_of_an_operator():
    found = _ops("Conv", "Add", "--json")
    assert found.returncode == 0, found.stderr
    rows = json.loads(found.stdout)["operators"]
    assert [row["op"] for row in rows] == ["Add", "Conv"]
    assert rows[0]["lowers_to"] == "ADD"
    assert "CONV_2D" in _ops("Conv").stdout


@pytest.mark.slow
def test_backend_tests_of_one_operator():
    found = _ops("Relu", "--backend-tests", "--json", "--workers", "1")
    assert found.returncode == 0, found.stderr
    result = json.loads(found.stdout)
    assert [test["name"] for test in result["tests"] if test["outcome"] == "passed"]
    assert result["operators"][0]["passed"] == result["totals"]["passed"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Con"], "Unknown ONNX op 'Con'. Known: Abs"),
        (["--out", "x.md"], "needs --backend-tests"),
        (["Add", "--backend-tests", "--out", "x.md"], "takes no OP"),
    ],
)
def test_bad_input_is_one_line(arguments, words):
    found = _ops(*arguments)
    assert found.returncode == 2
    assert words in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1
