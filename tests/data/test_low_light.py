"""Synthetic low light: darker, seeded, with the noise that was asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redmobile.data.degradations.low_light import LowLight


def _photo(value=None):
    if value is not None:
        return np.full((96, 96, 3), value, np.uint8)
    ramp = np.linspace(30, 230, 96).astype(np.uint8)
    return np.repeat(np.repeat(ramp[None, :, None], 96, axis=0), 3, axis=2)


@given(seed=st.integers(0, 2**32 - 1))
def test_same_seed_same_picture_and_always_darker(seed):
    first, second = (LowLight()(_photo(), np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.dtype == np.uint8
    assert first.shape == (96, 96, 3)
    assert first.mean() < _photo().mean()


@pytest.mark.parametrize("snr_db", [12.0, 20.0, 30.0])
def test_noise_has_the_asked_signal_to_noise_ratio(snr_db):
    degrade = LowLight(gamma=(1.0, 1.0), gain=(0.9, 0.9), snr_db=(snr_db, snr_db), cast=0.0)
    noisy = degrade(_photo(), np.random.default_rng(1)).astype(np.float64) / 255
    clean = _photo().astype(np.float64) / 255 * 0.9
    found = 10 * np.log10(np.square(clean).mean() / np.square(noisy - clean).mean())
    assert found == pytest.approx(snr_db, abs=0.5)


def test_curve_without_noise_is_the_formula():
    degrade = LowLight(gamma=(2.0, 2.0), gain=(0.5, 0.5), snr_db=(200.0, 200.0), cast=0.0)
    found = degrade(_photo(200), np.random.default_rng(0))
    assert np.all(found == round(255 * 0.5 * (200 / 255) ** 2))


def test_black_stays_black():
    assert not LowLight()(_photo(0), np.random.default_rng(0)).any()
