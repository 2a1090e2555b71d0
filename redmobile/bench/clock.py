"""Where time comes from: the machine's clock, or in tests one that only moves when told."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A clock that never goes backwards, in nanoseconds from an arbitrary moment."""

    def now_ns(self) -> int:
        """The present moment."""
        ...

    def sleep_until_ns(self, moment_ns: int) -> None:
        """Return at `moment_ns` or a little later; at once if it is past."""
        ...


class SystemClock:
    """The machine's monotonic clock. Implements Clock."""

    def now_ns(self) -> int:
        """See Clock."""
        return time.perf_counter_ns()

    def sleep_until_ns(self, moment_ns: int) -> None:
        """See Clock."""
        while (left_ns := moment_ns - time.perf_counter_ns()) > 0:
            time.sleep(left_ns / 1e9)
