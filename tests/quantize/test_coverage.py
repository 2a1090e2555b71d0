"""What is said of calibration frames: their light, and whether half of them would have given the same ranges."""

import numpy as np
import pytest
from quantize_models import Build, frames

from redmobile.data.calibration import FrameSet
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.quantize.calibrate import Wanted, calibrate
from redmobile.quantize.coverage import measure_coverage
from redmobile.quantize.ties import roots


def network():
    build = Build()
    return build.model(build.conv(build.conv(build.image, 4, 3, "hidden", "RELU"), 3, 1, "out"))


def coverage_of(model, shots, observer):
    """Of all that the network computes."""
    fed = {tensor.name for tensor in model.inputs}
    names = [tensor.name for tensor in roots(model) if tensor.name not in fed]
    return measure_coverage(shots, calibrate(model, shots, (0.0, 1.0), Wanted(names)), observer)


def test_brightness_is_said_in_codes():
    shots = [np.full((16, 24, 3), level, np.uint8) for level in (10, 20, 30, 40, 200)]
    light = coverage_of(network(), shots, "min_max").brightness
    assert (light.darkest, light.quarter, light.median, light.three_quarters, light.brightest) == (10, 20, 30, 40, 200)


def test_frames_alike_are_steady():
    shots = frames(1) * 4
    halving = coverage_of(network(), shots, "percentile_99_99").halving
    assert set(halving.changes) == {"hidden", "out"}
    assert halving.worst[1] == 0
    assert halving.is_steady


def test_a_bright_frame_among_dark_ones_is_noticed_and_the_worst_tensor_named():
    shots = [np.full((16, 24, 3), level, np.uint8) for level in (10, 10, 10, 250)]
    coverage = coverage_of(network(), shots, "min_max")
    assert coverage.frames == 4
    assert not coverage.halving.is_steady
    name, change = coverage.halving.worst
    assert change == max(coverage.halving.changes.values()) == coverage.halving.changes[name]
    assert 0.25 < coverage.halving.median <= change <= 1


def test_the_change_is_the_distance_of_the_ends_by_the_width():
    """RELU of the image itself: both halves' ranges are known."""
    x, y = Tensor("x", (1, 4, 4, 3), "float32"), Tensor("y", (1, 4, 4, 3), "float32")
    model = TfliteModel([Operator("ABS", [x], [y])], [x], [y])
    shots = [np.full((4, 4, 3), level, np.uint8) for level in (0, 51, 204, 255)]  # even: 0 and 0.8; odd: 0.2 and 1
    halving = coverage_of(model, shots, "min_max").halving
    assert halving.changes == {"y": pytest.approx(0.2, abs=1e-6)}


def test_one_frame_has_no_half():
    assert coverage_of(network(), frames(1), "min_max").halving is None


def test_several_inputs():
    one, two, out = (Tensor(name, (1, 4, 4, 3), "float32") for name in ("one", "two", "out"))
    model = TfliteModel([Operator("ADD", [one, two], [out])], [one, two], [out])
    sets = [FrameSet((np.full((4, 4, 3), level, np.uint8), np.full((4, 4, 3), 2 * level, np.uint8))) for level in (20, 40)]
    coverage = coverage_of(model, sets, "min_max")
    assert coverage.brightness.darkest == 30
    assert list(coverage.halving.changes) == ["out"]
