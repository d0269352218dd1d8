"""Looks after what time does to jobs: limits that pass, pauses that end soon, clocks that jump."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime

from streamops_nb.model.errors import StreamopsError
from streamops_nb.model.events import Noted
from streamops_nb.model.lifecycle import TRANSITIONAL, JobState, Status
from streamops_nb.ops.core import Core
from streamops_nb.ops.operations import Operations

__all__ = ["Keeper", "steady"]

_EVERY = 1.0
"""Seconds between two looks."""

_SOON = 3600.0
"""A pause that ends within so many seconds is warned of; a quarter of it, if it is a short one."""

_ENDS = "pause ends soon"
_NOTES = 100
"""Among so many of a job's newest notes the warning is looked for: a clock may jump often."""

_JUMP = 60.0
"""The clock has jumped when it went this much faster or slower than time did, seconds."""

_LIMITED = TRANSITIONAL | {Status.PAUSED}


def steady(now: Callable[[], float]) -> Callable[[], float]:
    """Give a clock that does not jump, in seconds, beside the wall clock `now`.

    It goes on while the machine sleeps. A clock that is not the machine's own (in tests) never
    jumps.
    """
    if now is time.time and hasattr(time, "CLOCK_BOOTTIME"):
        return lambda: time.clock_gettime(time.CLOCK_BOOTTIME)
    return now


class Keeper:
    """Applies time limits once a second, on a thread of its own.

    Parameters
    ----------
    looks
        What else is looked at each time.
    """

    def __init__(
        self, core: Core, operations: Operations, looks: Iterable[Callable[[], None]] = ()
    ) -> None:
        self._core = core
        self._operations = operations
        self._looks = tuple(looks)
        self._steady = steady(core.now)
        self._last = (core.now(), self._steady())
        self._over = threading.Event()
        self._looking = threading.Lock()
        self._thread = threading.Thread(target=self._look_often, name="keeper", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Look at once."""
        with self._looking:
            self._mind_jumps()
            for name, state in self._core.states.within(_LIMITED).items():
                self._look_at(name, state)
            for look in self._looks:
                look()

    def _look_at(self, name: str, state: JobState) -> None:
        if state.observed is Status.STARTING and name not in self._core.backend.leaving:
            return  # it is left as it was found (`resume=False`): nobody is starting it
        limits = self._operations.limits(name)
        left = state.remaining(self._core.now(), limits)
        if left == 0.0:
            self._operations.expire(name)
        elif state.observed is Status.PAUSED and left is not None:
            limit = limits[Status.PAUSED].seconds
            if left <= min(_SOON, limit / 4):
                self._warn(name, state, self._core.now() + left)

    def _warn(self, name: str, state: JobState, ends: float) -> None:
        """Warn of the end of a pause, once for each pause."""
        noted = self._core.catalog.events(name, kinds=[Noted], newest=True, limit=_NOTES).events
        if any(isinstance(e, Noted) and e.what == _ENDS and e.at >= state.since for e in noted):
            return
        until = datetime.fromtimestamp(ends, UTC).isoformat(sep=" ", timespec="seconds")
        message = (
            f"the pause ends at {until}: the job is stopped then, its window state is dropped"
            " - start it before that to go on from where it was paused"
        )
        now = self._core.now()
        self._core.states.note(Noted(job=name, at=now, what=_ENDS, message=message))

    def _mind_jumps(self) -> None:
        """A wall clock that was set anew ends no pause, and prolongs none."""
        now, passed = self._core.now(), self._steady()
        jump = (now - self._last[0]) - (passed - self._last[1])
        self._last = (now, passed)
        if abs(jump) < _JUMP:
            return
        names = self._core.states.within(_LIMITED)
        self._core.states.shift(names, jump)
        message = f"the clock was set {'forward' if jump > 0 else 'back'} by {abs(jump):.0f} s"
        self._core.states.note(
            *(Noted(job=name, at=now, what="clock jumped", message=message) for name in names)
        )

    def _look_often(self) -> None:
        while not self._over.wait(_EVERY):
            # a full disk, for example: limits are applied later
            with suppress(StreamopsError):
                self.look()

    def close(self) -> None:
        """End the thread."""
        self._over.set()
        self._thread.join()
