"""Recalling the view of a job from the events that are kept of it."""

from __future__ import annotations

from dataclasses import replace

from streamops_nb.model.events import (
    BatchCommitted,
    BatchesRolled,
    ErrorRaised,
    Event,
    JobSaved,
    RejectsFound,
    RunEnded,
    RunStarted,
)
from streamops_nb.model.views import JobView, fold_all
from streamops_nb.store.catalog import Catalog

__all__ = ["recall"]

_PAGE = 10_000
_BEFORE: tuple[tuple[type[Event], ...], ...] = (
    (JobSaved,),
    (BatchCommitted, BatchesRolled),
    (ErrorRaised,),
)
"""What a view knows of the time before its run: the newest event of each of these."""

_SINCE = (BatchCommitted, BatchesRolled, ErrorRaised, JobSaved, RunEnded, RunStarted)
"""What a view knows of its run; of the rejects only the newest, and the status is asked."""


def recall(catalog: Catalog, name: str) -> JobView:
    """Fold the events of a job's latest run, and what a view knows of the time before."""
    begun = catalog.events(name, kinds=[RunStarted], newest=True, limit=1)
    place = begun.next - 1 if begun.events else 0
    view = JobView(job=name)
    for kinds in _BEFORE if begun.events else ():
        newest = catalog.events(name, kinds=kinds, newest=True, limit=1)
        if newest.next <= place:
            view = fold_all(view, newest.events)
    since = place
    while True:
        page = catalog.events(name, since=since, limit=_PAGE, kinds=_SINCE)
        view = fold_all(view, page.events)
        if len(page.events) < _PAGE:
            break
        since = page.next
    rejects = catalog.events(name, since=place, kinds=[RejectsFound], newest=True, limit=1)
    view = fold_all(view, rejects.events)
    job = catalog.job(name)
    state, seq = job.state, max(view.seq, job.copied)
    return replace(view, status=state.observed, since=state.since, reason=state.reason, seq=seq)
