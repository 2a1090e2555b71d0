"""The table [conversion]: what the shelf's plan names is there, and what does not fit is refused by name."""

import re

import pytest

from redmobile import shelf
from redmobile.bench.peers.tools import DRIVERS
from redmobile.bench.plan import load_plan
from redmobile.bench.runner import bench
from redmobile.core.converter import load_converter
from redmobile.errors import DocumentError, UsageError
from redmobile.nets.model_document import load_model_document

LOOP = "says = 'x'\n[closed_loop]\n"
OURS = "[conversion]\nnetwork = []\n[[conversion.converter]]\nname = 'ours'\ndriver = 'redmobile_convert'\n"


@pytest.fixture
def table():
    return load_plan("conversion_peers").conversion


@pytest.fixture
def folder():
    return shelf.find("benchmarks", "conversion_peers").parent


def test_every_driver_and_recipe_of_the_plan_is_there(table):
    assert [converter.name for converter in table.converter] == ["redmobile", "onnx2tf", "litert-torch"]
    for converter in table.converter:
        assert (DRIVERS / f"{converter.driver}.py").is_file()
        for recipe in converter.recipes.values():
            assert load_converter(recipe).says


def test_our_recipes_do_what_their_precision_says(table):
    recipes = table.converter[0].recipes
    assert load_converter(recipes["fp32"]).quantize is None
    assert load_converter(recipes["int8"]).quantize.activations.bits == 8


def test_every_version_of_every_environment_is_pinned(table, folder):
    for environment in table.environment.values():
        lines = [line for line in (folder / environment.requirements).read_text().splitlines() if line and not line.startswith("#")]
        assert lines
        assert all(re.match(r"[\w.-]+==[\w.+-]+( ;|$)", line) for line in lines)


def test_networks_are_built_with_the_torch_that_litert_torch_takes(table, folder):
    found = {
        name: re.search(r"^torch==(\S+)", (folder / table.environment[name].requirements).read_text(), re.MULTILINE)[1]
        for name in ("networks", "litert_torch")
    }
    assert found["networks"] == found["litert_torch"]


def test_the_second_form_of_our_network_has_hard_swish_and_squeeze_and_excite_everywhere(table, folder):
    (what,) = (network.what for network in table.network if network.name == "red_mobile_hard_swish")
    layers = load_model_document(str(folder / what))[1].layers
    assert layers.activation == "hard_swish"
    assert all(row.squeeze_excite for row in layers.encoder)
    ours = load_model_document("red_mobile")[1].layers
    assert [(row.kernel, row.expand, row.out, row.stride) for row in layers.encoder] == [
        (row.kernel, row.expand, row.out, row.stride) for row in ours.encoder
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LOOP + OURS + "environment = 'nowhere'\n", "there is no environment 'nowhere'"),
        (LOOP + OURS + "[[conversion.converter]]\nname = 'ours'\ndriver = 'x'\n", "the converter 'ours' stands twice"),
        (LOOP + OURS.replace("network = []", "network = [{name='a', source='timm', what='x'}]"), "there is no environment 'networks'"),
        (LOOP + OURS.replace("network = []", "network = [{name='a', source='torchvision', what='x'}]"), "Invalid enum value 'torchvision'"),
        (LOOP + OURS.replace("name = 'ours'", "name = 'our own'"), "matching regex"),
        (LOOP + OURS.replace("network = []", "network = []\nprecisions = ['int4']"), "Invalid enum value 'int4'"),
        (LOOP + OURS.replace("network = []", "network = []\nthreads = [0]"), "Expected `int` >= 1"),
        (LOOP + "[conversion]\nconverter = []\nnetwork = []\n", "length >= 1"),
        ("says = 'x'\n[open_loop]\n" + OURS, r"\[closed_loop\], which is missing"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, text, said):
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(DocumentError, match=said):
        load_plan(str(path))


def test_a_plan_of_converters_measures_no_single_model():
    with pytest.raises(UsageError, match=r"has a table \[conversion\]"):
        bench("conversion_peers")
