"""Ablations: variants as data, trained alike, taken up again, and what is wrong said in one line."""

import json
import subprocess
import sys

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from redmobile.data.datasets import Photos
from redmobile.errors import DocumentError, UsageError
from redmobile.nets.checkpoint import build_network
from redmobile.nets.describe import describe_network
from redmobile.release.ablation import RESULT, ablate, load_ablation
from redmobile.shelf import find
from redmobile.train.loop import Pictures

SHIPPED = find("models", "red_mobile") / "ablation.toml"

SMALL = """
says = "a test"
model = "red_mobile"
seeds = [1, 2]

[recipe]
every = 2

[[recipe.phase]]
source = "photos"
steps = 2
batch = 2
crop = [64, 64]

[[variant]]
name = "narrow"
set = { "layers.stem_width" = 8, "layers.encoder.0.expand" = 8 }

[[variant]]
name = "Narrow, no gain"
says = "nothing is multiplied"
set = { "layers.stem_width" = 8, "layers.encoder.0.expand" = 8, "layers.tail.gain" = false }
plan = { "phase.0.ssim_weight" = 0.0 }
"""


@pytest.fixture
def document(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture
def pictures():
    frames = [np.random.default_rng(index).integers(0, 256, (70, 80, 3), np.uint8) for index in range(3)]
    return Pictures(Photos(frames), None, [(frame // 4, frame) for frame in frames[:2]])


def test_every_variant_of_the_shipped_document_can_be_built_and_is_another():
    _, candidates = load_ablation(SHIPPED)
    facts = set()
    for candidate in candidates:
        network = build_network(candidate.document)
        assert network(torch.rand(1, 3, 128, 128)).shape == (1, 3, 128, 128)
        macs = sum(layer.macs for layer in describe_network(network, 256, 256))
        facts.add((macs, msgspec.json.encode(candidate.document.layers), msgspec.json.encode(candidate.plan)))
    assert len(facts) == len(candidates)


def test_same_samples_for_all_and_differences_to_the_first(document, pictures, tmp_path):
    asked, candidates = load_ablation(document)
    told = []
    found = ablate(asked, candidates, pictures, "three pictures", tmp_path / "out", lambda *said: told.append(said))
    first, second = found.rows
    assert [(run.seed) for run in first.runs] == [1, 2]
    assert first.difference_db == first.spread_db == 0
    differences = [mine.psnr_db - its.psnr_db for mine, its in zip(second.runs, first.runs, strict=True)]
    assert second.difference_db == pytest.approx(np.mean(differences))
    assert second.spread_db == pytest.approx(abs(differences[0] - differences[1]))
    assert second.parameters < first.parameters
    assert second.macs < first.macs
    assert second.changes["phase.0.ssim_weight"] == 0.0
    assert found.validation == 2
    assert json.loads((tmp_path / "out" / RESULT).read_text())["pictures"] == "three pictures"
    assert told[-1][1:3] == (8, 8)


def test_what_was_trained_is_not_trained_again_and_what_is_new_is(document, pictures, tmp_path):
    asked, candidates = load_ablation(document)
    first = ablate(asked, candidates[:1], pictures, "", tmp_path / "out")
    told = []
    again = ablate(asked, candidates, pictures, "", tmp_path / "out", lambda what, *_: told.append(what))
    assert again.rows[0] == first.rows[0]
    assert set(told) == {"Narrow, no gain, seed 1", "Narrow, no gain, seed 2"}


def test_trainings_of_something_else_are_not_taken_for_these(document, pictures, tmp_path):
    asked, candidates = load_ablation(document)
    ablate(asked, candidates[:1], pictures, "", tmp_path / "out")
    document.write_text(SMALL.replace("= 8", "= 12"))
    with pytest.raises(UsageError, match=r"narrow-1: holds a training of another network called 'narrow'"):
        ablate(asked, load_ablation(document)[1][:1], pictures, "", tmp_path / "out")
    document.write_text(SMALL.replace("batch = 2", "batch = 3"))
    with pytest.raises(UsageError, match="was started with another plan"):
        ablate(asked, load_ablation(document)[1][:1], pictures, "", tmp_path / "out")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"layers.tail.gain"', '"layers.tail.gains"', "variant 'Narrow, no gain': set: Object contains unknown field `gains`"),
        ('"layers.encoder.0.expand"', '"layers.encoder.9.expand"', "variant 'narrow': 'layers.encoder.9.expand' leads nowhere"),
        ('"phase.0.ssim_weight"', '"phase.first.ssim_weight"', "'phase.first.ssim_weight' leads nowhere"),
        ('"Narrow, no gain"', '"Narrow!"', "'narrow' names two variants"),
        ("batch = 2", "batch = 2\nquantize = true", "phases that quantize or distill"),
        ("seeds = [1, 2]", "seeds = []", "one of `seeds` were expected"),
        ("steps = 2", 'steps = "2"', "Expected `int`, got `str`"),
    ],
)
def test_a_document_that_does_not_fit_is_one_line(document, old, new, words):
    assert old in SMALL
    document.write_text(SMALL.replace(old, new))
    with pytest.raises(DocumentError) as raised:
        load_ablation(document)
    assert words in str(raised.value)


@pytest.mark.slow
def test_a_table_with_what_each_costs(document, tmp_path):
    from redmobile.data.frames import Image, write_image

    document.write_text(SMALL.replace('model = "red_mobile"', f'model = "{tmp_path / "model.toml"}"').replace("seeds = [1, 2]", "seeds = [1]"))
    model = (find("models", "red_mobile") / "model.toml").read_text()
    (tmp_path / "model.toml").write_text(model.replace("= 1088 ", "= 64 ").replace("= 1920", "= 128"))
    for index in range(3):
        noise = np.random.default_rng(index).integers(0, 256, (70, 130, 3), np.uint8)
        write_image(tmp_path / "photos" / f"{index}.png", Image(noise))
    command = [sys.executable, "-m", "redmobile", "ablate", document, "--photos", tmp_path / "photos", "--out", tmp_path / "out"]
    command += ["--cost", "host", "--runs", 4, "--markdown", tmp_path / "table.md", "--json"]
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    found = json.loads(ended.stdout)
    costs = found["costs"]
    assert list(costs) == ["narrow", "Narrow, no gain"]
    assert costs["narrow"][0]["ratio"] == 1.0
    assert 0 < costs["Narrow, no gain"][0]["ratio"] < 5
    table = (tmp_path / "table.md").read_text()
    assert table.startswith("| variant | parameters | GMAC | PSNR dB | to the first dB | SSIM | host |\n")
    assert "| Narrow, no gain |" in table


def test_an_unknown_variant_is_refused(document, tmp_path):
    command = [sys.executable, "-m", "redmobile", "ablate", document, "--photos", tmp_path, "--out", tmp_path / "out", "--only", "wide"]
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "--only wide: no such variant. Known: narrow, Narrow, no gain." in ended.stderr
