"""Whether figures can be trusted. Those that cannot neither pass a budget nor miss it."""

from __future__ import annotations

from collections.abc import Sequence

from redmobile.bench import stats
from redmobile.bench.conditions import Conditions
from redmobile.bench.plan import StabilityRules
from redmobile.core.documents import Document


class Stability(Document):
    """trusted: no reason speaks against the figures. reasons: what does. remarks: what is not known, or worth knowing."""

    trusted: bool
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]


def judge(samples_ms: Sequence[float], conditions: Conditions, threads: int, rules: StabilityRules) -> Stability:
    """Judge durations in milliseconds, in the order in which they were taken, and the machine meanwhile, by `rules`."""
    reasons = (*_of_samples(samples_ms, rules), *_of_machine(conditions, threads, rules))
    return Stability(trusted=not reasons, reasons=reasons, remarks=tuple(_remarks(conditions)))


def _of_samples(samples_ms: Sequence[float], rules: StabilityRules) -> list[str]:
    if len(samples_ms) < rules.min_samples:
        return [f"only {len(samples_ms)} samples, at least {rules.min_samples} are needed"]
    found = []
    spread, drift = stats.relative_iqr(samples_ms), stats.drift(samples_ms)
    if spread > rules.max_relative_iqr:
        found.append(f"the middle half of the samples spreads over {spread:.0%} of the median, at most {rules.max_relative_iqr:.0%} is expected")
    if abs(drift) > rules.max_drift:
        way = "slower" if drift > 0 else "faster"
        found.append(f"the last third is {abs(drift):.0%} {way} than the first, at most {rules.max_drift:.0%} is expected")
    return found


def _of_machine(conditions: Conditions, threads: int, rules: StabilityRules) -> list[str]:
    if conditions.seconds < rules.min_seconds:
        return [f"measured for only {conditions.seconds:.2f} s, at least {rules.min_seconds:g} s are needed"]
    found = []
    if threads > conditions.cores:
        found.append(f"{threads} threads on {conditions.cores} cores")
    if conditions.other_share > rules.max_other_share:
        found.append(f"other processes took {conditions.other_share:.0%} of the processor, at most {rules.max_other_share:.0%} is expected")
    if conditions.steal_share > rules.max_steal_share:
        found.append(f"the machine's host took {conditions.steal_share:.1%} of the processor away, at most {rules.max_steal_share:.1%} is expected")
    if conditions.throttle_events:
        found.append(f"the processor was slowed down for its heat {conditions.throttle_events} times")
    first, last = conditions.clock_first_mhz, conditions.clock_last_mhz
    if first and last and abs(last - first) / first > rules.max_clock_change:
        found.append(f"the processor's clock went from {first:.0f} to {last:.0f} MHz")
    return found


def _remarks(conditions: Conditions) -> list[str]:
    found = []
    if conditions.governor is None:
        found.append("what governs the processor's clock is not known here")
    elif conditions.governor != "performance":
        found.append(f"the processor's clock is governed by '{conditions.governor}', not 'performance'")
    if conditions.throttle_events is None:
        found.append("whether the processor was slowed down for its heat is not known here")
    if conditions.load_before is not None and conditions.load_before > conditions.cores / 2:
        found.append(f"the load average was {conditions.load_before:.1f} on {conditions.cores} cores when it began")
    return found
