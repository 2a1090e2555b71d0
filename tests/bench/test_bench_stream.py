"""What becomes of every frame of a stream, in a world whose time only moves when told: the product's own pipeline, real threads.

What is expected is worked out here by other means: from the recurrences of queues, stage by stage, without threads.
"""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_crew import SimulatedCrew

from redmobile.bench import assemble, open_loop
from redmobile.bench.compare import compare
from redmobile.bench.conditions import Conditions
from redmobile.bench.header import DeviceFacts
from redmobile.bench.job import Load, VideoRecord
from redmobile.bench.plan import Budget, OpenLoop, Plan, StabilityRules
from redmobile.bench.target import Assignment
from redmobile.errors import InputError

NAMES = ("decode", "pre", "infer", "post")
USUAL = {"decode": 8.0, "pre": 2.0, "infer": 20.0, "post": 3.0}


def stream(times, fps=30.0, offered=60, queue=1, policy="drop-oldest"):
    """Stage → milliseconds, or a function of a frame's number."""
    crew = SimulatedCrew()

    def stage(name, took):
        def work(number, content):
            crew.pass_ms(took(number) if callable(took) else took)
            return [*(content or []), name]

        return open_loop.Stage(name, work)

    stages = [stage(name, took) for name, took in times.items()]
    return open_loop.run(stages, open_loop.Arrivals(fps, offered), queue, policy, crew)


def result_of(found, times, tmp_path, fps=30.0, offered=60, **loop):
    model = tmp_path / "m.bin"
    model.write_bytes(b"m")
    settings_ = Plan(
        says="x",
        fps=fps,
        open_loop=OpenLoop(seconds=offered / fps, **loop),
        budget=Budget(),
        stability=StabilityRules(max_relative_iqr=9, max_drift=9),
    )
    work = Assignment(plan="x", plan_sha256="0", settings=settings_, command="x", model=model)
    record = VideoRecord(
        stages=tuple(times),
        offered=offered,
        frames=tuple(found.frames),
        source="x",
        conditions=Conditions(cores=4, seconds=2, other_share=0, steal_share=0),
        drops=tuple(found.drops),
        cpu_seconds=sum(found.cpu_ns) / 1e9,
        stage_cpu_seconds=tuple(spent / 1e9 for spent in found.cpu_ns),
    )
    load = Load(runtime="r 1", inputs=(), outputs=(), init_ms=1, first_ms=1)
    return assemble.video_result(assemble.header(work, "host", DeviceFacts(name="n")), model, load, record, 1)


def test_in_time_every_frame_passes_through_every_stage():
    found = stream(USUAL)
    assert [frame.number for frame in found.frames] == list(range(60))
    assert found.drops == []
    for frame in found.frames:
        assert frame.stages_ms == (8, 2, 20, 3)
        assert frame.waits_ms == (0, 0, 0, 0)
        assert frame.latency_ms == 33
    assert [spent / 60e6 for spent in found.cpu_ns] == [8, 2, 20, 3]


def test_stages_work_at_the_same_time_so_that_the_slowest_alone_sets_the_pace():
    found = stream({"decode": 30, "pre": 30, "infer": 33, "post": 30})
    assert found.drops == []
    assert {frame.latency_ms for frame in found.frames} == {123}


def test_a_stage_slower_than_the_rate_drops_the_frames_before_it():
    """Where it takes 51 ms at 30 frames a second, more than every third frame is replaced while it waits."""
    found = stream({**USUAL, "infer": 51})
    assert {stage for _, stage in found.drops} == {"infer"}
    assert [frame.number for frame in found.frames] == expected_of_one_slow_stage(before_ms=10, took_ms=51, offered=60)
    assert len(found.drops) == 60 - len(found.frames) > 15


def expected_of_one_slow_stage(before_ms, took_ms, offered, fps=30.0):
    """Numbers of the frames that one stage behind a place for one frame takes, the newest first; by looking at who is there when it is free."""
    comes = [number * 1000 / fps + before_ms for number in range(offered)]
    taken, free_at = [], 0.0
    while True:
        ahead = [number for number in range(offered) if number > (taken[-1] if taken else -1)]
        if not ahead:
            return taken
        there = [number for number in ahead if comes[number] <= free_at]
        number = there[-1] if there else ahead[0]
        free_at = max(free_at, comes[number]) + took_ms
        taken.append(number)


def test_a_hiccup_drops_what_came_meanwhile_and_is_caught_up_with():
    found = stream({**USUAL, "post": lambda number: 105 if number == 10 else 3})
    assert found.drops == [(11, "post"), (12, "post")]
    assert [frame.number for frame in found.frames] == [number for number in range(60) if number not in {11, 12}]
    assert [(frame.number, frame.waits_ms[3]) for frame in found.frames if sum(frame.waits_ms)] == [(13, pytest.approx(5, abs=1e-5))]
    assert found.frames[-1].latency_ms == 33


def test_a_longer_queue_drops_fewer_and_later():
    slow = {**USUAL, "infer": lambda number: 120 if number == 10 else 20}
    assert [len(stream(slow, queue=size).drops) for size in (1, 2, 3, 4)] == [2, 1, 0, 0]


def test_block_loses_nothing_and_is_late_instead():
    found = stream({**USUAL, "infer": 50}, policy="block")
    assert [frame.number for frame in found.frames] == list(range(60))
    assert found.drops == []
    assert found.frames[-1].latency_ms == pytest.approx(8 + 2 + 60 * 50 + 3 - 59 * 1000 / 30, abs=0.01)


