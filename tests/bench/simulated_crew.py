"""Workers in a world whose time only moves when every one of them waits: real threads, one at a time, always in the same order."""

import contextlib
import heapq
import itertools
import threading


class SimulatedCrew:
    """Implements bench.clock.Crew. `pass_ms` is work: the worker is busy for that long, the others go on meanwhile."""

    def __init__(self):
        self._ns = 7_000_000_000
        self._ready = []
        self._timers = []
        self._waiting = []
        self._number = itertools.count()
        self._here = threading.local()
        self._left = 0
        self._over = threading.Event()
        self._errors = []

    def now_ns(self):
        """See Clock."""
        return self._ns

    def sleep_until_ns(self, moment_ns):
        """See Clock."""
        if moment_ns > self._ns:
            heapq.heappush(self._timers, (moment_ns, next(self._number), self._here.turn))
            self._hand_over()

    def pass_ms(self, milliseconds):
        """Be busy."""
        self._here.cpu = self.cpu_ns() + round(milliseconds * 1e6)
        self.sleep_until_ns(self._ns + round(milliseconds * 1e6))

    def cpu_ns(self):
        """See Crew."""
        return getattr(self._here, "cpu", 0)

    def lock(self):
        """See Crew: only one worker runs at a time as it is."""
        return contextlib.nullcontext()

    def wait(self):
        """See Crew."""
        self._waiting.append(self._here.turn)
        self._hand_over()

    def notify(self):
        """See Crew."""
        self._ready += self._waiting
        self._waiting = []

    def run(self, jobs):
        """See Crew."""
        self._left = len(jobs)
        turns = [threading.Semaphore(0) for _ in jobs]
        threads = [threading.Thread(target=self._work, args=pair) for pair in zip(jobs, turns, strict=True)]
        self._ready = list(turns)
        for thread in threads:
            thread.start()
        self._next().release()
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _work(self, job, turn):
        self._here.turn = turn
        turn.acquire()
        try:
            job()
        except Exception as error:  # noqa: BLE001 - handed to who called run
            self._errors.append(error)
        self._left -= 1
        if self._left:
            self._next().release()

    def _hand_over(self):
        mine = self._here.turn
        self._next().release()
        mine.acquire()

    def _next(self):
        if self._ready:
            return self._ready.pop(0)
        assert self._timers, "every worker waits for another: deadlock"
        self._ns, _, turn = heapq.heappop(self._timers)
        return turn
