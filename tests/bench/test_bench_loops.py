"""Who runs when, on a clock that only moves when told."""

from redmobile.bench import closed_loop
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
