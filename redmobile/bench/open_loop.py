"""Frames arrive at their own rate, as from a camera, and pass through stages that work at the same time, with a bounded queue before each."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from redmobile.bench.clock import Crew
from redmobile.bench.plan import Policy
from redmobile.core.documents import Document

Progress = Callable[[int, int], None]
"""(arrived, all) → None."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """One step of a frame's way. work: (number of the frame, what the stage before made of it) → what this one makes of it.

    The first stage is given None.
    """

    name: str
    work: Callable[[int, Any], Any]


class FrameTimes(Document):
    """One finished frame.

    number: from 0 in the order of arrival; waits_ms: before each stage, the first from the frame's arrival; stages_ms: in each
    stage; latency_ms: from its arrival until it was finished.
    """

    number: int
    waits_ms: tuple[float, ...]
    stages_ms: tuple[float, ...]
    latency_ms: float


@dataclasses.dataclass(frozen=True)
class Stream:
    """What became of all frames. frames: in the order in which they were finished, which is that of their arrival.

    drops: number of a frame and the stage it waited for, in the order in which they were dropped. cpu_ns: processor time of each
    stage's own worker (engines have threads of their own besides).
    """

    frames: list[FrameTimes]
    drops: list[tuple[int, str]]
    cpu_ns: list[int]


@dataclasses.dataclass(frozen=True)
class Arrivals:
    """Frame k arrives at k / fps seconds. offered: how many do."""

    fps: float
    offered: int

    def after_ns(self, number: int) -> int:
        """When frame `number` arrives, since the first did."""
        return round(number * 1e9 / self.fps)


def run(stages: Sequence[Stage], arrivals: Arrivals, queue: int, policy: Policy, crew: Crew, on_progress: Progress | None = None) -> Stream:
    """Let frames arrive and pass through `stages`, each a worker of `crew`; at most `queue` frames wait before each.

    A frame that finds the queue full: with 'drop-oldest' it takes the place of the one that has waited longest, which is dropped;
    with 'block' the stage before it (at the beginning: the camera) stands still until there is room, so that nothing is lost, and
    frames are late instead. A frame's latency counts from when it should have arrived. The last frame is always finished.
    Raises what a stage raises; the other stages then stop.
    """
    line = _Line(stages, arrivals, queue, policy, crew, on_progress)
    crew.run([line.arrive, *(line.worker(place) for place in range(len(stages)))])
    return Stream(line.finished, line.drops, line.cpu_ns)


@dataclasses.dataclass
class _Frame:
    """A frame on its way. ready_ns: when it came into the queue it is in; arrival_ns: when it should have arrived."""

    number: int
    arrival_ns: int
    ready_ns: int
    content: Any = None
    waits_ns: list[int] = dataclasses.field(default_factory=list)
    stages_ns: list[int] = dataclasses.field(default_factory=list)


class _Line:
    """The queues and what happens at them. Everything that workers share is touched with the crew's lock held."""

    def __init__(self, stages: Sequence[Stage], arrivals: Arrivals, queue: int, policy: Policy, crew: Crew, on_progress: Progress | None) -> None:
        self._stages = stages
        self._arrivals = arrivals
        self._room = queue
        self._policy = policy
        self._crew = crew
        self._on_progress = on_progress
        self._queues: list[collections.deque[_Frame]] = [collections.deque() for _ in stages]
        self._closed = [False] * len(stages)
        self.finished: list[FrameTimes] = []
        self.drops: list[tuple[int, str]] = []
        self.cpu_ns = [0] * len(stages)
        self._stopped = False

    def arrive(self) -> None:
        """The camera's work: put each frame before the first stage when its time has come."""
        began = self._crew.now_ns()
        for number in range(self._arrivals.offered):
            arrival = began + self._arrivals.after_ns(number)
            self._crew.sleep_until_ns(arrival)
            with self._crew.lock():
                if self._stopped:
                    break
                self._put(0, _Frame(number, arrival, arrival))
            if self._on_progress:
                self._on_progress(number + 1, self._arrivals.offered)
        self._close(0)

    def worker(self, place: int) -> Callable[[], None]:
        """The work of the stage at `place`: frame after frame, until no more can come."""

        def work() -> None:
            began = self._crew.cpu_ns()
            well = False
            try:
                while (frame := self._take(place)) is not None:
                    self._one(place, frame)
                well = True
            finally:
                self.cpu_ns[place] = self._crew.cpu_ns() - began
                self._end(place, well=well)

        return work

    def _one(self, place: int, frame: _Frame) -> None:
        began = self._crew.now_ns()
        frame.waits_ns.append(max(0, began - frame.ready_ns))
        frame.content = self._stages[place].work(frame.number, frame.content)
        ended = self._crew.now_ns()
        frame.stages_ns.append(ended - began)
        frame.ready_ns = ended
        with self._crew.lock():
            if place + 1 < len(self._stages):
                self._put(place + 1, frame)
            else:
                self.finished.append(_times(frame))

    def _put(self, place: int, frame: _Frame) -> None:
        queue = self._queues[place]
        while len(queue) >= self._room and not self._stopped:
            if self._policy == "drop-oldest":
                self.drops.append((queue.popleft().number, self._stages[place].name))
            else:
                self._crew.wait()
        queue.append(frame)
        self._crew.notify()

    def _take(self, place: int) -> _Frame | None:
        """The next frame for the stage at `place`; None if none will come."""
        with self._crew.lock():
            queue = self._queues[place]
            while not queue and not self._closed[place] and not self._stopped:
                self._crew.wait()
            if not queue or self._stopped:
                return None
            frame = queue.popleft()
            self._crew.notify()
            return frame

    def _end(self, place: int, *, well: bool) -> None:
        """The stage at `place` will finish no more frames."""
        if not well:
            with self._crew.lock():
                self._stopped = True
                self._crew.notify()
        if place + 1 < len(self._stages):
            self._close(place + 1)

    def _close(self, place: int) -> None:
        with self._crew.lock():
            self._closed[place] = True
            self._crew.notify()


def _times(frame: _Frame) -> FrameTimes:
    return FrameTimes(
        number=frame.number,
        waits_ms=tuple(wait / 1e6 for wait in frame.waits_ns),
        stages_ms=tuple(stage / 1e6 for stage in frame.stages_ns),
        latency_ms=(frame.ready_ns - frame.arrival_ns) / 1e6,
    )
