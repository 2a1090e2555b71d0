"""Baselines: results that later ones are compared with, one file for each device, plan and model."""

from __future__ import annotations

import re
from pathlib import Path

from redmobile.bench.measured import AccuracyResult, LatencyResult, Measurement, MemoryResult, VideoResult
from redmobile.bench.modelled import EmulationResult, EstimateResult
from redmobile.bench.result import Result, to_builtins
from redmobile.bench.stability import Stability
from redmobile.core.results import write_json
from redmobile.errors import BudgetError, InputError

FOLDER = Path("benchmarks") / "baselines"
"""Below the folder in which the command is called: baselines belong to the project whose model they are of."""


def record(result: Result, folder: Path = FOLDER) -> Path:
    """Write `result` as the baseline of its device, plan and model; where it was written.

    Raises BudgetError if it is not to be trusted or incomplete, OutputError.
    """
    reason = why_not(result)
    if reason is not None:
        raise BudgetError(f"{result.plan} on {result.target}: cannot become a baseline: {reason}.")
    path = path_of(result, folder)
    write_json(path, to_builtins(result))
    return path


def why_not(result: Result) -> str | None:
    """Why nothing may be compared with `result`; None if it may."""
    if result.incomplete is not None:
        return f"it is incomplete: {result.incomplete}"
    if isinstance(result, LatencyResult) and result.measured.summary_only:
        return f"there are no single runs to compare with: {result.measured.summary_only}"
    trust = stability_of(result)
    return None if trust is None or trust.trusted else f"it is not to be trusted: {trust.why_not}"


def stability_of(result: Result) -> Stability | None:
    """Whether the figures of the model can be trusted; None for counts and estimates, which nothing disturbs."""
    if isinstance(result, EmulationResult | EstimateResult):
        return None
    return result.measured.stability if isinstance(result, LatencyResult) else result.stability


def path_of(result: Result, folder: Path = FOLDER) -> Path:
    """folder/<device>/<plan>-<model>[-<delegate>]-<threads>t.json: what may be compared with each other has the same path."""
    parts = [Path(result.plan).stem, Path(model_of(result)).stem]
    if isinstance(result, Measurement):
        delegate = _delegate(result)
        parts += [*([delegate] if delegate else []), f"{result.threads}t"]
    return folder / _slug(_device(result)) / f"{'-'.join(map(_slug, parts))}.json"


def find(result: Result, folder: Path = FOLDER) -> Path:
    """The baseline that `result` is to be compared with. Raises InputError if there is none."""
    path = path_of(result, folder)
    if not path.is_file():
        raise InputError(f"{path}: there is no baseline for this device, plan and model yet; record one: {result.command} --record")
    return path


def model_of(result: Result) -> str:
    """The file of the model that `result` is about."""
    if isinstance(result, LatencyResult | EmulationResult):
        return result.measured.model.file
    if isinstance(result, EstimateResult):
        return result.estimated.model.file
    return result.model.file


def _device(result: Result) -> str:
    """Of this machine its processor, of a phone its name: its serial or host name says nothing about how fast it is."""
    if result.target == "host":
        return f"{result.device.soc or result.device.name} {result.device.cores or ''}"
    return result.device.name if result.target.startswith("adb") else result.target


def _delegate(result: Measurement) -> str | None:
    """What was asked for, by its name or the name of its library."""
    match result:
        case LatencyResult():
            load = result.measured.load
        case MemoryResult():
            load = result.loads[0]
        case VideoResult() | AccuracyResult():
            load = result.load
        case _:
            return None
    asked = load.delegate.asked if load.delegate else None
    return Path(asked).name if asked else None


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9_.]+", "-", words.lower()).strip("-.") or "unnamed"
