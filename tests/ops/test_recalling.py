"""Views that are recalled from the catalog are as those that were folded as it happened."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from streamops_nb.db import open_instance
from streamops_nb.model.events import (
    BatchCommitted,
    ErrorRaised,
    Event,
    JobSaved,
    RejectsFound,
    RunEnded,
    RunStarted,
)
from streamops_nb.model.kept_view import view_to_json
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.views import JobView, fold_all
from streamops_nb.ops.recalling import recall
from streamops_nb.store import Catalog

NAMES = ("a", "b", "c", "d")


def life(job: str) -> list[Event]:
    """A run with batches, rejects and an error, a version more, and a run with a batch."""
    of: dict[str, Any] = {"job": job, "run": 1}
    return [
        JobSaved(job=job, at=1.0, version=1, author="ann"),
        RunStarted(**of, at=2.0, version=1),
        BatchCommitted(**of, at=3.0, seq=1, n=1, rows_in=9, rows_out=2, rejects=1, state_rows=4),
        RejectsFound(**of, at=3.0, seq=2, batch=1, stage="r", kind="decode", count=1),
        BatchCommitted(**of, at=4.0, seq=3, n=2, rows_in=5, rows_out=3, state_rows=6),
        ErrorRaised(**of, at=5.0, stage="", kind="SourceError", message="away"),
        RunEnded(**of, at=6.0, status=Status.STOPPED),
        JobSaved(job=job, at=7.0, version=2, author="bob"),
        RunStarted(job=job, run=2, at=8.0, version=2, start="latest"),
        BatchCommitted(job=job, run=2, at=9.0, seq=4, n=3, rows_in=1, state_rows=1),
    ]


def lived(job: str, events: list[Event], catalog: Catalog) -> JobView:
    state = catalog.job(job).state
    stands = {"status": state.observed, "since": state.since, "reason": state.reason}
    return replace(fold_all(JobView(job=job), events), **stands)


def test_all_views_are_recalled_at_once_as_they_were_after_each_event_kept_or_not() -> None:
    instance = open_instance(threads=1)
    catalog = Catalog(instance, None)
    for name in NAMES:
        catalog.save_job("", name, "ann", "", at=0.0)
    told: dict[str, list[Event]] = {name: [] for name in NAMES}
    for step, events in enumerate(zip(*map(life, ("a", "b", "c")), strict=True)):
        for event in events:
            catalog.append([event])
            told[event.job].append(event)
            wanted = {name: lived(name, events, catalog) for name, events in told.items()}
            found = recall(catalog, NAMES)
            assert {name: view for name, (view, _) in found.items()} == wanted
            assert {name: recall(catalog, [name])[name] for name in NAMES} == found
        if step == 4:  # one goes on from its view, one's is that of another version
            kept = json.dumps(view_to_json(wanted["a"]))
            catalog.keep_views(catalog.place, [("a", wanted["a"].seq, kept), ("b", 0, "{}")])
    assert {name: count for name, (_, count) in found.items()} == {"a": 5, "b": 4, "c": 4, "d": 0}
    instance.close()
