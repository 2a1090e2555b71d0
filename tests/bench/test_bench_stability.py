"""What makes figures untrustworthy, and that a budget is then neither met nor missed."""

import time

import msgspec
import pytest

from redmobile.bench import budget, stability
from redmobile.bench.conditions import Conditions, DeviceSample, Watch
from redmobile.bench.plan import Budget, StabilityRules

RULES = StabilityRules()
STEADY = [10.0 + 0.01 * (index % 7) for index in range(60)]
QUIET = Conditions(
    cores=2,
    seconds=1.0,
    load_before=0.1,
    own_share=0.9,
    other_share=0.01,
    steal_share=0.0,
    clock_first_mhz=2400.0,
    clock_last_mhz=2400.0,
    governor="performance",
    throttle_events=0,
)


def conditions(**changes):
    return msgspec.structs.replace(QUIET, **changes)


def test_steady_samples_on_a_quiet_machine_are_trusted():
    assert stability.judge(STEADY, QUIET, 2, RULES) == stability.Stability(trusted=True, reasons=(), remarks=())


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (STEADY[:29], "only 29 samples, at least 30"),
        ([8.0, 12.0] * 30, "spreads over 40% of the median"),
        ([10.0] * 20 + [10.4] * 20 + [10.9] * 20, "last third is 9% slower than the first"),
        ([10.9] * 20 + [10.4] * 20 + [10.0] * 20, "last third is 9% faster than the first"),
    ],
)
def test_samples_that_speak_against_themselves(samples, said):
    found = stability.judge(samples, QUIET, 2, RULES)
    assert not found.trusted
    assert any(said in doubt.says for doubt in found.reasons)


@pytest.mark.parametrize(
    ("change", "threads", "flag", "said"),
    [
        ({"other_share": 0.25}, 2, "noisy_machine", "other processes took 25% of the processor"),
        ({"steal_share": 0.05}, 2, "stolen_time", "host took 5.0% of the processor away"),
        ({"throttle_events": 3}, 2, "heat", "slowed down for its heat 3 times"),
        ({"clock_last_mhz": 1800.0}, 2, "clock", "clock went between 2400 and 1800 MHz"),
        ({"samples": (DeviceSample(seconds=1, clocks_mhz={"0": 1200.0, "4": 2000.0}),)}, 2, "clock", "clock went between 2400 and 2000 MHz"),
        ({"samples": (DeviceSample(seconds=1, thermal_status=2),)}, 2, "heat", "thermal status rose to 2, at most 1"),
        ({"clock_cap_mhz": 1500.0, "clock_top_mhz": 2400.0}, 2, "clock", "clock is held at 1500 of 2400 MHz"),
        ({"seconds": 0.1, "other_share": 1.0}, 2, "too_short", "only 0.10 s, at least 0.5 s"),
        ({}, 3, "too_many_threads", "3 threads on 2 cores"),
    ],
)
def test_a_machine_that_speaks_against_the_samples(change, threads, flag, said):
    found = stability.judge(STEADY, conditions(**change), threads, RULES)
    assert not found.trusted
    assert len(found.reasons) == 1
    assert said in found.reasons[0].says
    assert found.reasons[0].flag == flag


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"governor": None}, "governs the processor's clock is not known"),
        ({"governor": "powersave"}, "governed by 'powersave'"),
        ({"throttle_events": None}, "heat is not known"),
        ({"load_before": 3.5}, "load average was 3.5 on 2 cores"),
        ({"clock_first_mhz": None, "clock_last_mhz": None, "governor": None}, "not known"),
    ],
)
def test_what_is_only_worth_knowing_is_a_remark(change, said):
    found = stability.judge(STEADY, conditions(**change), 2, RULES)
    assert found.trusted
    assert any(said in remark for remark in found.remarks)


def test_all_reasons_are_given_at_once():
    found = stability.judge([8.0, 12.0] * 30, conditions(other_share=0.5, steal_share=0.5), 8, RULES)
    assert len(found.reasons) == 4


TRUSTED = stability.Stability(trusted=True, reasons=(), remarks=())
DOUBTED = stability.Stability(trusted=False, reasons=(stability.Doubt(flag="noisy_machine", says="too loud"),))


@pytest.mark.parametrize(
    ("on_time", "rule", "trust", "outcome"),
    [
        (99, Budget(share=0.99), TRUSTED, "met"),
        (98, Budget(share=0.99), TRUSTED, "missed"),
        (100, Budget(share=0.99), DOUBTED, "not to be trusted"),
        (0, Budget(share=0.99), DOUBTED, "not to be trusted"),
        (0, None, DOUBTED, "no budget"),
    ],
)
def test_verdicts(on_time, rule, trust, outcome):
    found = budget.judge_times([10.0] * on_time, 100 - on_time, 1000 / 30, rule, trust)
    assert found.outcome == outcome
    assert f"{on_time} of 100 frames" in found.says
    assert ("too loud" in found.says) == (outcome == "not to be trusted")


def test_watch_accounts_for_this_process_s_work():
    watch = Watch()
    sum(range(6_000_000))
    found = watch.conditions()
    assert found.seconds > 0
    assert found.cores >= 1
    assert 0 < found.own_share <= 1
    assert found.other_share >= 0
    assert found.steal_share >= 0


def test_watch_looks_at_clocks_meanwhile(tmp_path, monkeypatch):
    """The kernel's files as they are on a phone or laptop, for one core that is slowed down while something is measured."""
    from redmobile.bench import conditions as conditions_module

    folder = tmp_path / "cpu0" / "cpufreq"
    folder.mkdir(parents=True)
    for name, text in {"scaling_cur_freq": "2400000", "scaling_max_freq": "2400000", "cpuinfo_max_freq": "2400000", "scaling_governor": "x"}.items():
        (folder / name).write_text(text)
    counter = tmp_path / "cpu0" / "thermal_throttle" / "core_throttle_count"
    counter.parent.mkdir()
    counter.write_text("3")
    monkeypatch.setattr(conditions_module, "_CPUS", tmp_path)
    watch = Watch(period_s=0.01)
    (folder / "scaling_cur_freq").write_text("1200000")
    deadline = time.monotonic() + 30
    while not any(sample.clocks_mhz == {"cpu0": 1200.0} for sample in watch._samples) and time.monotonic() < deadline:
        time.sleep(0.01)
    (folder / "scaling_cur_freq").write_text("2400000")
    (folder / "scaling_max_freq").write_text("1800000")
    counter.write_text("5")
    found = watch.conditions()
    assert (found.clock_first_mhz, found.clock_last_mhz, found.clock_cap_mhz, found.clock_top_mhz) == (2400, 2400, 1800, 2400)
    assert (found.throttle_events, found.governor) == (2, "x")
    judged = stability.judge(STEADY, msgspec.structs.replace(found, seconds=1.0, other_share=0, steal_share=0), 1, RULES)
    assert [doubt.flag for doubt in judged.reasons] == ["heat", "clock", "clock"]
