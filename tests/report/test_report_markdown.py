"""Markdown for a pull request."""

import re

import report_documents as documents

from redmobile.report.markdown import MARKER, to_markdown
from redmobile.report.read import read_report


def test_the_verdict_comes_first_then_the_table(written):
    text = to_markdown(read_report([written["latency"], written["video"], written["estimate"]]))
    first, heading, says, table = text.split("\n\n")[:4]
    assert first == MARKER
    assert heading == "## ❌ Missed: night\\<b\\>.tflite"
    assert says == "3 results: 1 missed, 1 met, 1 not measured."
    head, rule, latency, video = table.splitlines()
    assert head.split(" | ")[3:5] == ["p50", "p90"]
    assert rule.count("---:") == head.count("|") - 4
    assert "✅ Met" in latency
    assert "❌ Missed" in video


def test_every_row_has_as_many_cells_as_its_head(written):
    lines = to_markdown(read_report(list(written.values()))).replace("\\|", "").splitlines()
    tables = [index for index, line in enumerate(lines) if line.startswith("| ---")]
    assert len(tables) > 8
    for index in tables:
        row = index + 1
        while lines[row].startswith("|"):
            assert lines[row].count("|") == lines[index - 1].count("|")
            row += 1


def test_a_run_s_part_has_what_was_asked_to_see_it_again(written):
    text = to_markdown(read_report([written["parity"], written["video"]]))
    assert "**Gates**" in text
    assert "psnr against float \\>= 40 dB" in text
    assert "redmobile bench video_1080p30 --on adb:1234" in text
    assert text.count("<details>") == text.count("</details>") == 2


def test_a_long_report_leaves_details_out_and_says_so(written):
    report = read_report(list(written.values()))
    whole = to_markdown(report)
    short = to_markdown(report, most=len(whole) - 1)
    assert len(short) < len(whole)
    assert f"Details of 1 of {len(written)} results are left out here; the page has them." in short
    assert short.split("<details>")[0] == whole.split("<details>")[0]


def test_words_from_outside_are_no_markup_and_call_nobody(tmp_path, monkeypatch):
    import msgspec

    result = documents.latency(monkeypatch)
    evil = msgspec.structs.replace(result, device=msgspec.structs.replace(result.device, soc="@octocat <img src=x> |`*\n# x"))
    text = to_markdown(read_report([documents.write(tmp_path / "evil.json", evil)]))
    assert "@octocat" not in text
    assert not re.search(r"(?<!\\)<img", text)
    assert "\n# x" not in text
