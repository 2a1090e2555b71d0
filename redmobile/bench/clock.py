"""Where time comes from, and how workers wait for it and for each other: the machine, or in tests a world that only moves when told."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol


class Clock(Protocol):
    """A clock that never goes backwards, in nanoseconds from an arbitrary moment."""

    def now_ns(self) -> int:
        """The present moment."""
        ...

    def sleep_until_ns(self, moment_ns: int) -> None:
        """Return at `moment_ns` or a little later; at once if it is past."""
        ...


class Crew(Clock, Protocol):
    """Workers that share one lock and one clock."""

    def cpu_ns(self) -> int:
        """Processor time that the calling worker has used so far."""
        ...

    def lock(self) -> contextlib.AbstractContextManager[object]:
        """Hold the lock that all workers share."""
        ...

    def wait(self) -> None:
        """With the lock held: let go of it until another worker calls `notify`, then take it again. May return without reason."""
        ...

    def notify(self) -> None:
        """With the lock held: wake all that wait."""
        ...

    def run(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Carry out all `jobs` at the same time, each in a worker of its own; when all have ended, raise the error of the first that had one."""
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


class SystemCrew(SystemClock):
    """Threads of this process. Implements Crew."""

    def __init__(self) -> None:
        self._condition = threading.Condition()

    def cpu_ns(self) -> int:
        """See Crew."""
        return time.thread_time_ns()

    def lock(self) -> contextlib.AbstractContextManager[object]:
        """See Crew."""
        return self._condition

    def wait(self) -> None:
        """See Crew."""
        self._condition.wait()

    def notify(self) -> None:
        """See Crew."""
        self._condition.notify_all()

    def run(self, jobs: Sequence[Callable[[], None]]) -> None:
        """See Crew."""
        with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
            futures = [pool.submit(job) for job in jobs]
        for future in futures:
            future.result()
