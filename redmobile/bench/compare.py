"""A new result beside an old one: better, worse, the same, or not to be told; with a confidence interval."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from redmobile.bench import baseline, bootstrap
from redmobile.bench.bootstrap import Interval
from redmobile.bench.measured import AccuracyResult, LatencyResult, MemoryResult, VideoResult
from redmobile.bench.modelled import EmulatedNetwork, EmulationResult, EstimateResult
from redmobile.bench.result import Result, read_results
from redmobile.core.documents import Document
from redmobile.errors import InputError, UsageError

Format = Literal["redmobile.compare/1"]
FORMAT: Format = "redmobile.compare/1"

Change = Literal["better", "worse", "same", "cannot tell", "not to be trusted"]

DEFAULT_TOLERANCE = 0.05
_PICTURES_DB = 0.1
"""A loss of PSNR that is told as one; the arithmetic is exact, only the pictures are a sample."""

_EQUAL_DB = 98.0

_MOST_LATE = 0.01
"""A part of all frames that may be late or dropped more than before."""

_COUNTS = 0.01
"""Counts and estimates repeat exactly, or nearly: a hundredth is a change of the graph or the engine."""


class Row(Document):
    """One figure. old, new: of both results, in `unit`; change: new / old, or new - old where `unit` says so, with its 95 % interval.

    tolerance: how much worse `change` may be before it counts.
    """

    metric: str
    unit: str
    old: float
    new: float
    change: Interval
    is_ratio: bool
    tolerance: float
    outcome: Change


class Comparison(Document):
    """old, new: names of the files. outcome: of the worst row; reasons: why the figures are not to be trusted."""

    format: Format
    old: str
    new: str
    plan: str
    target: str
    outcome: Change
    says: str
    rows: tuple[Row, ...]
    reasons: tuple[str, ...] = ()


_WORST: tuple[Change, ...] = ("not to be trusted", "worse", "cannot tell", "better", "same")


def compare(old: Result, new: Result, names: tuple[str, str], tolerance: float = DEFAULT_TOLERANCE) -> Comparison:
    """Compare `new` with `old`; names: of their files. tolerance: how much longer (0.05: by 5 %) it may take, or more memory need.

    Raises UsageError if they are not of one kind, plan, target, device and configuration: their difference would say nothing.
    """
    _check_alike(old, new, names)
    rows = _rows(old, new, tolerance)
    reasons = [f"{name}: {why}" for name, result in zip(names, (old, new), strict=True) if (why := baseline.why_not(result)) is not None]
    outcome: Change = "not to be trusted" if reasons else min((row.outcome for row in rows), key=_WORST.index)
    told = "; ".join(map(_sentence, rows))
    says = f"{outcome}: {told}" + (f" ({'; '.join(reasons)})" if reasons else "")
    return Comparison(
        format=FORMAT, old=names[0], new=names[1], plan=new.plan, target=new.target, outcome=outcome, says=says, rows=rows, reasons=tuple(reasons)
    )


def compare_files(old: Path, new: Path, tolerance: float = DEFAULT_TOLERANCE) -> list[Comparison]:
    """Compare every result in the file `new` with the one of the same device, plan, model and configuration in `old`.

    old: a result's file, or a folder of baselines. Of two files with one result each, those two. Raises InputError (nothing to compare with),
    DocumentError, UsageError.
    """
    later = read_results(new)
    if old.is_dir():
        places = [baseline.find(result, old) for result in later]
        return [compare(read_results(place)[0], result, (str(place), str(new)), tolerance) for place, result in zip(places, later, strict=True)]
    earlier = read_results(old)
    if len(earlier) == len(later) == 1:
        return [compare(earlier[0], later[0], (str(old), str(new)), tolerance)]
    by_path = {baseline.path_of(result): result for result in earlier}
    missing = [str(baseline.path_of(result)) for result in later if baseline.path_of(result) not in by_path]
    if missing:
        raise InputError(f"{old}: holds nothing to compare {', '.join(missing)} of {new} with.")
    return [compare(by_path[baseline.path_of(result)], result, (str(old), str(new)), tolerance) for result in later]


def to_builtins(comparison: Comparison) -> dict[str, Any]:
    """`comparison` as JSON's types."""
    values: dict[str, Any] = msgspec.to_builtins(comparison)
    return values


def _sentence(row: Row) -> str:
    change = row.change
    if not row.is_ratio:
        return (
            f"{row.metric} {row.old:.4g} → {row.new:.4g} {row.unit} ({change.value:+.3g}, 95 % sure between {change.low:+.3g} and {change.high:+.3g})"
        )
    percent = [100 * (value - 1) for value in (change.value, change.low, change.high)]
    return f"{row.metric} {row.old:.4g} → {row.new:.4g} {row.unit} ({percent[0]:+.1f} %, 95 % sure between {percent[1]:+.1f} and {percent[2]:+.1f} %)"


def _check_alike(old: Result, new: Result, names: tuple[str, str]) -> None:
    for what, before, after in (("kind", type(old), type(new)), *_likeness(old, new)):
        if before != after:
            shown = [value.__name__ if isinstance(value, type) else str(value) for value in (before, after)]
            raise UsageError(f"{names[0]} and {names[1]} cannot be compared: their {what} differ, {shown[0]} and {shown[1]}; measure both alike.")


