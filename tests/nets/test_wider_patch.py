"""The body at half the size: what it computes, exactly, and that nothing else changes."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from redmobile.errors import UsageError
from redmobile.nets.checkpoint import build_network, float_state
from redmobile.nets.describe import describe_network
from redmobile.nets.model_document import load_model_document
from redmobile.nets.wider_patch import wider_document, wider_state

_, DOCUMENT = load_model_document("red_mobile")


@pytest.fixture
def pair():
    torch.manual_seed(0)
    network = build_network(DOCUMENT).eval()
    wide = build_network(wider_document(DOCUMENT, "red_mobile")).eval()
    wide.load_state_dict(wider_state(network.state_dict()))
    return network, wide


def _enlarged(x):
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def test_a_frame_of_2_by_2_blocks_comes_out_as_its_small_version_enlarged(pair):
    network, wide = pair
    x = torch.rand(1, 3, 64, 128)
    with torch.no_grad():
        assert torch.allclose(wide(_enlarged(x)), _enlarged(network(x)), atol=1e-5)


def test_what_is_finer_than_a_block_is_multiplied_by_the_gain_of_its_mean(pair):
    """The output is x · gain + residual, and both are those of the means: two frames of equal means differ by gain · difference."""
    network, wide = pair
    x = torch.rand(1, 3, 64, 64)
    fine = torch.rand(1, 3, 64, 64)
    checks = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(64, 64)
    flat, detailed = _enlarged(x), _enlarged(x) + _enlarged(fine) * checks
    patches = {}
    network.tail.gain.register_forward_hook(lambda _module, _inputs, output: patches.update(gain=output))
    with torch.no_grad():
        network(x)
        found = wide.unclipped(detailed) - wide.unclipped(flat)
    gain = patches["gain"].reshape(1, 4, 3, 16, 16).permute(0, 2, 3, 4, 1).reshape(1, 3, 16, 64)  # colour, row of patches, column
    gain = _enlarged(gain.repeat_interleave(4, 2))
    assert torch.allclose(found, gain * (detailed - flat), atol=1e-4)


def test_a_4k_frame_costs_less_than_twice_the_multiplications_of_1080p(pair):
    network, wide = pair
    small, large = (sum(layer.macs for layer in describe_network(one, *size)) for one, size in ((network, (1088, 1920)), (wide, (2176, 3840))))
    assert large < 2 * small
    assert {key: tensor.shape for key, tensor in wider_state(float_state(network)).items()} == {
        key: tensor.shape for key, tensor in float_state(wide).items()
    }


def test_other_networks_are_refused():
    _, teacher = load_model_document("red_teacher")
    with pytest.raises(UsageError, match="red_teacher: only a RED-mobile"):
        wider_document(teacher, "red_teacher")
    with pytest.raises(UsageError, match="only a RED-mobile with patches of 4×4"):
        wider_document(wider_document(DOCUMENT, "red_mobile"), "red_mobile")
