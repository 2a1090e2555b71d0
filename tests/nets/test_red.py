"""The teacher, and the sizes of the student: shapes, budgets, gradients, what is said where weights are missing."""

import msgspec
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from redmobile.errors import DocumentError, InputError
from redmobile.nets.checkpoint import build_network, grid_names, load_model
from redmobile.nets.describe import describe_network
from redmobile.nets.model_document import RedDocument, RedLayers, load_model_document

_, TEACHER = load_model_document("red_teacher")
SMALL = msgspec.structs.replace(TEACHER, layers=RedLayers(widths=(8, 12, 16), blocks=1))


def test_the_teacher_is_a_red_of_the_widths_that_were_asked_for():
    assert isinstance(TEACHER, RedDocument)
    assert TEACHER.layers.widths == (64, 128, 256)
    assert TEACHER.size_multiple == 32
    layers = describe_network(build_network(TEACHER), 1088, 1920)
    assert {layer.shape[0] for layer in layers} >= {64, 128, 256}
    assert sum(layer.parameters for layer in layers) == 4_463_321
    assert sum(layer.macs for layer in layers) == pytest.approx(418e9, rel=1e-3)


def test_output_has_the_input_s_shape_stays_in_range_and_starts_as_a_gain_of_two():
    torch.manual_seed(0)
    network = build_network(SMALL).eval()
    with torch.no_grad():
        found = network(torch.rand(2, 3, 64, 96))
        dark = network(torch.full((1, 3, 64, 64), 0.1))
    assert found.shape == (2, 3, 64, 96)
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    assert float(dark.mean()) == pytest.approx(0.2, abs=0.15)


@pytest.mark.parametrize("layers", [RedLayers(widths=(8, 12), blocks=1, patch=1), RedLayers(widths=(8, 12, 16, 20), blocks=2, patch=4)])
@pytest.mark.parametrize("gain", [True, False])
def test_every_configuration_trains(layers, gain):
    layers = msgspec.structs.replace(layers, tail=msgspec.structs.replace(layers.tail, gain=gain))
    document = msgspec.structs.replace(TEACHER, layers=layers)
    network = build_network(document)
    size = 2 * document.size_multiple
    network.unclipped(torch.rand(1, 3, size, size)).square().mean().backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None and name not in grid_names(network)] == []


@pytest.mark.parametrize(("name", "gmac"), [("red_mobile_small", 0.5), ("red_mobile_large", 3.0)])
def test_sizes_keep_their_budgets_and_the_cards_tell_them(name, gmac):
    folder, document = load_model_document(name)
    layers = describe_network(build_network(document), 1088, 1920)
    macs, parameters = sum(layer.macs for layer in layers) / 1e9, sum(layer.parameters for layer in layers)
    assert macs <= gmac
    card = (folder / "card.md").read_text()
    assert f"{parameters:,} parameters, {macs:.2f} GMAC" in card
    assert "There are no weights here yet" in card
    assert not (folder / "weights.safetensors").exists()


@pytest.mark.parametrize("name", ["red_teacher", "red_mobile_small", "red_mobile_large"])
def test_missing_weights_are_said_with_the_way_to_make_them(name):
    with pytest.raises(InputError, match=rf"holds no weights.safetensors yet; train them \(redmobile train {name}"):
        load_model(name)


def test_an_unknown_network_is_named(tmp_path):
    (tmp_path / "model.toml").write_text('network = "green"')
    with pytest.raises(DocumentError, match=r"network must be one of red_mobile, red, red_detail; found 'green'"):
        load_model_document(str(tmp_path / "model.toml"))
