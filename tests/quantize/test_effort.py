"""A network that takes long is searched less, and never not at all."""

import pytest

from redmobile.quantize.effort import FRAME_WORK, Effort, affordable


@pytest.mark.parametrize(
    ("share", "left"),
    [(0.1, Effort(4, 48)), (1, Effort(4, 48)), (1.3, Effort(3, 36)), (2, Effort(2, 24)), (4, Effort(1, 12)), (1000, Effort(1, 12))],
)
def test_frames_and_trials_go_down_together(share, left):
    assert affordable(Effort(4, 48), share * FRAME_WORK) == left


def test_a_recipe_that_asks_for_few_trials_keeps_them():
    assert affordable(Effort(4, 8), 10 * FRAME_WORK) == Effort(1, 8)


def test_more_frames_and_trials_are_cut_by_the_same_share():
    assert affordable(Effort(16, 160), 2 * FRAME_WORK) == Effort(8, 80)
