"""Where a job can be measured. Each target is a file in targets/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from redmobile.bench.job import Job, Record
from redmobile.core.registry import Registry

Progress = Callable[[int, int], None]
"""(done, all) → None."""


class Target(Protocol):
    """A machine, here or elsewhere, that measures what it is asked to."""

    def run(self, job: Job, on_progress: Progress | None = None) -> Record:
        """The record that belongs to `job` (LoadJob → LoadRecord, …), measured in a process of its own.

        Raises DeviceError if the target cannot be had, ToolError if the measuring process dies, and whatever class of
        RedmobileError the job met there.
        """
        ...


TARGETS: Registry[Callable[[], Target]] = Registry("target", "redmobile.bench.targets")
"""Name → how to make the target."""
