"""A clock that stands still until a test moves it."""

from __future__ import annotations

import math
import threading

__all__ = ["FakeClock"]

_LOOK = 0.001
"""Seconds of real time between two looks at an event that somebody waits for."""


class FakeClock:
    """A `streamops_nb.engine.clock.Clock` whose time passes only by `advance`.

    Parameters
    ----------
    start
        The wall time at which it stands, in seconds since the epoch.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._start = start
        self._passed = 0.0
        self._waits: list[tuple[threading.Event, float]] = []
        self._moved = threading.Condition()

    def now(self) -> float:
        """Wall time, in seconds since the epoch."""
        return self._start + self.monotonic()

    def monotonic(self) -> float:
        """Seconds by which the clock was advanced."""
        with self._moved:
            return self._passed

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Wait until `event` is set or the clock was advanced by `seconds`."""
        with self._moved:
            until = math.inf if seconds is None else self._passed + max(seconds, 0.0)
            wait = (event, until)
            self._waits.append(wait)
            self._moved.notify_all()
            # an event cannot wake this condition, so it is looked at every millisecond
            while self._lasts(wait):
                self._moved.wait(_LOOK)
            self._waits.remove(wait)
        return event.is_set()

    def _lasts(self, wait: tuple[threading.Event, float]) -> bool:
        event, until = wait
        return not event.is_set() and self._passed < until

    def advance(self, seconds: float) -> None:
        """Let time pass; those whose wait has ended go on."""
        if seconds < 0:
            raise ValueError(f"time does not go back ({seconds} s)")
        with self._moved:
            self._passed += seconds
            self._moved.notify_all()

    def until_waiting(self, threads: int = 1, *, patience: float = 10.0) -> None:
        """Block until so many threads wait on this clock, for at most `patience` real seconds."""
        with self._moved:
            if not self._moved.wait_for(lambda: self._waiting() >= threads, patience):
                text = f"{self._waiting()} of {threads} threads wait after {patience} s"
                raise TimeoutError(text)

    def _waiting(self) -> int:
        return sum(self._lasts(wait) for wait in self._waits)
