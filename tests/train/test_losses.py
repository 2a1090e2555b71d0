"""The loss against the same formula in torch operations, value and gradient, and against scikit-image."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
from torch.nn import functional

from redmobile.core.metrics import ssim as metric_ssim
from redmobile.train.losses import enhancement_loss


def _window(t):
    bell = torch.tensor([math.exp(-(i**2) / (2 * 1.5**2)) for i in range(-5, 6)], dtype=t.dtype)
    bell = bell / bell.sum()
    planes = t.reshape(-1, 1, *t.shape[2:])
    return functional.conv2d(functional.conv2d(planes, bell.view(1, 1, 11, 1)), bell.view(1, 1, 1, 11))


def _reference(x, y, weight):
    mx, my = _window(x), _window(y)
    c1, c2 = 0.01**2, 0.03**2
    covariance, variances = _window(x * y) - mx * my, _window(x * x) + _window(y * y) - mx * mx - my * my
    similarity = ((2 * mx * my + c1) * (2 * covariance + c2) / ((mx * mx + my * my + c1) * (variances + c2))).mean()
    return (1 - weight) * (x - y).abs().mean() + weight * (1 - similarity)


@pytest.mark.parametrize("weight", [0.0, 0.3])
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_value_and_gradient_equal_the_formula_in_float64(memory, weight):
    generator = torch.Generator().manual_seed(0)
    found, expected = (torch.rand(3, 3, 32, 40, generator=generator).to(memory_format=memory) for _ in range(2))
    ours, theirs = found.clone().requires_grad_(), found.double().requires_grad_()
    loss, reference = enhancement_loss(ours, expected, weight), _reference(theirs, expected.double(), weight)
    (2 * loss).backward()
    (2 * reference).backward()
    assert float(loss.detach()) == pytest.approx(float(reference.detach()), rel=1e-5)
    assert torch.allclose(ours.grad.double(), theirs.grad, rtol=1e-3, atol=1e-7)


def test_equal_pictures_cost_nothing():
    picture = torch.rand(1, 3, 24, 24)
    assert float(enhancement_loss(picture, picture, 0.3)) == pytest.approx(0, abs=1e-6)


def test_similarity_is_that_of_the_metric():
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 256, (40, 40, 3), np.uint8) for _ in range(2))
    x, y = (torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255 for frame in (first, second))
    similarity = 1 - (float(enhancement_loss(x, y, 0.3)) - 0.7 * float((x - y).abs().mean())) / 0.3
    assert similarity == pytest.approx(metric_ssim(first, second), abs=1e-4)
