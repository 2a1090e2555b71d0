"""The ladder climbs only as far as it must, keeps what helps, and says where it ends."""

import numpy as np
import pytest
from quantize_models import Build, frames, mini_red, run_codes, run_float

from redmobile.core.converter import ActivationQuantization, Quantize
from redmobile.errors import ParityError, UsageError
from redmobile.quantize.recover import recover

RECIPE = Quantize(activations=ActivationQuantization(search=8))


def hard():
    """Channels that differ by a thousand, joined where no gain can even them out: 8 bits are too few for the tensor `joined`."""
    build = Build(3)
    features = build.conv(build.image, 6, 3, name="features", activation="RELU6")
    factors = np.geomspace(1e-3, 1, 6).astype(np.float32)
    for constant in build.operators[-1].inputs[1:]:
        constant.data *= factors.reshape(-1, *[1] * (constant.data.ndim - 1))
    flat = build.op("RESHAPE", [features, build.ints(1, 16, 4, 36)], (1, 16, 4, 36), name="flat", new_shape=[1, 16, 4, 36])
    joined = build.op("RESHAPE", [flat, build.ints(1, 16, 24, 6)], (1, 16, 24, 6), name="joined", new_shape=[1, 16, 24, 6])
    last = build.conv(joined, 3, name="last")
    build.operators[-1].inputs[1].data /= factors
    return build.model(last)


def climbed(model, target_db, **more):
    return recover(model, RECIPE, frames(4), frames(2, seed=8), target_db, **more)


def test_it_stops_on_the_first_rung_that_is_high_enough():
    found = climbed(mini_red(), 10.0)
    assert [rung.name for rung in found.rungs] == ["plain"]
    assert not found.recipe.equalize


def test_it_climbs_on_while_the_target_is_above():
    first = climbed(mini_red(), 10.0).rungs[0]
    found = climbed(mini_red(), first.psnr_db + 0.5)
    assert len(found.rungs) > 1
    assert found.rungs[1].name == "observer search"
    kept = [rung.psnr_db for rung in found.rungs if rung.kept]
    assert kept == sorted(kept)
    assert kept[-1] >= first.psnr_db + 0.5


def test_wider_layers_bring_what_observers_cannot():
    plain = climbed(hard(), 5.0).rungs[0].psnr_db
    found = climbed(hard(), plain + 12)
    assert found.recipe.wide or found.recipe.keep_float
    assert any("in 16 bits" in rung.name for rung in found.rungs)
    sizes = {rung.name: rung.size_bytes for rung in found.rungs}
    assert sizes[found.rungs[-1].name] > sizes["plain"]
    model, (picture,) = found.quantized.model, frames(1, seed=8)
    (expected,), (real,) = run_float(hard(), picture).values(), run_codes(model, picture).values()
    assert -10 * np.log10(np.mean(np.square(expected - real)) / np.ptp(expected) ** 2) > plain + 8


def test_io_and_latency_are_as_asked():
    import msgspec

    found = recover(mini_red(), msgspec.structs.replace(RECIPE, io="uint8"), frames(4), frames(2, seed=8), 10.0, measure=lambda data: len(data) / 1e3)
    assert found.quantized.model.inputs[0].dtype == "uint8"
    assert found.rungs[0].latency_ms == found.rungs[0].size_bytes / 1e3
    assert found.recipe.io == "uint8"


def test_a_target_beyond_the_top_is_told_and_nothing_given():
    with pytest.raises(ParityError, match=r"ends at \d+\.\d\d dB .* 200 dB were asked for"):
        climbed(mini_red(), 200.0)


def test_frames_that_calibrate_do_not_judge():
    with pytest.raises(UsageError, match="held-out frames calibrate too"):
        recover(mini_red(), RECIPE, frames(4), frames(4)[2:], 30.0)


def test_16_bits_have_no_ladder():
    wide = Quantize(activations=ActivationQuantization(bits=16, symmetric=True, search=0), io="int16")
    with pytest.raises(UsageError, match="16-bit activations already"):
        recover(mini_red(), wide, frames(4), frames(2, seed=8), 30.0)
