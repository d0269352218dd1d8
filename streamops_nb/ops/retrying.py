"""Starts that nobody waits for are tried again: after a reboot brokers may come up late."""

from __future__ import annotations

import threading
from collections.abc import Callable

from streamops_nb.engine.runner import Trouble
from streamops_nb.model.errors import StreamopsError
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.core import Core

__all__ = ["Retrying"]


class Retrying:
    """Which starts are tried again, and when; the back-off is that of the jobs' batches.

    Parameters
    ----------
    begin
        Begins a job's run once more.
    """

    def __init__(self, core: Core, begin: Callable[[str], object]) -> None:
        self._core = core
        self._begin = begin
        self._due: dict[str, tuple[int, float]] = {}
        self._threads: dict[str, threading.Thread] = {}

    def later(self, name: str, error: StreamopsError) -> bool:
        """Try a start again later if what failed may pass; say whether it will be."""
        attempt = self._due.pop(name, (0, 0.0))[0] + 1
        retries = self._core.spec(name, self._core.catalog.job(name).ran or None).errors.retries
        wait = retries.wait(attempt) if error.retryable else None
        if wait is None:
            return False
        self._core.states.troubled(
            name,
            Trouble(
                error=error,
                batch=self._core.states.view(name).batch + 1,
                spans={},
                attempt=attempt,
                again_in=wait,
                trace="",
            ),
        )
        self._due[name] = (attempt, self._core.now() + wait)
        return True

    def look(self) -> None:
        """Try those that are due, each on a thread of its own: a source may answer after long."""
        waiting = self._core.states.within({Status.RETRYING})
        for name in list(self._due):
            if self._goes_on(name):
                continue  # only now its next time is read: an attempt that ends sets it
            _, at = self._due.get(name, (0, float("inf")))
            if name not in waiting:  # it was paused or stopped, or reached its limit
                self._due.pop(name, None)
            elif at <= self._core.now():
                self._threads[name] = threading.Thread(
                    target=self._begin, args=(name,), name=f"start of {name}", daemon=True
                )
                self._threads[name].start()

    def _goes_on(self, name: str) -> bool:
        thread = self._threads.get(name)
        return thread is not None and thread.is_alive()

    def begun(self, name: str) -> None:
        """Forget a start that has come about."""
        self._due.pop(name, None)

    def close(self) -> None:
        """Wait for those that are just being tried."""
        for thread in list(self._threads.values()):
            thread.join()
