"""Copies the facts that batches committed in their job's file to the catalog."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.model.errors import StreamopsError
from streamops_nb.model.events import BatchCommitted, ErrorRaised, Event, from_json
from streamops_nb.model.fingerprint import fingerprint
from streamops_nb.model.rollup import rolled
from streamops_nb.store.catalog import Catalog

__all__ = ["Courier"]

_EVERY = 1.0
"""Seconds between two deliveries: one transaction of the catalog for all jobs together."""

_KINDS = 100
"""So many kinds of errors are told apart in one delivery, however many there are."""

_TRACE = 8_000
"""Characters of a traceback that are kept, the last ones."""

_TRACES_EVERY = 3600.0
"""Seconds between two tracebacks of equal errors."""


class Courier:
    """Delivers facts now and then; what it had not delivered at a crash it finds in the files."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._held: list[Event | dict[str, Any]] = []
        self._places: dict[str, int] = {}
        self._traces: dict[str, float] = {}
        self._delivered: dict[str, int] = {}
        self._lock = threading.Lock()
        self._delivering = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._deliver_often, name="courier", daemon=True)
        self._thread.start()

    def take_facts(self, facts: Iterable[dict[str, Any]]) -> None:
        """Take facts that were committed, as JSON: they are read when they are delivered."""
        with self._lock:
            self._held += facts

    def take(self, errors: Iterable[ErrorRaised]) -> None:
        """Take errors that no batch committed; equal ones of one delivery become one."""
        with self._lock:
            for error in errors:
                self._take_error(error)

    def _take_error(self, event: ErrorRaised) -> None:
        alike = fingerprint(event)
        if alike not in self._places and len(self._places) >= _KINDS:
            alike = event.job
            message = f"more than {_KINDS} kinds of errors at once, among them: {event.message}"
            event = replace(event, stage="", kind="ManyKinds", message=message, trace="")
        place = self._places.get(alike)
        if place is None:
            self._places[alike] = len(self._held)
            self._held.append(self._traced(alike, event))
        else:
            first = self._held[place]
            assert isinstance(first, ErrorRaised)
            # of the many kinds each has words of its own: those of the first are told
            again = replace(event, stage=first.stage, kind=first.kind, message=first.message)
            self._held[place] = rolled([first, again])[0][0]

    def _traced(self, alike: str, event: ErrorRaised) -> ErrorRaised:
        """Keep one trace of equal errors an hour, and not all of a very long one."""
        last = self._traces.get(alike, float("-inf"))
        if event.trace and event.at - last >= _TRACES_EVERY:
            if len(self._traces) >= 10 * _KINDS:
                self._traces.clear()
            self._traces[alike] = event.at
            return replace(event, trace=event.trace[-_TRACE:])
        return replace(event, trace="") if event.trace else event

    def deliver(self, *, wait: bool = True) -> bool:
        """Write all that is held to the catalog.

        Parameters
        ----------
        wait
            For somebody who delivers at this moment, or holds deliveries back.

        Returns
        -------
        bool
            Whether it was done.
        """
        if not self._delivering.acquire(blocking=wait):
            return False
        try:
            self._deliver()
        finally:
            self._delivering.release()
        return True

    def _deliver(self) -> None:
        with self._lock:
            held, self._held = self._held, []
            self._places.clear()
        events = [from_json(one) if isinstance(one, dict) else one for one in held]
        try:
            if events:
                self._catalog.append(events)
        except StreamopsError:
            with self._lock:
                self._held = [*events, *self._held]
                self._places.clear()
            raise
        for event in events:
            if isinstance(event, BatchCommitted):
                self._delivered[event.job] = event.n

    @contextmanager
    def held(self) -> Iterator[None]:
        """Deliver what there is, then nothing for a while: no job's file forgets what it told."""
        self.deliver()
        with self._delivering:
            yield

    def delivered(self, job: str) -> int:
        """The last batch whose facts the catalog has, so that the job's file may forget them."""
        return self._delivered.get(job, 0)

    def forget(self, job: str) -> None:
        """Forget a job that was deleted: the batches of another by its name begin at 1 again."""
        self._delivered.pop(job, None)

    def catch_up(self, file: JobFile) -> int:
        """Copy what a job's file holds and the catalog does not, then trim the file.

        Returns
        -------
        int
            The number of the job's last fact, 0 if the file holds nothing.
        """
        seq = file.open().seq
        seen = 0
        for n, facts in file.take_facts(after=0):
            self._catalog.append([from_json(fact) for fact in facts])
            seen = n
        file.forget(seen)
        return seq

    def _deliver_often(self) -> None:
        while not self._over.wait(_EVERY):
            # a full disk, for example: what is held is delivered later
            with suppress(StreamopsError):
                self.deliver()

    def close(self) -> None:
        """Deliver the rest."""
        self._over.set()
        self._thread.join()
        self.deliver()
