"""What is known of each job: its state and view, changed by people's actions and engine's reports.

Every change is an event; an event is kept in the catalog (by the courier, if it comes from a
job's own file) and folded into the job's view, here and nowhere else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from streamops_nb.engine.runner import Trouble
from streamops_nb.model.errors import StorageError, StreamopsError
from streamops_nb.model.events import (
    ActionTaken,
    ErrorRaised,
    Event,
    RunEnded,
    StatusChanged,
    from_json,
)
from streamops_nb.model.lifecycle import Action, JobState, Status
from streamops_nb.model.views import JobView, fold, fold_all
from streamops_nb.ops.courier import Courier
from streamops_nb.store.catalog import Catalog

__all__ = ["States"]

_KEPT_IN_VIEW = 5_000
"""So many of a job's newest events make its view when a workspace is opened."""


class States:
    """States and views of all jobs; thread-safe. Also the listener of the backend.

    Parameters
    ----------
    now
        The clock, seconds since the epoch.
    """

    def __init__(self, catalog: Catalog, courier: Courier, now: Callable[[], float]) -> None:
        self._catalog = catalog
        self._courier = courier
        self._now = now
        self._lock = threading.RLock()
        self._views: dict[str, JobView] = {}

    def view(self, name: str) -> JobView:
        """The present picture of a job."""
        return self._views[name]

    @property
    def names(self) -> list[str]:
        """All jobs."""
        return sorted(self._views)

    def load(self, name: str) -> JobState:
        """Take a job over from the owner before, who may have died; return its state."""
        kept = self._catalog.events(name, limit=_KEPT_IN_VIEW, newest=True).events
        self._views[name] = fold_all(JobView(job=name), kept)
        return self._change(name, lambda before: before.after_death(self._now()))

    def act(self, name: str, action: Action, who: str) -> JobState:
        """Do what a person asked for; `MoveRefused` if the status does not allow it."""
        now = self._now()
        taken = ActionTaken(job=name, at=now, who=who, action=action.value)
        return self._change(name, lambda before: before.act(action, now), taken)

    def note(self, event: Event) -> None:
        """Keep an event."""
        with self._lock:
            self._catalog.append([event])
            view = self._views.get(event.job) or JobView(job=event.job)
            self._views[event.job] = fold(view, event)

    def ended(self, job: str, status: Status, reason: str = "") -> None:
        """Note that a run is over."""
        run = self._views[job].run
        self.note(RunEnded(job=job, at=self._now(), run=run, status=status, reason=reason))
        self._report(job, status, reason)

    def not_started(self, job: str, error: StreamopsError) -> None:
        """Note that a run could not even begin."""
        run = self._views[job].run
        kind, message = type(error).__name__, str(error)
        self.note(
            ErrorRaised(job=job, run=run, at=self._now(), stage="", kind=kind, message=message)
        )
        self.failed(job, error)

    # the backend's reports

    def started(self, job: str) -> None:
        """See `Listener.started`."""
        self._report(job, Status.RUNNING)

    def committed(self, job: str, facts: list[dict[str, Any]]) -> None:
        """See `Listener.committed`."""
        with self._lock:
            events = [from_json(fact) for fact in facts]
            self._views[job] = fold_all(self._views[job], events)
            if self._views[job].status is Status.RETRYING:
                self._report(job, Status.RUNNING)
        self._courier.take(events)

    def troubled(self, job: str, trouble: Trouble) -> None:
        """See `Listener.troubled`."""
        error = trouble.error
        raised = ErrorRaised(
            job=job,
            run=self._views[job].run,
            at=self._now(),
            stage="",
            kind=type(error).__name__,
            message=str(error),
            batch=trouble.batch,
            retryable=trouble.again_in is not None,
            attempt=trouble.attempt,
            trace=trouble.trace,
        )
        with self._lock:
            self._views[job] = fold(self._views[job], raised)
        self._courier.take([raised])
        if trouble.again_in is not None and self._views[job].status is Status.RUNNING:
            reason = f"attempt {trouble.attempt}, again in {trouble.again_in:.3g} s: {error}"
            # the trouble may be a disk so full that not even this can be written; the job goes on
            with suppress(StorageError):
                self._report(job, Status.RETRYING, reason)

    def finished(self, job: str) -> None:
        """See `Listener.finished`."""
        self.ended(job, Status.FINISHED, "all streams have ended")

    def failed(self, job: str, error: BaseException) -> None:
        """See `Listener.failed`."""
        self.ended(job, Status.FAILED, str(error))

    def _report(self, job: str, status: Status, reason: str = "") -> None:
        self._change(job, lambda before: before.report(status, self._now(), reason))

    def _change(self, name: str, how: Callable[[JobState], JobState], *first: Event) -> JobState:
        """Change a job's state, and note what it was and is if its status changed."""
        told: list[Event] = []

        def facts(before: JobState, after: JobState) -> list[Event]:
            told.extend(first)
            if before.observed is not after.observed:
                told.append(
                    StatusChanged(
                        job=name,
                        at=self._now(),
                        run=self._views[name].run,
                        before=before.observed,
                        after=after.observed,
                        reason=after.reason,
                    )
                )
            return told

        with self._lock:
            state = self._catalog.change(name, how, facts)
            self._views[name] = fold_all(self._views[name], told)
        return state
