"""PSNR and SSIM against scikit-image, and at their edges."""

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from redmobile.core.metrics import METRICS, psnr, ssim


def frames(low, high, spread, shape=(150, 90, 3)):
    rng = np.random.default_rng(5)
    coarse = rng.integers(low, high, (shape[0] // 10, shape[1] // 10, 3))
    expected = np.repeat(np.repeat(coarse, 10, axis=0), 10, axis=1) + rng.integers(0, 5, shape)
    found = expected + rng.integers(-spread, spread + 1, shape)
    return np.clip(expected, 0, 255).astype(np.uint8), np.clip(found, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("low", "high"), [(0, 20), (0, 251), (230, 251)])
@pytest.mark.parametrize("spread", [1, 6, 60])
def test_as_scikit_image(low, high, spread):
    expected, found = frames(low, high, spread)
    options = {"channel_axis": 2, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    assert ssim(expected, found) == pytest.approx(structural_similarity(expected, found, **options), abs=2e-6)
    assert psnr(expected, found) == pytest.approx(peak_signal_noise_ratio(expected, found), rel=1e-9)


def test_equal_frames_are_perfect():
    expected, _ = frames(0, 251, 1)
    assert psnr(expected, expected) == math.inf
    assert ssim(expected, expected) == pytest.approx(1, abs=2e-6)
    assert METRICS["max_difference"].compute(expected, expected) == METRICS["mean_difference"].compute(expected, expected) == 0


def test_differences_are_in_codes():
    expected = np.full((12, 12, 3), 100, np.uint8)
    found = expected.copy()
    found[0, 0, 0] = 93
    assert METRICS["max_difference"].compute(expected, found) == 7
    assert METRICS["mean_difference"].compute(expected, found) == pytest.approx(7 / 432)


def test_directions():
    assert METRICS["psnr"].passes(40.0, 40.0)
    assert not METRICS["psnr"].passes(39.9, 40.0)
    assert METRICS["max_difference"].passes(3, 4)
    assert not METRICS["ssim"].passes(math.nan, 0.1)
    assert not METRICS["max_difference"].passes(math.nan, 0.1)


def test_ssim_of_a_frame_smaller_than_its_window_is_refused():
    with pytest.raises(ValueError, match="at least 11×11, found 10×40"):
        ssim(*frames(0, 251, 1, (10, 40, 3)))
