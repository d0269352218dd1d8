"""The engine's only sources of time; tests hand in one that they move themselves."""

from __future__ import annotations

import threading
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """What time it is, and waiting. All methods may be called from any thread."""

    def now(self) -> float:
        """Wall time, in seconds since the epoch; it may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back. Durations are measured with it."""
        ...

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Wait until `event` is set, at most `seconds` (None: for ever); say whether it is set."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Wall time, in seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Wait until `event` is set, at most `seconds` (None: for ever); say whether it is set."""
        if seconds is not None:
            # the longest wait that the platform's locks take; callers wait again
            seconds = min(max(seconds, 0.0), threading.TIMEOUT_MAX)
        return event.wait(seconds)
