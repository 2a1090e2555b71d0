"""Rounding: off it is nothing; on it is what 8 bits would leave, with a gradient as if nothing had happened."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from redmobile.nets.blocks.rounding import STEPS, Rounding, set_rounding
from redmobile.nets.checkpoint import build_network
from redmobile.nets.model_document import load_model_document


def rounding(*, on=True):
    made = Rounding()
    made.on = on
    return made


def test_off_it_passes_the_tensor_itself():
    x = torch.randn(2, 3, 4, 4)
    assert rounding(on=False)(x) is x


def test_values_lie_on_the_grid_of_their_range_and_zero_stays_zero():
    x = torch.cat([torch.zeros(1), torch.rand(500) * 3 - 1])
    y = rounding()(x)
    step = (x.max() - x.min()) / STEPS
    assert y[0] == 0
    torch.testing.assert_close(y / step, (y / step).round(), atol=1e-3, rtol=0)
    assert (y - x).abs().max() <= step / 2 * 1.001


@pytest.mark.parametrize("x", [torch.zeros(5), torch.full((5,), 2.0), -torch.rand(5)])
def test_ranges_of_no_width_and_of_one_sign_are_whole(x):
    y = rounding()(x)
    assert torch.isfinite(y).all()
    assert (y - x).abs().max() <= x.abs().max() / STEPS


def test_the_gradient_goes_straight_through_and_the_extremes_pay_for_the_step():
    x = torch.tensor([-1.0, 0.1, 0.303, 2.0], requires_grad=True)
    rounding()(x)[1:3].sum().backward()
    codes = x.detach()[1:3] / (3.0 / STEPS)
    share = float((codes.round() - codes).sum()) / STEPS
    torch.testing.assert_close(x.grad, torch.tensor([-share, 1.0, 1.0, share]))


def test_a_network_is_rounded_all_over_and_whole_again():
    _, document = load_model_document("red_mobile")
    network = build_network(document).eval()
    x = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        plain = network(x)
        set_rounding(network, on=True)
        rounded = network(x)
        set_rounding(network, on=False)
        assert torch.equal(network(x), plain)
    error = float((rounded - plain).square().mean().sqrt())
    assert 1e-4 < error < 0.1
    assert "rounded" not in " ".join(network.state_dict())
