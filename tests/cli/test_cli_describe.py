"""`redmobile describe`: the table, the JSON, and what is refused."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="needs the extra 'torch'")


def _describe(*arguments):
    return subprocess.run([sys.executable, "-m", "redmobile", "describe", *arguments], capture_output=True, text=True, check=False)


def test_json_adds_up():
    found = json.loads(_describe("red_mobile", "--json").stdout)
    assert found["macs"] == sum(layer["macs"] for layer in found["layers"])
    assert (found["height"], found["width"]) == (1088, 1920)
    assert found["macs"] <= 1.1e9


def test_macs_follow_the_area():
    small, large = (json.loads(_describe("red_mobile", "--json", "--size", size).stdout)["macs"] for size in ("128x128", "256x256"))
    # All but the layers after a global mean, which see one value a channel, grow with the area.
    assert 3.9 * small < large <= 4 * small


def test_table_has_a_line_a_layer_and_the_sum():
    found = _describe("red_mobile")
    assert found.returncode == 0, found.stderr
    assert "stem.mix" in found.stdout
    assert "tail.gain" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["green_mobile"], 10, "Unknown model 'green_mobile'"),
        (["red_mobile", "--size", "1080x1920"], 2, "multiples of 64"),
        (["red_mobile", "--size", "large"], 2, "expected HEIGHTxWIDTH"),
    ],
)
def test_bad_input_is_one_line(arguments, code, words):
    found = _describe(*arguments)
    assert found.returncode == code
    assert words in found.stderr
    assert "Traceback" not in found.stderr
