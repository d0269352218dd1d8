"""Recalling the view of a job from the events that are kept of it."""

from __future__ import annotations

from dataclasses import replace

from streamops_nb.model.events import (
    BatchCommitted,
    BatchesRolled,
    ErrorRaised,
    Event,
    JobSaved,
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


def recall(catalog: Catalog, name: str) -> JobView:
    """Fold the events of a job's latest run, and what a view knows of the time before."""
    begun = catalog.events(name, kinds=[RunStarted], newest=True, limit=1)
    place = begun.next - 1 if begun.events else 0
    view = JobView(job=name)
    for kinds in _BEFORE:
        newest = catalog.events(name, kinds=kinds, newest=True, limit=1)
        if newest.events and newest.next <= place:
            view = fold_all(view, newest.events)
    if not begun.events:
        view = JobView(job=name)
    while True:
        page = catalog.events(name, since=place, limit=_PAGE)
        view = fold_all(view, page.events)
        if len(page.events) < _PAGE:
            break
        place = page.next
    state = catalog.job(name).state
    return replace(view, status=state.observed, since=state.since, reason=state.reason)
