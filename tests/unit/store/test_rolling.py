"""Rolled up, the catalog says the same as before, and stays small."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamops_nb.db import open_instance
from streamops_nb.model.events import (
    BatchCommitted,
    Batches,
    ErrorRaised,
    Event,
    RejectsFound,
    RunEnded,
    RunStarted,
)
from streamops_nb.model.kept_view import view_to_json
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.views import JobView
from streamops_nb.ops.recalling import recall
from streamops_nb.store import Catalog

DAY = 86_400.0


@pytest.fixture
def catalog() -> Iterator[Catalog]:
    instance = open_instance(threads=1)
    one = Catalog(instance, None)
    one.save_job("", "a", "ann", "", at=0.0)
    yield one
    instance.close()


def roll(catalog: Catalog, now: float) -> None:
    while catalog.roll_up(now):
        pass


def run(number: int, at: float) -> list[Event]:
    return [RunStarted(job="a", run=number, at=at, version=1)]


def batches(first: int, count: int, *, at: float, every: float, run: int = 1) -> list[Event]:
    """Batches with one reject each, as their facts are numbered."""
    found: list[Event] = []
    for n in range(first, first + count):
        about: dict[str, Any] = {"job": "a", "run": run, "at": at + (n - first) * every}
        found += [
            BatchCommitted(**about, seq=2 * n - 1, n=n, rows_in=10, rejects=1),
            RejectsFound(**about, seq=2 * n, batch=n, stage="r", kind="decode", count=1),
        ]
    return found


def told(view: JobView) -> tuple[Any, ...]:
    return view.run, view.batches, view.rows_in, view.rejects, view.batch, view.errors, view.seq


def test_what_is_old_is_rolled_up_and_the_view_is_the_same(catalog: Catalog) -> None:
    catalog.append([*run(1, 0.0), *batches(1, 3_000, at=1.0, every=0.5)])
    before = told(recall(catalog, ["a"])["a"][0])
    for now in (100.0, 400.0, 5_000.0, 5_000.0, 2 * DAY, 20 * DAY, 200 * DAY, 4_000 * DAY):
        roll(catalog, now)
        assert told(recall(catalog, ["a"])["a"][0]) == before
    left = catalog.events("a").events
    assert [type(event).__name__ for event in left] == [
        "RunStarted",
        "BatchesRolled",
        "RejectsFound",
    ]
    rejects = left[-1]
    assert isinstance(rejects, RejectsFound)
    assert (rejects.count, rejects.batch, rejects.first_at, rejects.at) == (3_000, 1, 1.0, 1500.5)


@pytest.mark.parametrize("jitter", [0.0, 0.3])
def test_the_last_hour_stays_at_full_resolution(catalog: Catalog, jitter: float) -> None:
    # a batch a second does not keep to the second: in some there are two
    facts = [
        replace(event, at=event.at + jitter * (n // 2 % 4))
        for n, event in enumerate(batches(1, 7_200, at=0.0, every=1.0))
    ]
    catalog.append(facts)
    roll(catalog, 7_200.0)
    events = [e for e in catalog.all_events("a", None) if isinstance(e, Batches)]
    late = [e for e in facts if isinstance(e, Batches) and e.at >= 3_600]
    assert [event for event in events if event.at >= 3_600] == late
    assert sum(event.at < 3_600 for event in events) == 60


def test_the_last_hour_of_a_fast_job_stays_by_seconds(catalog: Catalog) -> None:
    catalog.append(batches(1, 6_000, at=0.0, every=0.1))
    roll(catalog, 600.0)
    events = [e for e in catalog.all_events("a", None) if isinstance(e, Batches)]
    assert sum(event.at < 300 for event in events) == 300
    assert sum(event.at >= 300 for event in events) == 3_000


def test_what_was_rolled_up_and_comes_again_from_a_jobs_file_doubles_nothing(
    catalog: Catalog,
) -> None:
    facts = batches(1, 100, at=0.0, every=0.1)
    catalog.append(facts)
    roll(catalog, 1_000.0)
    few = len(catalog.events("a").events)
    assert few <= 20
    assert catalog.append(facts) == 0
    more = batches(101, 5, at=1_000.0, every=1.0)
    assert catalog.append([*facts, *more]) == 10
    assert recall(catalog, ["a"])["a"][0].rows_in == 1_050


def test_runs_are_not_mixed_and_what_comes_between_keeps_its_place(catalog: Catalog) -> None:
    ended = RunEnded(job="a", run=1, at=5.0, status=Status.PAUSED)
    facts = [
        *run(1, 0.0), *batches(1, 5, at=0.0, every=1.0), ended,
        *run(2, 6.0), *batches(6, 5, at=6.0, every=1.0, run=2),
    ]  # fmt: skip
    catalog.append(facts)
    roll(catalog, 5 * DAY)
    kinds = [(type(event).__name__, event.run) for event in catalog.events("a").events]
    assert kinds == [
        ("RunStarted", 1), ("BatchesRolled", 1), ("RejectsFound", 1), ("RunEnded", 1),
        ("RunStarted", 2), ("BatchesRolled", 2), ("RejectsFound", 2),
    ]  # fmt: skip
    assert told(recall(catalog, ["a"])["a"][0]) == (2, 5, 50, 5, 10, 0, 20)


def test_a_catalog_that_is_reopened_goes_on_rolling_up_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    for now in (1_000.0, 5_000.0, 3 * DAY):
        instance = open_instance(tmp_path, threads=1)
        catalog = Catalog(instance, path)
        if now == 1_000.0:
            catalog.save_job("", "a", "ann", "", at=0.0)
            catalog.append(batches(1, 600, at=0.0, every=1.0))
        roll(catalog, now)
        assert catalog.append(batches(1, 600, at=0.0, every=1.0)) == 0
        assert recall(catalog, ["a"])["a"][0].rows_in == 6_000
        catalog.close()
        instance.close()


@settings(max_examples=30)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("batch"), st.floats(0.01, 900)),
            st.tuples(st.just("error"), st.floats(0.01, 900)),
            st.tuples(st.just("roll"), st.floats(0, 200_000)),
            st.tuples(st.just("again"), st.just(0.0)),
            st.tuples(st.just("keep"), st.just(0.0)),
        ),
        max_size=40,
    )
)
@example([("batch", 179.0), ("batch", 1.0), ("roll", 16945.0), ("again", 0.0), ("roll", 69874.0)])
def test_a_fold_of_what_is_left_equals_a_recount_from_scratch(deeds) -> None:
    instance = open_instance(threads=1)
    try:
        catalog = Catalog(instance, None)
        catalog.save_job("", "a", "ann", "", at=0.0)
        catalog.append(run(1, 0.0))
        at, facts, errors = 1.0, [], 0
        for what, gap in deeds:
            if what == "roll":
                at += gap
                roll(catalog, at)
            elif what == "again":
                catalog.append(facts)
            elif what == "keep":
                view, _ = recall(catalog, ["a"])["a"]
                catalog.keep_views(catalog.place, [("a", view.seq, json.dumps(view_to_json(view)))])
            elif what == "batch":
                at += gap
                new = batches(len(facts) // 2 + 1, 1, at=at, every=1.0)
                facts += new
                catalog.append(new)
            else:
                at += gap
                errors += 1
                error = ErrorRaised(
                    job="a", run=1, at=at, stage="", kind="SourceError", message="x"
                )
                catalog.append([error])
        view = recall(catalog, ["a"])["a"][0]
        n = len(facts) // 2
        assert told(view) == (1, n, 10 * n, n, n, errors, 2 * n)
    finally:
        instance.close()
