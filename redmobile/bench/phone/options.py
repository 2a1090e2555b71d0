"""What `--target-option KEY=VALUE` may say to the target adb."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from redmobile.errors import UsageError

OPTIONS: Mapping[str, str] = {
    "benchmark_model": "TFLite's benchmark_model or LiteRT's benchmark_litert_model for the device; without it the demo app measures",
    "cores": "all, little, middle, big, or a mask in hexadecimal: where a benchmark program may run",
    "cool_down": "seconds to wait at least between repetitions (10); it also waits, up to 300 s, until Android's thermal status is none",
    "tries": "repetitions at most (5), until two that follow each other differ by 5 % or less, as MLPerf Mobile asks",
    "sample": "seconds between samples of heat, clocks and battery (2)",
    "patience": "seconds to wait for a device that went away while the app measures, which goes on meanwhile (30)",
    "profile": "yes: a benchmark program also tells each operator's time (yes)",
}

LONG_S = 120.0
"""What takes longer is a soak: it is not repeated."""


@dataclasses.dataclass(frozen=True)
class PhoneOptions:
    """The options, read. cores: '' for all of them."""

    benchmark_model: Path | None = None
    cores: str = ""
    cool_down_s: float = 10.0
    tries: int = 5
    sample_s: float = 2.0
    patience_s: float = 30.0
    profile: bool = True


def read_options(given: Mapping[str, str]) -> PhoneOptions:
    """The options `given`. Raises UsageError: a value that is none."""
    tool = given.get("benchmark_model")
    return PhoneOptions(
        benchmark_model=Path(tool).expanduser() if tool else None,
        cores=given.get("cores", ""),
        cool_down_s=_number(given, "cool_down", 10.0, 0.0),
        tries=round(_number(given, "tries", 5, 1)),
        sample_s=_number(given, "sample", 2.0, 0.01),
        patience_s=_number(given, "patience", 30.0, 0.0),
        profile=_yes(given, "profile"),
    )


def _number(given: Mapping[str, str], key: str, default: float, least: float) -> float:
    try:
        value = float(given.get(key, default))
    except ValueError:
        value = float("nan")
    if not value >= least:
        raise UsageError(f"--target-option {key}={given[key]}: is no number of at least {least:g}.")
    return value


def _yes(given: Mapping[str, str], key: str) -> bool:
    value = given.get(key, "yes")
    if value not in {"yes", "no"}:
        raise UsageError(f"--target-option {key}={value}: expected yes or no.")
    return value == "yes"
