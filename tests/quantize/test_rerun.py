"""Running again from the first change: the same bits as running everything, and less of it."""

import numpy as np
import pytest
from quantize_models import Build, frames, mini_red

from redmobile.quantize import rerun
from redmobile.quantize.calibrate import Wanted, calibrate, to_codes
from redmobile.quantize.ranges import lay_out
from redmobile.quantize.rerun import Rerun, alive_at, starts, work_of
from redmobile.quantize.search import Candidates
from redmobile.quantize.write_int8 import Writer


@pytest.fixture(scope="module")
def written():
    """Quantized files of one build: the first, then each with another range for one group, the last groups first, then the first again."""
    layout = lay_out(mini_red(), (0, 1), 8)
    candidates = Candidates(layout, calibrate(layout.model, frames(), (0, 1), Wanted(layout.observed())).statistics)
    plain = candidates.uniform("min_max")
    choices = [plain, *(plain | {place: "percentile_99"} for place in reversed(candidates.free)), plain, plain]
    writer = Writer(layout)
    return [writer.write(candidates.quantizations(choice)) for choice in choices]


@pytest.fixture
def pictures(written):
    tensor = written[0].inputs[0]
    return [(to_codes(frame, (0, 1), tensor.quantization, tensor.dtype),) for frame in frames(2)]


def outputs(runner, model):
    found = {}
    runner.run(model, lambda place, seen: found.update({(place, name): codes.copy() for name, codes in seen.items()}))
    return found


def test_every_output_is_that_of_the_whole_model(written, pictures):
    runner = Rerun(pictures)
    for model in written:
        found, expected = outputs(runner, model), outputs(Rerun(pictures), model)
        assert found.keys() == expected.keys() == {(place, tensor.name) for place in (0, 1) for tensor in model.outputs}
        for key, codes in expected.items():
            np.testing.assert_array_equal(found[key], codes)


def test_only_what_lies_behind_the_change_is_run(written, pictures, monkeypatch):
    ran = []
    real = rerun.LitertTensors
    monkeypatch.setattr(rerun, "LitertTensors", lambda data: ran.append(len(data)) or real(data))
    runner = Rerun(pictures)
    for model in written:
        outputs(runner, model)
    whole = ran[0]
    assert sum(size < whole for size in ran) > len(ran) / 3
    assert ran[1] < whole / 2  # the last group
    assert ran[-1] == min(ran)  # nothing had changed


def test_a_look_that_fails_leaves_nothing_wrong_behind(written, pictures):
    runner = Rerun(pictures)
    outputs(runner, written[0])

    def fail(place, _):
        raise KeyError(place)

    with pytest.raises(KeyError):
        runner.run(written[-3], fail)
    for key, codes in outputs(Rerun(pictures), written[0]).items():
        np.testing.assert_array_equal(outputs(runner, written[0])[key], codes)


def test_it_begins_at_several_places_and_knows_what_is_alive_there(written):
    places = starts(written[0])
    assert places[0] == 0
    assert len(places) > 3
    assert places == sorted(set(places))
    assert alive_at(written[0], 0) == written[0].inputs
    for place in places[1:]:
        behind = {id(tensor) for operator in written[0].operators[place:] for tensor in operator.inputs if tensor is not None}
        assert all(id(tensor) in behind for tensor in alive_at(written[0], place))


def cost_of(kind, side=16):
    build = Build(5, side, side)
    features, other = build.conv(build.image, 6), build.conv(build.image, 6)
    return work_of(build.model(build.op(kind, [features, other], features.shape)))


def test_the_cost_of_a_run_grows_with_the_picture_and_with_kernels_without_simd():
    assert cost_of("MUL", 32) == pytest.approx(4 * cost_of("MUL", 16), rel=0.01)  # the weights do not grow
    assert cost_of("DIV") > 3 * cost_of("MUL")
