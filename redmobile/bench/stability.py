"""Whether figures can be trusted. Those that cannot neither pass a budget nor miss it, and never become a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from redmobile.bench import stats
from redmobile.bench.conditions import Conditions
from redmobile.bench.plan import StabilityRules
from redmobile.core.documents import Document

Flag = Literal["too_few_samples", "too_short", "spread", "drift", "too_many_threads", "noisy_machine", "stolen_time", "heat", "clock", "incomplete"]
"""What speaks against figures, for programs; Doubt.says is for people."""


class Doubt(Document):
    """One reason not to trust figures."""

    flag: Flag
    says: str


class Stability(Document):
    """trusted: no reason speaks against the figures. reasons: what does. remarks: what is not known, or worth knowing."""

    trusted: bool
    reasons: tuple[Doubt, ...]
    remarks: tuple[str, ...] = ()

    @property
    def why_not(self) -> str:
        """All reasons in one sentence."""
        return "; ".join(doubt.says for doubt in self.reasons)


def judge(
    samples_ms: Sequence[float],
    conditions: Conditions,
    threads: int,
    rules: StabilityRules,
    incomplete: str | None = None,
    *,
    doubts: Sequence[Doubt] = (),
    remarks: Sequence[str] = (),
) -> Stability:
    """Judge durations in milliseconds, in the order in which they were taken, and the machine meanwhile, by `rules`.

    incomplete: why the measuring ended before its time; None: it did not. doubts, remarks: what a target knows besides.
    """
    reasons = (*_of_end(incomplete), *doubts, *_of_samples(samples_ms, rules), *_of_machine(conditions, threads, rules))
    return Stability(trusted=not reasons, reasons=reasons, remarks=(*remarks, *_remarks(conditions)))


def judge_count(
    n: int, conditions: Conditions, threads: int, rules: StabilityRules, *, doubts: Sequence[Doubt] = (), remarks: Sequence[str] = ()
) -> Stability:
    """The same where a tool told only what `n` durations come down to: how they spread and drift, the tries must show (doubts)."""
    reasons = (*doubts, *_of_count(n, rules), *_of_machine(conditions, threads, rules))
    return Stability(trusted=not reasons, reasons=reasons, remarks=(*remarks, *_remarks(conditions)))


def judge_samples(samples: Sequence[float], rules: StabilityRules) -> Stability:
    """Judge figures that do not depend on what else the machine does (bytes), in the order in which they were taken."""
    reasons = tuple(_of_samples(samples, rules))
    return Stability(trusted=not reasons, reasons=reasons)


def _of_end(incomplete: str | None) -> list[Doubt]:
    return [] if incomplete is None else [Doubt(flag="incomplete", says=f"it ended before its time: {incomplete}")]


def _of_count(n: int, rules: StabilityRules) -> list[Doubt]:
    return [Doubt(flag="too_few_samples", says=f"only {n} samples, at least {rules.min_samples} are needed")] if n < rules.min_samples else []


def _of_samples(samples_ms: Sequence[float], rules: StabilityRules) -> list[Doubt]:
    if few := _of_count(len(samples_ms), rules):
        return few
    found = []
    spread, drift = stats.relative_iqr(samples_ms), stats.drift(samples_ms).relative
    if spread > rules.max_relative_iqr:
        says = f"the middle half of the samples spreads over {spread:.0%} of the median, at most {rules.max_relative_iqr:.0%} is expected"
        found.append(Doubt(flag="spread", says=says))
    if abs(drift) > rules.max_drift:
        way = "slower" if drift > 0 else "faster"
        says = f"the last third is {abs(drift):.0%} {way} than the first, at most {rules.max_drift:.0%} is expected"
        found.append(Doubt(flag="drift", says=says))
    return found


def _of_machine(conditions: Conditions, threads: int, rules: StabilityRules) -> list[Doubt]:
    if conditions.seconds < rules.min_seconds:
        return [Doubt(flag="too_short", says=f"measured for only {conditions.seconds:.2f} s, at least {rules.min_seconds:g} s are needed")]
    found = []
    if threads > conditions.cores:
        found.append(Doubt(flag="too_many_threads", says=f"{threads} threads on {conditions.cores} cores"))
    found += _of_others(conditions, rules)
    found += _of_heat_and_clock(conditions, rules)
    return found


def _of_others(conditions: Conditions, rules: StabilityRules) -> list[Doubt]:
    found = []
    other, steal = conditions.other_share, conditions.steal_share
    if other is not None and other > rules.max_other_share:
        says = f"other processes took {other:.0%} of the processor, at most {rules.max_other_share:.0%} is expected"
        found.append(Doubt(flag="noisy_machine", says=says))
    if steal is not None and steal > rules.max_steal_share:
        says = f"the machine's host took {steal:.1%} of the processor away, at most {rules.max_steal_share:.1%} is expected"
        found.append(Doubt(flag="stolen_time", says=says))
    return found


def _of_heat_and_clock(conditions: Conditions, rules: StabilityRules) -> list[Doubt]:
    found = []
    if conditions.throttle_events is not None and conditions.throttle_events > rules.max_throttle_events:
        found.append(Doubt(flag="heat", says=f"the processor was slowed down for its heat {conditions.throttle_events} times"))
    statuses = [sample.thermal_status for sample in conditions.samples if sample.thermal_status is not None]
    if max(statuses, default=0) > rules.max_thermal_status:
        says = f"Android's thermal status rose to {max(statuses)}, at most {rules.max_thermal_status} is expected"
        found.append(Doubt(flag="heat", says=says))
    clocks = [mhz for mhz in (conditions.clock_first_mhz, *_clocks(conditions), conditions.clock_last_mhz) if mhz]
    if clocks and (max(clocks) - min(clocks)) / max(clocks) > rules.max_clock_change:
        says = f"the processor's clock went between {max(clocks):.0f} and {min(clocks):.0f} MHz, at most {rules.max_clock_change:.0%} is expected"
        found.append(Doubt(flag="clock", says=says))
    cap, top = conditions.clock_cap_mhz, conditions.clock_top_mhz
    if cap and top and (top - cap) / top > rules.max_clock_change:
        says = f"the processor's clock is held at {cap:.0f} of {top:.0f} MHz, at most {rules.max_clock_change:.0%} less is expected"
        found.append(Doubt(flag="clock", says=says))
    return found


def _clocks(conditions: Conditions) -> list[float]:
    """The clock of the fastest core at each moment: that is where the work is."""
    return [max(sample.clocks_mhz.values()) for sample in conditions.samples if sample.clocks_mhz]


def _remarks(conditions: Conditions) -> list[str]:
    found = []
    if conditions.governor is None:
        found.append("what governs the processor's clock is not known here")
    elif conditions.governor != "performance":
        found.append(f"the processor's clock is governed by '{conditions.governor}', not 'performance'")
    if conditions.throttle_events is None and not any(sample.thermal_status is not None for sample in conditions.samples):
        found.append("whether the processor was slowed down for its heat is not known here")
    if conditions.load_before is not None and conditions.load_before > conditions.cores / 2:
        found.append(f"the load average was {conditions.load_before:.1f} on {conditions.cores} cores when it began")
    return found
