"""`redmobile report`: what is written, and with which code it ends."""

import json
import sys

import pytest

from redmobile import cli


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Arguments → (exit code, stdout, stderr), from a folder with the comparison of files in files.json."""
    document = {
        "format": "redmobile.parity_files/1",
        "environment": {"date": "2026-11-24T09:00:00+00:00", "machine": "x86_64", "cpu": "AMD EPYC", "cores": 2, "system": "Linux 6"},
        "files": [{"name": name, "sha256": "56" * 32, "runtime": "litert 2.3.0"} for name in ("a.onnx", "b.tflite")],
        "findings": [],
        "remarks": [],
        "passed": True,
        "pairs": [{"expected": "a.onnx", "found": "b.tflite", "outputs": [{"name": "y", "figures": {"sqnr": 41.25}}]}],
    }
    (tmp_path / "files.json").write_text(json.dumps(document))
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["redmobile", "report", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        said = capsys.readouterr()
        return stop.value.code, said.out, said.err

    return run


def test_without_options_it_writes_a_page(call, tmp_path):
    code, out, err = call("files.json")
    assert (code, out) == (0, "")
    assert "report.html: written." in err
    page = (tmp_path / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "41.25 dB" in page


def test_markdown_goes_to_stdout_and_no_page_is_written(call, tmp_path):
    code, out, err = call("files.json", "--markdown", "-", "--title", "My *net*")
    assert (code, err) == (0, "")
    assert "## ✅ Passed: My \\*net\\*" in out
    assert not (tmp_path / "report.html").exists()


def test_all_three_at_once(call, tmp_path):
    assert call("files.json", "--out", "out/page.html", "--markdown", "out/page.md", "--junit", "out/page.xml")[0] == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"page.html", "page.md", "page.xml"}


def test_json_tells_verdicts_and_figures(call, tmp_path):
    code, out, _ = call("files.json", "--json")
    (result,) = json.loads(out)["results"]
    assert (code, result["verdict"]["outcome"], result["figures"]["signal to noise"]["value"]) == (0, "passed", 41.25)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["missing.json"], 10, "missing.json: no such file."),
        (["other.json"], 3, "other.json: format 'none' is not known. Expected one of redmobile.bench/2, redmobile.parity/1"),
        (["files.json", "--out", "."], 11, "is a folder; give the name of a file to write."),
        ([], 2, "Missing argument"),
    ],
)
def test_a_bad_call_ends_with_its_code_and_one_line(call, tmp_path, arguments, code, says):
    (tmp_path / "other.json").write_text("{}")
    found, out, err = call(*arguments)
    assert (found, out) == (code, "")
    assert says in err
    assert "Traceback" not in err
