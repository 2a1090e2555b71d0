"""Rounding: off it is nothing; on it is what 8 bits would leave, on a grid that is measured once and then learned."""

import math

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from redmobile.nets.blocks.rounding import Grid, Rounding, measuring, round_weights, roundings, set_rounding
from redmobile.nets.checkpoint import build_network
from redmobile.nets.model_document import load_model_document


def rounding(*, low=-1.0, high=2.0, limit=math.inf):
    """One that is on, and has measured (low, high)."""
    made = Rounding(limit)
    with measuring(made):
        made(torch.tensor([low, high]))
    made.on = True
    return made


def test_off_it_passes_the_tensor_itself():
    x = torch.randn(2, 3, 4, 4)
    assert Rounding()(x) is x


def test_without_a_measurement_there_is_no_grid():
    assert Rounding().grid is None
    assert Rounding(fixed=Grid(1 / 256, -128)).grid == Grid(1 / 256, -128)


def test_values_lie_on_the_grid_of_what_was_measured_and_zero_stays_zero():
    made = rounding()
    assert made.grid.scale == pytest.approx(3 / 255)
    assert made.grid.zero_point == -43
    x = torch.cat([torch.zeros(1), torch.rand(500) * 2.9 - 0.99])
    y = made(x)
    codes = y / made.grid.scale
    assert y[0] == 0
    torch.testing.assert_close(codes, codes.round(), atol=1e-3, rtol=0)
    assert (y - x).abs().max() <= made.grid.scale / 2 * 1.001


def test_what_lies_outside_saturates_and_gets_no_gradient():
    made = rounding()
    x = torch.tensor([-5.0, 0.5, 9.0], requires_grad=True)
    y = made(x)
    torch.testing.assert_close(y[[0, 2]], torch.tensor([-85 * 3 / 255, 170 * 3 / 255]))
    y.sum().backward()
    assert x.grad.tolist() == [0, 1, 0]


def test_the_scale_learns_from_its_own_rounding_error_and_from_saturation():
    """The gradient written out, against the formula of LSQ with the roundings held constant."""
    made = rounding()
    scale = made.grid.scale
    x = torch.tensor([-5.0, 0.303, 0.7, 9.0])
    made(x).backward(torch.tensor([1.0, 2.0, -1.0, 0.5]))
    steps = x / scale
    inside = steps.round() - steps
    expected = float(1 * -85 + 2 * inside[1] - inside[2] + 0.5 * 170) * scale / math.sqrt(4 * 127)
    assert float(made.log_scale.grad) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("low", "high", "zero_point"), [(0.0, 0.0, -128), (1.0, 2.0, -128), (-2.0, -1.0, 127), (-100.0, 1e-4, 127)])
def test_ranges_of_no_width_and_of_one_sign_hold_zero(low, high, zero_point):
    made = rounding(low=low, high=high)
    assert made.grid.zero_point == zero_point
    assert made.grid.scale >= 1e-3 / 255 * 0.999
    assert made(torch.zeros(1)) == 0


def test_a_limit_ends_the_range():
    assert rounding(low=-50.0, high=2.0, limit=6.0).grid.scale == pytest.approx(8 / 255)


def test_weights_have_one_symmetric_grid_a_channel_and_a_straight_gradient():
    weights = torch.randn(5, 3, 2, 2, requires_grad=True)
    rounded = round_weights(weights)
    scales = weights.detach().abs().amax((1, 2, 3), keepdim=True) / 127
    codes = rounded.detach() / scales
    torch.testing.assert_close(codes, codes.round(), atol=1e-3, rtol=0)
    assert codes.abs().max() == pytest.approx(127)
    (rounded * 3).sum().backward()
    assert weights.grad.unique().tolist() == [3.0]
    assert torch.isfinite(round_weights(torch.zeros(2, 1, 1, 1))).all()


def test_a_network_is_rounded_all_over_and_whole_again():
    _, document = load_model_document("red_mobile")
    network = build_network(document).eval()
    x = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        plain = network(x)
        with measuring(network):
            assert torch.equal(network(x), plain)
        set_rounding(network, on=True)
        rounded = network(x)
        set_rounding(network, on=False)
        assert torch.equal(network(x), plain)
    error = float((rounded - plain).square().mean().sqrt())
    assert 1e-4 < error < 0.1
    assert all(each.grid for each in roundings(network))


def test_grids_are_kept_with_the_weights():
    network = build_network(load_model_document("red_mobile")[1])
    with measuring(network), torch.no_grad():
        network(torch.rand(1, 3, 64, 64))
    other = build_network(load_model_document("red_mobile")[1])
    other.load_state_dict(network.state_dict())
    assert [each.grid for each in roundings(other)] == [each.grid for each in roundings(network)]
