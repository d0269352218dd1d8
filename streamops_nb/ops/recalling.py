"""Recalling the views of jobs from views that were kept, and from the events that came after."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from streamops_nb.model.events import RejectsFound, SourceNoted
from streamops_nb.model.flow import Done
from streamops_nb.model.kept_view import view_from_json
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.views import JobView, fold, unfilled_after
from streamops_nb.store.catalog import Catalog
from streamops_nb.store.records import JobRecord

__all__ = ["recall"]


def recall(catalog: Catalog, names: Iterable[str]) -> dict[str, tuple[JobView, int]]:
    """Fold events onto the views that were kept of jobs, or those of their latest runs.

    All jobs are recalled in one reading: with 1,000 of them, one each takes too long.

    Returns
    -------
    dict
        Per job its view, and how many events were folded for it.

    Raises
    ------
    Refused
        If a single job was asked for, and there is none of its name; of several it is left out.
    """
    wanted = list(names)
    places, views = _kept(catalog, wanted)
    folded: Counter[str] = Counter()
    rejects: dict[str, RejectsFound] = {}
    unfilled: dict[str, list[SourceNoted]] = {name: [] for name in views}
    for event in catalog.recalled(places):
        folded[event.job] += 1
        if isinstance(event, RejectsFound):
            rejects[event.job] = event
        elif isinstance(event, SourceNoted):
            unfilled[event.job].append(event)
        else:
            views[event.job] = fold(views[event.job], event)
    anew = [name for name, place in places.items() if place is None and views[name].run > 1]
    for name, earlier in _earlier(catalog, {n: views[n].run for n in anew}).items():
        views[name] = replace(views[name], earlier=earlier)
    # one is looked up, of several all are listed
    records = [catalog.job(name) for name in wanted] if len(wanted) == 1 else catalog.jobs()
    return {
        name: (_as_it_stands(views[name], record, rejects, unfilled[name]), folded[name])
        for record in records
        if (name := record.name) in views
    }


def _kept(catalog: Catalog, names: list[str]) -> tuple[dict[str, int | None], dict[str, JobView]]:
    """Per job, up to where events are in the view that was kept (None: none was), and the view."""
    places: dict[str, int | None] = dict.fromkeys(names)
    views = {name: JobView(job=name) for name in names}
    for name, (place, text) in catalog.kept_views(names).items():
        view = view_from_json(json.loads(text))
        if view is not None:
            places[name], views[name] = place, view
    return places, views


def _earlier(catalog: Catalog, runs: Mapping[str, int]) -> dict[str, Done]:
    """What each job did before its latest run: of that only the events were read."""
    found = dict.fromkeys(runs, Done())
    for job, run, done in catalog.done(runs) if runs else ():
        if run != runs[job]:
            found[job] = found[job].plus(done)
    return found


def _as_it_stands(
    view: JobView,
    record: JobRecord,
    rejects: dict[str, RejectsFound],
    unfilled: list[SourceNoted],
) -> JobView:
    """Complete a view by what is not folded: the status is asked, of rejects the last are told."""
    last = rejects.get(view.job)
    # not folded: by its number it would pass for one that was, as later batches were
    if last is not None and last.run == view.run:
        view = replace(view, last_reject=last)
    told = [note for note in unfilled if note.run == view.run]
    view = replace(view, unfilled=unfilled_after(view.unfilled, told)) if told else view
    state = record.state
    return replace(
        view,
        status=state.observed,
        since=state.since,
        reason=state.reason,
        seq=max(view.seq, record.copied),
        # a stop drops the window state
        state_rows=0 if state.observed is Status.STOPPED else view.state_rows,
    )
