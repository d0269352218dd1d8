"""Copies the facts that batches committed in their job's file to the catalog."""

from __future__ import annotations

import threading
from typing import Any

from streamops_nb.backends.local import LocalBackend
from streamops_nb.db import Instance
from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.model.events import from_json
from streamops_nb.store.catalog import Catalog

__all__ = ["Courier"]

_EVERY = 1.0
"""Seconds between two deliveries: one transaction of the catalog for all jobs together."""


class Courier:
    """Delivers facts now and then; what it had not delivered at a crash it finds in the files."""

    def __init__(self, catalog: Catalog, instance: Instance, backend: LocalBackend) -> None:
        self._catalog = catalog
        self._instance = instance
        self._backend = backend
        self._held: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._delivering = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._deliver_often, name="courier", daemon=True)
        self._thread.start()

    def take(self, job: str, facts: list[dict[str, Any]]) -> None:
        """Take facts that were committed."""
        del job
        with self._lock:
            self._held.extend(facts)

    def deliver(self) -> None:
        """Write all that is held to the catalog."""
        with self._delivering:
            with self._lock:
                held, self._held = self._held, []
            if held:
                self._catalog.append([from_json(fact) for fact in held])

    def catch_up(self, job: str) -> None:
        """Copy what a job's file holds and the catalog does not, then trim the file."""
        session = self._instance.session()
        try:
            file = JobFile(session, self._backend.attach_job(job))
            file.open()
            seen = 0
            for n, facts in file.take_facts(after=0):
                self._catalog.append([from_json(fact) for fact in facts])
                seen = n
            file.forget(seen)
        finally:
            session.close()

    def _deliver_often(self) -> None:
        while not self._over.wait(_EVERY):
            self.deliver()

    def close(self) -> None:
        """Deliver the rest."""
        self._over.set()
        self._thread.join()
        self.deliver()
