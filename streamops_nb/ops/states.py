"""What is known of each job: its state and view, changed by people's actions and engine's reports.

Every change is an event; an event is kept in the catalog (by the courier, if it comes from a
job's own file) and folded into the job's view, here and nowhere else.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from streamops_nb.engine.runner import Trouble
from streamops_nb.model.errors import StorageError, StreamopsError
from streamops_nb.model.events import (
    ActionTaken,
    ErrorRaised,
    Event,
    JobSaved,
    Noted,
    RunEnded,
    StatusChanged,
    from_json,
)
from streamops_nb.model.kept_view import view_to_json
from streamops_nb.model.lifecycle import ACTIVE, Action, JobState, Status, TimeLimit
from streamops_nb.model.views import JobView, fold, fold_all
from streamops_nb.ops.courier import Courier
from streamops_nb.ops.recalling import recall
from streamops_nb.store.catalog import Catalog

__all__ = ["States"]

_WAITS = "it begins when a process next owns the workspace to run its jobs"

_AT_ONCE = 10
"""Views that are kept in one transaction, about 1 ms each."""

_UNFOLDED = 64
"""Batches whose facts wait to be folded, until somebody looks. Folded one by one between batches of
100,000 rows they cost 0.17 ms each, on the thread that runs the job; together 0.04 ms."""


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
        self._states = {record.name: record.state for record in catalog.jobs()}
        self._views: dict[str, JobView] = {}
        self._folded: Counter[str] = Counter()
        self._unfolded: list[tuple[str, list[dict[str, Any]]]] = []

    def state(self, name: str) -> JobState:
        """What was commanded and reported last."""
        return self._states[name]

    def view(self, name: str) -> JobView:
        """The present picture of a job."""
        self._fold()
        found = self._views.get(name)
        if found is not None:
            return found
        self.recall([name])
        return self._views[name]

    def views(self) -> list[JobView]:
        """The present pictures of all jobs, by name."""
        names = self.names
        self._fold()
        self.recall(names)
        found = (self._views.get(name) for name in names)  # one may be deleted meanwhile
        return [view for view in found if view is not None]

    def recall(self, names: Iterable[str]) -> None:
        """Have the views of jobs at hand: those that are not yet are recalled in one reading."""
        missing = [name for name in names if name not in self._views]
        if not missing:
            return
        with self._lock:
            missing = [name for name in missing if name not in self._views]
            for name, (view, folded) in recall(self._catalog, missing).items():
                self._views[name], self._folded[name] = view, folded

    def _fold(self) -> None:
        """Fold the facts that wait."""
        if not self._unfolded:
            return
        with self._lock:
            for job, facts in self._unfolded:
                self.recall([job])
                self._views[job] = fold_all(self._views[job], map(from_json, facts))
                self._folded[job] += len(facts)
            self._unfolded.clear()  # only now: who looks meanwhile waits for the lock

    def keep(self, many: int) -> None:
        """Keep some of the views into which so many events were folded since they were kept.

        A tenth is many with a job at rest: no more may come of it for long, and whoever opens the
        workspace looks at all jobs.
        """
        with self._lock:  # nothing is folded meanwhile that has no number and is not stored yet
            self._fold()
            active = self.within(ACTIVE)
            found = self._folded.items()
            enough = (n for n, count in found if count >= (many if n in active else many / 10))
            names = list(islice(enough, _AT_ONCE))
            # a backup holds deliveries back for long: not with this lock, which commits need
            if not names or not self._courier.deliver(wait=False):
                return
            views = [self._views[name] for name in names]
            place = self._catalog.place
            for name in names:
                del self._folded[name]
        bodies = [(view.job, view.seq, json.dumps(view_to_json(view))) for view in views]
        self._catalog.keep_views(place, bodies)

    def __contains__(self, name: object) -> bool:
        return name in self._states

    @property
    def names(self) -> list[str]:
        """All jobs."""
        return sorted(self._states)

    def within(self, statuses: Collection[Status]) -> dict[str, JobState]:
        """Give the jobs that stand at one of `statuses`, and their states."""
        with self._lock:
            found = self._states.items()
            return {name: state for name, state in found if state.observed in statuses}

    def take_over(self, name: str) -> JobState:
        """Take a job over from the owner before, who may have died; return its state."""
        now, stood = self._now(), self._states[name]
        if stood.observed is Status.STARTING and not _goes_on(self.view(name)):
            # no engine ended over it: it was asked for while none ran, or left as it was found
            waits = replace(stood, reason=stood.reason or _WAITS)
            return self._change({name: lambda _: waits})[name]
        self._end_run(name, stood, stood.after_death(now))
        return self._change({name: lambda before: before.after_death(now)})[name]

    def _end_run(self, name: str, stood: JobState, after: JobState) -> None:
        """Note that a job's run ended with its process, if one was going on."""
        view = self.view(name)
        if after is stood or view.started_at is None or view.ended_at is not None:
            return
        if after.observed is stood.observed:  # no change of status tells of it
            told = Noted(job=name, at=self._now(), what="engine ended", message=after.reason)
            self.note(told)
        if after.observed is not Status.STOPPING:  # that run ends when its stop is done
            seen = max(view.started_at, view.batch_at or 0.0)
            status, reason = after.observed, after.reason
            self.note(RunEnded(job=name, run=view.run, at=seen, status=status, reason=reason))

    def act(
        self, taken: Mapping[str, ActionTaken], held: Mapping[str, float] | None = None
    ) -> dict[str, JobState]:
        """Do what a person asked of jobs, all or none.

        Parameters
        ----------
        taken
            Per job, the action.
        held
            The CU that jobs hold from now on.

        Raises
        ------
        MoveRefused
            If a job's status does not allow it.
        """
        now = self._now()
        how = {
            name: partial(JobState.act, action=Action(event.action), at=now)
            for name, event in taken.items()
        }
        return self._change(how, taken, held)

    def forget(self, name: str) -> None:
        """Forget a job that was deleted."""
        with self._lock:
            self._fold()
            del self._states[name]
            self._views.pop(name, None)
            self._folded.pop(name, None)

    def note(self, *events: Event) -> None:
        """Keep events."""
        with self._lock:
            views = {event.job: self.view(event.job) for event in events if event.job}
            self._catalog.append(events)
            for event in events:
                if event.job:
                    views[event.job] = fold(views[event.job], event)
                    self._folded[event.job] += 1
                if isinstance(event, JobSaved):
                    self._states.setdefault(event.job, self._catalog.job(event.job).state)
            self._views.update(views)

    def expire(self, name: str, limits: Mapping[Status, TimeLimit]) -> JobState:
        """Apply time limits to a job; return its state."""
        return self._change({name: lambda before: before.expire(self._now(), limits)})[name]

    def shift(self, names: Iterable[str], seconds: float) -> None:
        """Let the present status of jobs have begun so much later, because the clock jumped."""
        self._change(dict.fromkeys(names, lambda s: replace(s, since=s.since + seconds)))

    def begin_now(self, names: Iterable[str]) -> None:
        """Let the present status of jobs have begun only now: somebody begins to act on it."""
        now = self._now()
        self._change(dict.fromkeys(names, lambda s: replace(s, since=now)))

    def ended(self, job: str, status: Status, reason: str = "") -> None:
        """Note that a run is over."""
        # a job that is at rest has nothing left in its file: the next owner need not look
        with suppress(StorageError):
            self._courier.deliver()
        self.run_over(job, status, reason)
        self._report(job, status, reason)

    def run_over(self, job: str, status: Status, reason: str = "") -> None:
        """Note that a run is over whose status has been changed already, if one goes on."""
        view = self.view(job)
        if _goes_on(view):
            now = self._now()
            self.note(RunEnded(job=job, at=now, run=view.run, status=status, reason=reason))

    def not_started(self, job: str, error: StreamopsError) -> None:
        """Note that a run could not even begin."""
        run = self.view(job).run
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
            self._unfolded.append((job, facts))
            if len(self._unfolded) >= _UNFOLDED:
                self._fold()
            known = self._views.get(job)  # no fact of a batch changes the status
            if known is None or known.status is Status.RETRYING:
                self._retried(job)
        self._courier.take_facts(facts)

    def _retried(self, job: str) -> None:
        if self.view(job).status is Status.RETRYING:
            self._report(job, Status.RUNNING)

    def troubled(self, job: str, trouble: Trouble) -> None:
        """See `Listener.troubled`."""
        error = trouble.error
        raised = ErrorRaised(
            job=job,
            run=self.view(job).run,
            at=self._now(),
            stage="",
            kind=type(error).__name__,
            message=str(error),
            batch=trouble.batch,
            spans=trouble.spans,
            retryable=trouble.again_in is not None,
            attempt=trouble.attempt,
            again_at=None if trouble.again_in is None else self._now() + trouble.again_in,
            trace=trouble.trace,
        )
        self._raise(raised)
        if trouble.again_in is not None:
            reason = f"attempt {trouble.attempt}, again in {trouble.again_in:.3g} s: {error}"
            # the trouble may be a disk so full that not even this can be written; the job goes on
            with suppress(StorageError):
                self._retries(job, reason)

    def _retries(self, job: str, reason: str) -> None:
        with self._lock:
            status = self._views[job].status
            if status in (Status.STARTING, Status.RUNNING):
                self._report(job, Status.RETRYING, reason)
            elif status is Status.RETRYING:  # no change of status tells of one attempt more
                self._change({job: lambda before: replace(before, reason=reason)})
                self._views[job] = replace(self._views[job], reason=reason)

    def raised(self, job: str, *, stage: str, kind: str, message: str) -> None:
        """Put something that went wrong beside a run into the error log."""
        run = self.view(job).run if job else 0
        self._raise(
            ErrorRaised(job=job, run=run, at=self._now(), stage=stage, kind=kind, message=message)
        )

    def _raise(self, error: ErrorRaised) -> None:
        with self._lock:
            if error.job:
                self._views[error.job] = fold(self.view(error.job), error)
                self._folded[error.job] += 1
            self._courier.take([error])

    def finished(self, job: str) -> None:
        """See `Listener.finished`."""
        self.ended(job, Status.FINISHED, "all streams have ended")

    def failed(self, job: str, error: BaseException) -> None:
        """See `Listener.failed`."""
        self.ended(job, Status.FAILED, str(error))

    def _report(self, job: str, status: Status, reason: str = "") -> None:
        self._change({job: lambda before: before.report(status, self._now(), reason)})

    def _change(
        self,
        how: Mapping[str, Callable[[JobState], JobState]],
        taken: Mapping[str, Event] | None = None,
        held: Mapping[str, float] | None = None,
    ) -> dict[str, JobState]:
        """Change states, and note what was done and which statuses changed by it."""
        told: dict[str, list[Event]] = {}

        def facts(name: str, before: JobState, after: JobState) -> list[Event]:
            told[name] = [taken[name]] if taken else []
            if before.observed is not after.observed:
                told[name].append(
                    StatusChanged(
                        job=name,
                        at=self._now(),
                        run=self.view(name).run,
                        before=before.observed,
                        after=after.observed,
                        reason=after.reason,
                    )
                )
            return told[name]

        with self._lock:
            views = {name: self.view(name) for name in how}
            states = self._catalog.change(how, facts, held=held)
            self._states.update(states)
            self._views.update({n: fold_all(views[n], events) for n, events in told.items()})
        return states


def _goes_on(view: JobView) -> bool:
    """Tell whether a run has begun, as far as was noted, and has not ended."""
    return view.started_at is not None and view.ended_at is None
