"""A time limit for work in a session."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from streamops_nb.db import Session
from streamops_nb.model.errors import Interrupted

__all__ = ["limited"]


@contextmanager
def limited(session: Session, seconds: float) -> Iterator[None]:
    """Interrupt what runs in a session after so many seconds, again and again until it ends.

    One interruption is not enough: DuckDB swallows it while it folds a constant.

    Raises
    ------
    Interrupted
        If the time was up, even if the work then came to its end.
    """
    done, late = threading.Event(), threading.Event()

    def watch() -> None:
        wait = seconds
        while not done.wait(wait):
            late.set()
            session.interrupt()
            wait = 0.05

    thread = threading.Thread(target=watch, name="patience", daemon=True)
    try:
        thread.start()  # inside: a cell may be interrupted while it waits for the thread to begin
        yield
    finally:
        done.set()
        if thread.is_alive():
            thread.join()
    if late.is_set():
        raise Interrupted("the time was up")
