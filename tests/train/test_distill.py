"""Distillation: its formula, gradients to the student alone, and a plan that needs a teacher."""

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from redmobile.data.datasets import Photos
from redmobile.errors import UsageError
from redmobile.nets.checkpoint import build_network, grid_names
from redmobile.nets.model_document import Layers, RedLayers, load_model_document
from redmobile.train.distill import Distillation
from redmobile.train.loop import Pictures, Training
from redmobile.train.plan import Distill, Phase, TrainingPlan

_, STUDENT = load_model_document("red_mobile")
_, TEACHER = load_model_document("red_teacher")
TINY_TEACHER = msgspec.structs.replace(TEACHER, layers=RedLayers(widths=(4, 6, 8), blocks=1))
ROWS = tuple(msgspec.structs.replace(row, expand=8, out=8, squeeze_excite=False) for row in STUDENT.layers.encoder)
TINY_STUDENT = msgspec.structs.replace(STUDENT, layers=Layers(encoder=ROWS, stem_width=8))


@pytest.fixture
def both():
    torch.manual_seed(0)
    return build_network(TINY_STUDENT), build_network(TINY_TEACHER).eval().requires_grad_(requires_grad=False)


def test_outputs_alone_are_the_mean_difference(both):
    student, teacher = both
    distillation, low = Distillation(student, teacher), torch.rand(2, 3, 64, 64)
    found = student.unclipped(low)
    loss = distillation.loss(low, found, Distill(outputs=2.0, features=0.0))
    assert float(loss.detach()) == pytest.approx(2 * float((found - teacher.unclipped(low)).abs().mean().detach()), rel=1e-5)


def test_features_are_compared_as_maps_of_where_there_is_much_going_on(both):
    student, teacher = both
    distillation, low = Distillation(student, teacher), torch.rand(2, 3, 64, 64)
    seen = {}
    for side, network in (("student", student), ("teacher", teacher)):
        for place, module in enumerate(network.landmarks()):
            module.register_forward_hook(lambda _m, _i, output, key=(side, place): seen.update({key: output}))
    found = student.unclipped(low)
    loss = distillation.loss(low, found, Distill(outputs=0.0, features=1.0))
    expected = 0.0
    for place in (0, 1):
        maps = []
        for side in ("student", "teacher"):
            energy = seen[side, place].square().mean(dim=1)
            size = min(seen[which, place].shape[-1] for which in ("student", "teacher"))
            block = energy.shape[-1] // size
            pooled = energy.reshape(2, size, block, size, block).mean(dim=(2, 4)).flatten(1)
            maps.append(pooled / pooled.norm(dim=1, keepdim=True))
        expected += float((maps[0] - maps[1]).square().sum(dim=1).mean().detach()) / 2 / 2
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-4)
    assert expected > 1e-4


def test_the_student_learns_and_the_teacher_does_not(both):
    student, teacher = both
    distillation, low = Distillation(student, teacher), torch.rand(1, 3, 64, 64)
    distillation.loss(low, student.unclipped(low), Distill(outputs=1.0, features=1.0)).backward()
    assert all(parameter.grad is not None for name, parameter in student.named_parameters() if name not in grid_names(student))
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_a_few_steps_bring_the_student_nearer_to_its_teacher(both, tmp_path):
    _, teacher = both
    frames = [np.random.default_rng(index).integers(0, 256, (80, 80, 3), np.uint8) for index in range(2)]
    phase = Phase(source="photos", steps=12, batch=2, crop=(64, 64), learning_rate=3e-3, warmup=1, distill=Distill(outputs=20.0, features=0.0))
    plan = TrainingPlan(phase=(phase,), every=12)
    pictures = Pictures(Photos(frames), None, [(frames[0] // 4, frames[0])])
    training = Training(TINY_STUDENT, plan, pictures, tmp_path / "run", teacher=teacher)
    low = torch.from_numpy(frames[1][:64, :64] // 4).permute(2, 0, 1)[None].float() / 255

    def apart():
        with torch.no_grad():
            return float((training.network.unclipped(low) - teacher.unclipped(low)).abs().mean())

    before = apart()
    training.go()
    assert apart() < 0.8 * before
    assert not training.average.landmarks()[0]._forward_hooks


def test_a_plan_that_distills_needs_a_teacher(tmp_path):
    plan = TrainingPlan(phase=(Phase(source="photos", steps=1, distill=Distill()),))
    with pytest.raises(UsageError, match="--teacher MODEL"):
        Training(TINY_STUDENT, plan, Pictures(Photos([]), None, []), tmp_path)
