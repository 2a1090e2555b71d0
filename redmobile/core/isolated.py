"""Call a function in processes of its own: what crashes, hangs or eats memory there takes nothing else along."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import multiprocessing
import os
import queue
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Generic, TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")

_CONTEXT = multiprocessing.get_context("spawn")  # a fork would inherit the threads of engines in an undefined state
_GOODBYE_SECONDS = 10


@dataclasses.dataclass(frozen=True)
class Ended(Generic[Value]):
    """How one call ended. value: what it returned; died: '' or how the process ended instead, with its last line on stderr."""

    value: Value | None
    died: str = ""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one call may use. seconds: of wall clock; memory_bytes: of address space, for the whole process (None: no limit)."""

    seconds: float = 60.0
    memory_bytes: int | None = None


def call_apart(
    function: Callable[[Item], Value],
    items: Iterable[Item],
    limits: Limits = Limits(),
    *,
    workers: int = 2,
    on_progress: Callable[[int], None] | None = None,
) -> list[Ended[Value]]:
    """`function` of every item, in order, in `workers` processes; a process that dies is replaced and the next item goes on.

    function: of a module, not nested: processes import it; items and values must be picklable. An exception that `function` lets
    out ends its process, so it is told as `died`. on_progress: called with the number of items done, from several threads.
    """
    waiting: queue.SimpleQueue[tuple[int, Item]] = queue.SimpleQueue()
    for numbered in enumerate(items):
        waiting.put(numbered)
    results: dict[int, Ended[Value]] = {}

    def attend() -> None:
        with contextlib.ExitStack() as stack:
            worker: _Worker[Item, Value] | None = None
            while True:
                try:
                    number, item = waiting.get_nowait()
                except queue.Empty:
                    return
                worker = worker or stack.enter_context(_worker(function, limits))
                results[number] = worker.call(item)
                if results[number].died:
                    worker = None
                if on_progress:
                    on_progress(len(results))

    with concurrent.futures.ThreadPoolExecutor(workers) as threads:
        for future in [threads.submit(attend) for _ in range(workers)]:
            future.result()
    return [results[number] for number in sorted(results)]


class _Worker(Generic[Item, Value]):
    """One process that answers items one after another."""

    def __init__(self, function: Callable[[Item], Value], limits: Limits, complaints: Path) -> None:
        self._limits = limits
        self._complaints = complaints
        self._pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(theirs, function, limits.memory_bytes, str(complaints)), daemon=True)
        self._process.start()
        theirs.close()
        self._ready = False

    def call(self, item: Item) -> Ended[Value]:
        """The value for `item`, or how the process died over it. Starting up is not counted against the limit of time."""
        try:
            if not self._ready:
                self._pipe.recv()
                self._ready = True
            self._pipe.send(item)
            if not self._pipe.poll(self._limits.seconds):
                self.end()
                return Ended(None, f"no answer within {self._limits.seconds:g} s")
            return Ended(self._pipe.recv())
        except (EOFError, ConnectionError):
            self._process.join(_GOODBYE_SECONDS)
            return Ended(None, f"{_ending(self._process.exitcode)}{self._last_words()}")

    def end(self) -> None:
        """Kill the process, if it still lives."""
        self._process.kill()
        self._process.join(_GOODBYE_SECONDS)
        self._pipe.close()

    def _last_words(self) -> str:
        lines = self._complaints.read_text(errors="replace").strip().splitlines()
        return f": {lines[-1]}" if lines else ""


@contextlib.contextmanager
def _worker(function: Callable[[Item], Value], limits: Limits) -> Iterator[_Worker[Item, Value]]:
    with tempfile.NamedTemporaryFile(prefix="redmobile.") as complaints:
        worker: _Worker[Item, Value] = _Worker(function, limits, Path(complaints.name))
        try:
            yield worker
        finally:
            worker.end()


def _serve(pipe: Connection, function: Callable[[Item], Value], memory_bytes: int | None, complaints: str) -> None:
    """The process: says that it is there, then answers until the pipe closes. stderr goes to the file `complaints`."""
    handle = os.open(complaints, os.O_WRONLY | os.O_APPEND)
    os.dup2(handle, 2)
    os.close(handle)
    if memory_bytes is not None:
        import resource  # not on Windows, where nothing here sets a limit

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    pipe.send(None)
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            return
        pipe.send(function(item))


def _ending(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"its process was ended by {signal.Signals(-exit_code).name}"
    return f"its process ended with code {exit_code}"
