"""Recalling the view of a job from the events that are kept of it, or from a view that was kept."""

from __future__ import annotations

import json
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
from streamops_nb.model.kept_view import view_from_json
from streamops_nb.model.lifecycle import Status
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


def recall(catalog: Catalog, name: str) -> tuple[JobView, int]:
    """Fold a job's events onto the view that was kept, or those of its latest run.

    Returns
    -------
    JobView, int
        The view, and how many events were folded for it.
    """
    place, view = _kept(catalog, name) or _before_run(catalog, name)
    since, count = place, 0
    while True:
        page = catalog.events(name, since=since, limit=_PAGE, kinds=_SINCE)
        view = fold_all(view, page.events)
        count += len(page.events)
        if len(page.events) < _PAGE:
            break
        since = page.next
    rejects = catalog.events(name, since=place, kinds=[RejectsFound], newest=True, limit=1)
    for event in rejects.events:
        # not folded: by its number it would pass for one that was, as later batches were
        if isinstance(event, RejectsFound) and event.run == view.run:
            view = replace(view, last_reject=event)
    job = catalog.job(name)
    state, seq = job.state, max(view.seq, job.copied)
    # a stop drops the window state
    held = 0 if state.observed is Status.STOPPED else view.state_rows
    view = replace(view, status=state.observed, since=state.since, reason=state.reason)
    return replace(view, seq=seq, state_rows=held), count


def _kept(catalog: Catalog, name: str) -> tuple[int, JobView] | None:
    kept = catalog.kept_view(name)
    view = None if kept is None else view_from_json(json.loads(kept[1]))
    return None if kept is None or view is None else (kept[0], view)


def _before_run(catalog: Catalog, name: str) -> tuple[int, JobView]:
    """The place before a job's latest run, and what a view knows of the time before it."""
    begun = catalog.events(name, kinds=[RunStarted], newest=True, limit=1)
    place = begun.next - 1 if begun.events else 0
    view = JobView(job=name)
    for kinds in _BEFORE if begun.events else ():
        newest = catalog.events(name, kinds=kinds, newest=True, limit=1)
        if newest.next <= place:
            view = fold_all(view, newest.events)
    return place, view
