"""The network: budget, shapes, any configuration, gradients."""

import msgspec
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from redmobile.nets.checkpoint import build_network, float_state, grid_names
from redmobile.nets.describe import describe_network
from redmobile.nets.model_document import load_model_document

_, DEFAULT = load_model_document("red_mobile")


def test_default_keeps_its_budget_at_1080p():
    layers = describe_network(build_network(DEFAULT), 1088, 1920)
    assert sum(layer.macs for layer in layers) <= 1.1e9
    assert sum(parameter.numel() for parameter in build_network(DEFAULT).parameters()) <= 150_000


def test_description_counts_every_parameter_and_knows_a_layer_by_hand():
    network = build_network(DEFAULT)
    layers = describe_network(network, 128, 192)
    assert sum(layer.parameters for layer in layers) == sum(tensor.numel() for tensor in float_state(network).values())
    stem = next(layer for layer in layers if layer.name == "stem.mix")
    assert stem.shape == (32, 32, 48)
    assert stem.macs == 48 * 32 * 32 * 48


def test_output_has_the_input_s_shape_and_stays_in_range():
    network = build_network(DEFAULT).eval()
    with torch.no_grad():
        found = network(torch.rand(2, 3, 64, 128))
    assert found.shape == (2, 3, 64, 128)
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1


def test_network_starts_as_a_gain_of_two():
    torch.manual_seed(0)
    network = build_network(DEFAULT).eval()
    dark = torch.full((1, 3, 64, 64), 0.1)
    with torch.no_grad():
        assert float(network(dark).mean()) == pytest.approx(0.2, abs=0.15)


@pytest.mark.parametrize("stem", ["space_to_depth", "patch_conv"])
@pytest.mark.parametrize("activation", ["relu6", "relu", "hard_swish"])
@pytest.mark.parametrize("gain", [True, False])
def test_every_configuration_trains(stem, activation, gain):
    tail = msgspec.structs.replace(DEFAULT.layers.tail, gain=gain)
    layers = msgspec.structs.replace(DEFAULT.layers, stem=stem, activation=activation, tail=tail)
    network = build_network(msgspec.structs.replace(DEFAULT, layers=layers))
    network.unclipped(torch.rand(1, 3, 64, 64)).square().mean().backward()
    without = [name for name, parameter in network.named_parameters() if parameter.grad is None and name not in grid_names(network)]
    assert without == []


def test_both_stems_compute_the_same():
    torch.manual_seed(0)
    network = build_network(DEFAULT).eval()
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        by_patches = network(x)
        network.stem.by_patches = False
        by_convolution = network(x)
    assert torch.allclose(by_patches, by_convolution, atol=1e-5)


def test_row_planes_are_every_fourth_row():
    from redmobile.nets.blocks.row_planes import depth_to_space, space_to_depth

    x = torch.arange(2 * 3 * 8 * 12).reshape(2, 3, 8, 12)
    planes = space_to_depth(x)
    second = x[:, :, 1::4].permute(0, 2, 3, 1).reshape(2, 2, 3, 12).permute(0, 3, 1, 2)
    assert torch.equal(planes[:, 12:24], second)
    assert torch.equal(depth_to_space(planes), x)
