"""A process of its own for every job on this machine, so that neither this one's memory nor its threads disturb."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, TypeVar

import msgspec

from redmobile import errors
from redmobile.bench.job import Failure, Job, Line, Record
from redmobile.errors import RedmobileError, ToolError

Progress = Callable[[int, int], None]
"""(done, all) → None."""

R = TypeVar("R", bound=Record)

_COMMAND = (sys.executable, "-m", "redmobile.bench.worker")


def run_job(job: Job, kind: type[R], on_progress: Progress | None = None) -> R:
    """The record, a `kind`, that belongs to `job`, measured on this machine in a process of its own.

    Raises ToolError if the measuring process dies, and whatever class of RedmobileError the job met there.
    """
    with tempfile.TemporaryFile() as complaints:
        with _worker(job, complaints) as lines:
            record = _listen(lines, on_progress)
        if record is None:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip().splitlines()
            raise ToolError(f"The measuring process died before it had a result{': ' + said[-1] if said else ''}. Out of memory?")
    if not isinstance(record, kind):
        raise ToolError(f"The measuring process answered with a {type(record).__name__}, a {kind.__name__} was expected.")
    return record


@contextlib.contextmanager
def _worker(job: Job, complaints: IO[bytes]) -> Iterator[IO[bytes]]:
    """What a new measuring process says about `job`; the process is gone when the block ends."""
    process = subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints)
    if process.stdin is None or process.stdout is None:
        raise ToolError("The measuring process has no pipes.")
    try:
        with contextlib.suppress(BrokenPipeError):  # it died at once: there will be no record, and _listen's caller says so
            process.stdin.write(msgspec.json.encode(job))
            process.stdin.close()
        yield process.stdout
        process.wait()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _listen(lines: IO[bytes], on_progress: Progress | None) -> Record | None:
    for text in lines:
        line = msgspec.json.decode(text, type=Line)
        if line.failure:
            raise _error(line.failure)
        if line.progress and on_progress:
            on_progress(*line.progress)
        if line.record:
            return line.record
    return None


def _error(failure: Failure) -> RedmobileError:
    """The error again, of its own class, without asking that class how its message is made."""
    kind = getattr(errors, failure.kind)
    error: RedmobileError = kind.__new__(kind, failure.message)
    error.args = (failure.message,)
    return error
