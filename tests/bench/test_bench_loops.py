"""Who runs when, and what becomes of every frame, on a clock that only moves when told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redmobile.bench import closed_loop, open_loop
from redmobile.bench.plan import ClosedLoop


def loop(**values):
    return ClosedLoop(**{"warm_up": 2, "runs": 8, "block": 4, "max_seconds": 1000.0, **values})


def recorder(clock, log, name, milliseconds):
    def run():
        log.append(name)
        clock.pass_ms(milliseconds)

    return run


def test_one_network_runs_warm_up_then_runs(clock):
    log, seen = [], []
    samples = closed_loop.measure([recorder(clock, log, "A", 5)], loop(), clock, lambda done, total: seen.append((done, total)))
    assert log == ["A"] * 10
    assert samples == closed_loop.Samples(warm_up_ms=[[5.0] * 2], counted_ms=[[5.0] * 8])
    assert seen == [(1, 2), (2, 2)]


def test_networks_take_turns_and_the_first_run_of_a_turn_is_not_counted(clock):
    log = []
    samples = closed_loop.measure([recorder(clock, log, "A", 5), recorder(clock, log, "B", 50)], loop(), clock).counted_ms
    assert "".join(log) == "AABB" + "AAAAABBBBB" * 2
    assert samples == [[5.0] * 8, [50.0] * 8]


def test_runs_are_rounded_up_to_whole_rounds(clock):
    (samples,) = closed_loop.measure([recorder(clock, [], "A", 1)], loop(runs=9), clock).counted_ms
    assert len(samples) == 12


def test_no_round_begins_after_the_longest_time(clock):
    samples = closed_loop.measure([recorder(clock, [], name, 100) for name in "AB"], loop(runs=400, max_seconds=2.5), clock).counted_ms
    assert [len(row) for row in samples] == [12, 12]


def frames_of(clock, work_ms, fps=30.0, offered=60):
    """Open loop of two stages; work_ms: (frame → milliseconds) of the first, the second takes 1 ms."""

    def work(number, lap):
        clock.pass_ms(work_ms(number))
        lap("first")
        clock.pass_ms(1)
        lap("second")

    return open_loop.run(work, ["first", "second"], fps, offered, clock)


def test_a_stage_may_come_several_times(clock):
    def work(_, lap):
        for stage in ("pre", "infer", "pre", "infer", "post"):
            clock.pass_ms(2)
            lap(stage)

    (found,) = open_loop.run(work, ["pre", "infer", "post"], 30.0, 1, clock)
    assert found.stages_ms == (4.0, 4.0, 2.0)
    assert found.latency_ms == 10


def test_a_network_in_time_finishes_every_frame(clock):
    found = frames_of(clock, lambda _: 9)
    assert [frame.number for frame in found] == list(range(60))
    assert all(frame.latency_ms == pytest.approx(10, abs=1e-5) and frame.waited_ms == 0 for frame in found)
    assert found[0].stages_ms == (9.0, 1.0)


def test_a_slow_network_takes_the_newest_frame_and_drops_the_others(clock):
    found = frames_of(clock, lambda _: 79)
    assert [frame.number for frame in found][:5] == [0, 2, 4, 7, 9]
    assert len(found) == 26  # about 2 seconds of 80 ms a frame; the last frame is finished too
    assert found[-1].number == 59
    assert all(frame.waited_ms < 1000 / 30 for frame in found)


def test_one_hiccup_is_caught_up_with(clock):
    found = frames_of(clock, lambda number: 104 if number == 10 else 9)
    late = [frame.number for frame in found if frame.latency_ms > 1000 / 30]
    assert 60 - len(found) == 2
    assert late == [10]
    assert [frame.number for frame in found][10:13] == [10, 13, 14]


def test_the_clock_decides_even_where_a_period_is_not_whole_nanoseconds(clock):
    found = frames_of(clock, lambda _: 0, fps=29.97, offered=1000)
    assert [frame.number for frame in found] == list(range(1000))


@settings(deadline=None)  # the machine may be busy
@given(
    work=st.lists(st.floats(0, 200), min_size=1, max_size=20),
    fps=st.sampled_from([1.0, 23.976, 24.0, 29.97, 30.0, 60.0, 120.0]),
    offered=st.integers(1, 120),
)
def test_on_time_late_and_dropped_make_up_what_was_offered(new_clock, work, fps, offered):
    clock = new_clock()
    found = frames_of(clock, lambda number: work[number % len(work)], fps, offered)
    numbers = [frame.number for frame in found]
    assert numbers == sorted(set(numbers))
    assert 0 <= numbers[0] <= numbers[-1] == offered - 1
    late = sum(frame.latency_ms > 1000 / fps for frame in found)
    assert (len(found) - late) + late + (offered - len(found)) == offered
    assert all(frame.waited_ms >= 0 and frame.latency_ms == pytest.approx(frame.waited_ms + sum(frame.stages_ms), abs=1e-3) for frame in found)
