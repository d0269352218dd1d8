"""A preview that is going on, and how it is cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from streamops_nb.model.errors import Interrupted

__all__ = ["Interruptible", "Work"]

_PATIENCE, _AGAIN = 5.0, 0.05
"""Seconds for which `Work.cancel` waits, and between two interruptions."""


class Interruptible(Protocol):
    """What `Work.cancel` stops: a session, or a call to the process that has one."""

    def interrupt(self) -> None:
        """Stop what goes on; may be called from any thread."""


class Work:
    """A preview that is going on - drawn, then run - so that another thread can cancel it."""

    def __init__(self) -> None:
        self._session: Interruptible | None = None
        self._cancelled = False
        self._over = threading.Event()
        self._lock = threading.Lock()

    def cancel(self) -> None:
        """Stop it; `draw` or `Previewer.run` then raises `Interrupted`.

        One interruption is not enough: DuckDB swallows it while it folds a constant, and a preview
        is many statements. It returns when the preview has ended, or after a few seconds.
        """
        until = time.monotonic() + _PATIENCE
        self._cancelled = True
        while self._interrupt() and time.monotonic() < until:
            self._over.wait(_AGAIN)

    @property
    def cancelled(self) -> bool:
        """Whether it was."""
        return self._cancelled

    def _interrupt(self) -> bool:
        with self._lock:
            if self._session is None:
                return False
            self._session.interrupt()
            return True

    @contextmanager
    def going_on(self, session: Interruptible) -> Iterator[None]:
        """Let `cancel` interrupt this session during the block."""
        with self._lock:
            self._session = session
        self._over.clear()
        try:
            self.check()
            yield
            self.check()
        finally:
            with self._lock:
                self._session = None
            self._over.set()

    def check(self) -> None:
        """Raise `Interrupted` if it was cancelled."""
        if self._cancelled:
            raise Interrupted("the preview was cancelled")