def _likeness(old: Result, new: Result) -> list[tuple[str, object, object]]:
    pairs: list[tuple[str, object, object]] = [
        ("plans", old.settings.way, new.settings.way),
        ("frame rates", old.settings.fps, new.settings.fps),
        ("targets", old.target.partition(":")[0], new.target.partition(":")[0]),
        ("devices", baseline.path_of(old).parent.name, baseline.path_of(new).parent.name),
        ("threads", getattr(old, "threads", None), getattr(new, "threads", None)),
    ]
    if old.settings.open_loop is not None and new.settings.open_loop is not None:
        pairs.append(("policies", old.settings.open_loop.policy, new.settings.open_loop.policy))
    if isinstance(old, VideoResult) and isinstance(new, VideoResult):
        pairs.append(("frames", old.source, new.source))
    return pairs


def _rows(old: Result, new: Result, tolerance: float) -> tuple[Row, ...]:
    match old, new:
        case LatencyResult(), LatencyResult():
            if none := old.measured.summary_only or new.measured.summary_only:
                raise UsageError(f"Results without single runs cannot be compared: {none}. Measure both with the demo app, which keeps them.")
            return (_ratio("latency, median", "ms", old.measured.samples_ms, new.measured.samples_ms, tolerance),)
        case VideoResult(), VideoResult():
            return (*_video(old, new, tolerance),)
        case MemoryResult(), MemoryResult():
            peaks = [[float(load.peak_bytes or 0) / 2**20 for load in result.loads] for result in (old, new)]
            return (_ratio("peak memory", "MiB", peaks[0], peaks[1], tolerance),)
        case AccuracyResult(), AccuracyResult():
            return (_accuracy(old, new),)
        case EmulationResult(), EmulationResult():
            return (*_emulation(old.measured, new.measured),)
        case EstimateResult(), EstimateResult():
            return (_ratio("cycles (Vela's estimate)", "", [float(old.estimated.cycles)], [float(new.estimated.cycles)], _COUNTS),)
    raise UsageError(f"Results of the kinds {type(old).__name__} and {type(new).__name__} cannot be compared.")


def _video(old: VideoResult, new: VideoResult, tolerance: float) -> list[Row]:
    in_time = [[float(one) for one in _in_time(result)] for result in (old, new)]
    change = bootstrap.difference(in_time[0], in_time[1])
    share = Row(
        metric="frames on time",
        unit="of all",
        old=old.verdict.on_time_share,
        new=new.verdict.on_time_share,
        change=change,
        is_ratio=False,
        tolerance=_MOST_LATE,
        outcome=_judge(-change.high, -change.low, _MOST_LATE),
    )
    latencies = [[frame.latency_ms for frame in result.frames] for result in (old, new)]
    return [share, _ratio("arrival to finished, median", "ms", latencies[0], latencies[1], tolerance)]


def _in_time(result: VideoResult) -> list[bool]:
    """For every frame that was offered, in order."""
    finished = {frame.number: frame.latency_ms <= result.deadline_ms for frame in result.frames}
    return [finished.get(number, False) for number in range(result.offered)]


def _accuracy(old: AccuracyResult, new: AccuracyResult) -> Row:
    """Picture by picture, for both saw the same ones."""
    before, after = ({picture.picture: picture.psnr_db for picture in result.pictures} for result in (old, new))
    if before.keys() != after.keys() or old.reference.sha256 != new.reference.sha256:
        raise UsageError("Accuracies on other pictures, or against another reference, cannot be compared; measure both alike.")
    pairs = [(_decibels(before[name]), _decibels(after[name])) for name in before]
    change = bootstrap.difference([0.0] * len(pairs), [second - first for first, second in pairs])
    means = [sum(column) / len(pairs) for column in zip(*pairs, strict=True)]
    outcome = _judge(-change.high, -change.low, _PICTURES_DB)
    return Row(metric="PSNR", unit="dB", old=means[0], new=means[1], change=change, is_ratio=False, tolerance=_PICTURES_DB, outcome=outcome)


def _decibels(psnr_db: float | None) -> float:
    """Equal pictures, whose PSNR is infinite, count as one step of 1/255 in one value of 100,000 would."""
    return _EQUAL_DB if psnr_db is None else psnr_db


def _emulation(old: EmulatedNetwork, new: EmulatedNetwork) -> list[Row]:
    rows = [_ratio("instructions a frame", "", old.repeats, new.repeats, _COUNTS)]
    if old.caches and new.caches:
        moved = [float(caches.memory_read_bytes + caches.memory_written_bytes) / 1e6 for caches in (old.caches, new.caches)]
        rows.append(_ratio("bytes to and from memory", "MB", [moved[0]], [moved[1]], _COUNTS))
    return rows


def _ratio(metric: str, unit: str, old: Sequence[float], new: Sequence[float], tolerance: float) -> Row:
    """A figure of which less is better: medians."""
    change = bootstrap.ratio(old, new)
    medians = [float(bootstrap.median(bootstrap.row(samples))[0]) for samples in (old, new)]
    return Row(
        metric=metric,
        unit=unit,
        old=medians[0],
        new=medians[1],
        change=change,
        is_ratio=True,
        tolerance=tolerance,
        outcome=_judge(change.low - 1, change.high - 1, tolerance),
    )


def _judge(low: float, high: float, tolerance: float) -> Change:
    """How much worse it got lies between `low` and `high` (negative: better)."""
    if low > tolerance:
        return "worse"
    if high < -tolerance:
        return "better"
    return "same" if -tolerance <= low and high <= tolerance else "cannot tell"