@pytest.mark.parametrize("slow", NAMES)
@pytest.mark.parametrize("policy", ["drop-oldest", "block"])
def test_the_slow_stage_is_blamed(slow, policy, tmp_path):
    found = stream({**USUAL, slow: 45}, policy=policy)
    result = result_of(found, USUAL, tmp_path, policy=policy)
    assert result.verdict.outcome == "missed"
    assert result.verdict.blame == slow
    assert f"most of the time goes to '{slow}'" in result.verdict.says
    assert result.on_time + result.late + result.dropped == 60
    assert result.dropped == len(found.drops) == (0 if policy == "block" else 60 - len(found.frames))
    assert (result.fps == pytest.approx(1000 / 45, rel=0.03)) or policy == "drop-oldest"


@pytest.mark.parametrize("slow", NAMES)
def test_a_stage_that_is_slow_now_and_then_is_blamed_too(slow, tmp_path):
    found = stream({**USUAL, slow: lambda number: 90 if number % 10 == 5 else USUAL[slow]})
    result = result_of(found, USUAL, tmp_path)
    assert result.verdict.blame == slow
    assert slow in {drop.before for drop in result.drops}


def test_nobody_is_blamed_where_all_is_well(tmp_path):
    result = result_of(stream(USUAL), USUAL, tmp_path, window_seconds=1.0)
    assert (result.verdict.outcome, result.verdict.blame) == ("met", None)
    assert (result.on_time, result.late, result.dropped) == (60, 0, 0)
    assert result.fps == pytest.approx(30, rel=1e-6)
    assert result.jitter.max_ms == pytest.approx(0, abs=1e-5)
    assert result.cpu_ms == 33
    assert [stage.cpu_ms for stage in result.stages] == [8, 2, 20, 3]
    assert [(window.from_s, window.to_s, window.on_time) for window in result.windows] == [(0, 1, 30), (1, 2, 30)]
    assert result.verdict.percentile == 99


def test_the_percentile_of_the_budget_counts_dropped_frames(tmp_path):
    result = result_of(stream({**USUAL, "infer": 50}), USUAL, tmp_path)
    assert result.dropped > 1
    assert result.verdict.percentile_ms is None
    assert "that frame was dropped" in result.verdict.says


def test_jitter_is_the_change_of_lateness(tmp_path):
    result = result_of(stream({**USUAL, "post": lambda number: 3 + 10 * (number % 2)}), USUAL, tmp_path)
    assert result.jitter.p50_ms == pytest.approx(10)
    assert result.verdict.outcome == "met"


def test_a_stream_that_got_worse_is_told_from_one_that_did_not(tmp_path):
    times = {**USUAL, "infer": lambda number: 20 + number % 3}
    before, after = (result_of(stream(one, offered=200), USUAL, tmp_path, offered=200) for one in (times, {**times, "infer": 50}))
    found = compare(before, after, ("a", "b"))
    assert found.outcome == "worse"
    assert [(row.metric, row.outcome) for row in found.rows] == [("frames on time", "worse"), ("arrival to finished, median", "worse")]
    assert found.rows[0].change.high < -0.2
    assert compare(before, before, ("a", "a")).outcome == "same"
    assert compare(after, before, ("b", "a")).outcome == "better"


def test_an_error_of_a_stage_stops_the_others_and_comes_out():
    crew = SimulatedCrew()

    def breaks(number, _):
        if number == 3:
            raise InputError("clip.mp4: broken")
        return number

    stages = [open_loop.Stage("decode", breaks), open_loop.Stage("infer", lambda number, _: number)]
    for policy in ("drop-oldest", "block"):
        with pytest.raises(InputError, match="broken"):
            open_loop.run(stages, open_loop.Arrivals(30, 1000), 1, policy, crew)


def test_threads_of_this_machine_do_the_same():
    from redmobile.bench.clock import SystemCrew

    seen = []
    stages = [open_loop.Stage("a", lambda number, _: number), open_loop.Stage("b", lambda number, content: (number, content))]
    found = open_loop.run(stages, open_loop.Arrivals(1e4, 50), 60, "drop-oldest", SystemCrew(), lambda done, total: seen.append((done, total)))
    assert [frame.number for frame in found.frames] == list(range(50))
    assert seen[-1] == (50, 50)
    with pytest.raises(ZeroDivisionError):
        open_loop.run([open_loop.Stage("a", lambda *_: 1 / 0)], open_loop.Arrivals(1e4, 50), 1, "block", SystemCrew())


@settings(deadline=None, max_examples=30)  # the machine may be busy
@given(
    times=st.lists(st.lists(st.integers(0, 120), min_size=1, max_size=6), min_size=1, max_size=4),
    fps=st.sampled_from([23.976, 30.0, 60.0]),
    offered=st.integers(1, 40),
    queue=st.integers(1, 3),
    policy=st.sampled_from(["drop-oldest", "block"]),
)
def test_every_frame_is_accounted_for(times, fps, offered, queue, policy):
    found = stream({str(place): (lambda number, row=row: row[number % len(row)]) for place, row in enumerate(times)}, fps, offered, queue, policy)
    numbers = [frame.number for frame in found.frames]
    assert sorted(numbers + [number for number, _ in found.drops]) == list(range(offered))
    assert numbers == sorted(numbers)
    assert numbers[-1] == offered - 1
    assert policy == "drop-oldest" or found.drops == []
    for frame in found.frames:
        assert frame.stages_ms == tuple(row[frame.number % len(row)] for row in times)
        assert frame.latency_ms == pytest.approx(math.fsum(frame.waits_ms + frame.stages_ms), abs=1e-6)
