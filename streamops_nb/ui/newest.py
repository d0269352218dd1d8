"""Of requests that come faster than they can be answered, the newest is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from streamops_nb.engine.preview.work import Work
from streamops_nb.model.errors import Interrupted

__all__ = ["Newest"]

T = TypeVar("T")
R = TypeVar("R")


class Newest(Generic[T, R]):
    """Answers requests on a thread of its own, which ends when there are none.

    A request that came while another was answered waits; of several that wait only the newest is
    answered. Work that goes on longer than `patience` when a newer one waits is cancelled: so a
    slider that is dragged shows results as it goes where they are fast, and is never behind by
    more than `patience` where they are slow.

    Parameters
    ----------
    answer
        Called with a request and the means to cancel it.
    shown
        Takes each answer, on that thread, one after the other.
    failed
        Takes what `answer` or `shown` raised, cancelling apart.
    quiet
        Seconds to wait for a newer request before one is answered.
    """

    def __init__(
        self,
        answer: Callable[[T, Work], R],
        shown: Callable[[R], None],
        failed: Callable[[Exception], None],
        *,
        quiet: float = 0.02,
        patience: float = 0.1,
    ) -> None:
        self._answer = answer
        self._shown = shown
        self._failed = failed
        self._quiet = quiet
        self._patience = patience
        self._lock = threading.Condition()
        self._waiting: list[T] = []
        self._work: Work | None = None
        self._begun = 0.0
        self._limited = False
        self._thread: threading.Thread | None = None

    def ask(self, request: T) -> None:
        """Ask for an answer; returns at once."""
        with self._lock:
            self._waiting = [request]
            if self._thread is None:
                self._thread = threading.Thread(target=self._go_on, name="newest", daemon=True)
                self._thread.start()
            elif self._work is not None and not self._limited:
                self._limited = True
                left = self._begun + self._patience - time.monotonic()
                timer = threading.Timer(max(0.0, left), self._work.cancel)
                timer.daemon = True
                timer.start()

    def drop(self) -> None:
        """Answer nothing that was asked so far."""
        with self._lock:
            self._waiting = []
            if self._work is not None:
                self._work.cancel()

    def settle(self, seconds: float) -> bool:
        """Wait until everything is answered; say whether it is."""
        with self._lock:
            return self._lock.wait_for(lambda: self._thread is None, seconds)

    def _go_on(self) -> None:
        while True:
            time.sleep(self._quiet)
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    self._lock.notify_all()
                    return
                request = self._waiting.pop()
                work = self._work = Work()
                self._begun, self._limited = time.monotonic(), False
            self._one(request, work)
            with self._lock:
                self._work = None

    def _one(self, request: T, work: Work) -> None:
        try:
            found = self._answer(request, work)
            work.check()
            self._shown(found)
        except Interrupted:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the person must see it
            self._failed(error)
