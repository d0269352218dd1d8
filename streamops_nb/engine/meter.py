"""What work costs: CPU time, also that of threads that work for several at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Meter", "Work"]

_TASKS = Path("/proc/self/task")

_LISTED_EVERY = 1.0
"""Seconds between two looks at which threads there are: a look takes 30 µs, a clock 0.5 µs."""

_SINGLE = "rdk:"
"""How the threads of Kafka clients are named. They help one job each, and an idle client has four:
with the clocks of all of them, a step among 50 idle Kafka jobs cost 0.5 ms instead of 0.1."""


@dataclass(slots=True)
class Work:
    """What a piece of work has cost, in CPU seconds; 0 until it has ended."""

    seconds: float = 0.0


class Meter:
    """Measures pieces of work, some of which go on at the same time; thread-safe.

    A piece costs the CPU time of its own thread and its part of what all helping threads do
    meanwhile: in each moment that is divided equally among the pieces that go on. Without the
    second, a job that runs alone, and is helped by all of DuckDB's threads, seems to work a fifth
    less than beside another.

    Parameters
    ----------
    own
        CPU seconds of the calling thread.
    helping
        CPU seconds of the threads that help all; those of this process that are not Python's.
    """

    def __init__(
        self,
        own: Callable[[], float] = time.thread_time,
        helping: Callable[[], float] | None = None,
    ) -> None:
        self._own = own
        self._helping = helping or _Helping()
        self._lock = threading.Lock()
        self._going_on = 0
        self._helped = 0.0
        self._each = 0.0  # what a piece that always went on would have been helped

    @contextmanager
    def measure(self) -> Iterator[Work]:
        """Measure what is done inside, on this thread."""
        work = Work()
        each, own = self._count(1), self._own()
        try:
            yield work
        finally:
            own = self._own() - own
            work.seconds = own + self._count(-1) - each

    def _count(self, more: int) -> float:
        with self._lock:
            helped = self._helping()
            if self._going_on:
                self._each += max(0.0, helped - self._helped) / self._going_on
            self._helped = helped
            self._going_on += more
            return self._each


class _Helping:
    """CPU time of the threads that are not Python's, where the system tells it (Linux)."""

    def __init__(self) -> None:
        self._clocks: dict[int, float] = {}  # what each had worked when it was last looked at
        self._single: set[int] = set()
        self._total = 0.0
        self._look_at = 0.0

    def __call__(self) -> float:
        if time.monotonic() >= self._look_at:
            self._look()
        for thread, before in list(self._clocks.items()):
            try:
                self._clocks[thread] = now = time.clock_gettime(_clock_of(thread))
                self._total += now - before
            except OSError:  # it has ended
                del self._clocks[thread]
        return self._total

    def _look(self) -> None:
        """Take up new threads; what they did before does not count."""
        self._look_at = time.monotonic() + _LISTED_EVERY
        with suppress(OSError):
            ours = {thread.native_id for thread in threading.enumerate()}
            there = {int(task.name) for task in _TASKS.iterdir()} - ours
            self._single &= there
            for thread in there - self._clocks.keys() - self._single:
                if (_TASKS / str(thread) / "comm").read_text().startswith(_SINGLE):
                    self._single.add(thread)
                else:
                    self._clocks[thread] = time.clock_gettime(_clock_of(thread))
            for thread in self._clocks.keys() - there:
                del self._clocks[thread]


def _clock_of(thread: int) -> int:
    """The number of a thread's CPU clock, as Linux counts them."""
    return (~thread << 3) | 6
