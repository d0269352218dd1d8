"""Events are stored once, however often an outbox is copied, and read page by page."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamops_nb.db import open_instance
from streamops_nb.model.batch import Slice, Span
from streamops_nb.model.errors import StorageError
from streamops_nb.model.events import (
    ActionTaken,
    BatchCommitted,
    ErrorRaised,
    Event,
    SourceNoted,
)
from streamops_nb.store import Catalog, Page


@pytest.fixture
def catalog() -> Iterator[Catalog]:
    instance = open_instance(threads=1)
    one = Catalog(instance, None)
    for name in ("a", "b"):
        one.save_job("", name, "ann", "", at=0.0)
    yield one
    instance.close()


def batch(seq: int, job: str = "a") -> BatchCommitted:
    span = Span((Slice("0", seq, seq + 1),))
    return BatchCommitted(job=job, run=1, seq=seq, at=seq / 3, n=seq, spans={"x": span})


def action(at: float, job: str = "a") -> ActionTaken:
    return ActionTaken(job=job, at=at, who="ann", action="start")


def test_events_come_back_as_they_were_in_the_order_of_their_arrival(catalog):
    events = (batch(1), action(0.1), batch(1, "b"), batch(2), action(0.1))
    assert catalog.append(events) == 5
    assert catalog.events() == Page(events=events, next=5)
    assert catalog.events("b") == Page(events=(batch(1, "b"),), next=3)


def test_copying_an_outbox_twice_doubles_nothing(catalog):
    outbox = [batch(n) for n in range(1, 6)]
    assert catalog.append(outbox[:3]) == 3
    assert catalog.append(outbox) == 2
    assert catalog.append(outbox) == 0
    assert catalog.append([batch(6), batch(6)]) == 1
    assert catalog.events("a").events == (*outbox, batch(6))
    assert (catalog.job("a").copied, catalog.job("b").copied) == (6, 0)


@settings(max_examples=25)
@given(st.lists(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 8)), max_size=6)))
def test_every_number_is_stored_once_in_whatever_order_numbers_come(copies):
    instance = open_instance(threads=1)
    try:
        catalog = Catalog(instance, None)
        for name in ("a", "b"):
            catalog.save_job("", name, "ann", "", at=0.0)
        for copy in copies:
            catalog.append([batch(n, job) for job, n in copy])
        stored = [(event.job, event.seq) for event in catalog.events().events]
    finally:
        instance.close()
    assert sorted(stored) == sorted({one for copy in copies for one in copy})


def test_events_from_outside_a_run_have_no_number_and_are_all_kept(catalog):
    assert catalog.append([action(1.0)]) == 1
    assert catalog.append([action(1.0)]) == 1
    assert len(catalog.events("a").events) == 2


def test_a_page_goes_on_where_the_one_before_ended(catalog):
    events = tuple(batch(n, job) for n in range(1, 6) for job in "ab")
    catalog.append(events)
    seen: list[Event] = []
    place = 0
    while (page := catalog.events("a", since=place, limit=2)).events:
        assert len(page.events) <= 2
        seen += page.events
        place = page.next
    assert seen == [event for event in events if event.job == "a"]
    assert catalog.events("a", since=place) == Page(events=(), next=place)


def test_a_fact_that_arrives_late_is_still_on_a_later_page(catalog):
    catalog.append([action(5.0)])
    place = catalog.events("a").next
    catalog.append([batch(1)])
    assert catalog.events("a", since=place).events == (batch(1),)


def test_kinds_can_be_chosen(catalog):
    error = ErrorRaised(job="a", at=1.0, stage="s", kind="k", message="m")
    note = SourceNoted(job="a", at=1.0, stream="x", what="schema drift")
    catalog.append([batch(1), error, note, batch(2)])
    assert catalog.events("a", kinds=[ErrorRaised, SourceNoted]).events == (error, note)
    assert catalog.events("a", kinds=[]).events == ()


def test_the_newest_can_be_asked_for_and_come_in_order(catalog):
    catalog.append([batch(n) for n in range(1, 10)])
    assert catalog.events("a", limit=3, newest=True) == Page(
        events=(batch(7), batch(8), batch(9)), next=9
    )


def test_events_of_a_job_that_is_not_there_are_an_error_and_none_is_stored(catalog):
    with pytest.raises(StorageError, match=r"events of gone cannot be stored: .* save the job"):
        catalog.append([batch(1), batch(1, "gone")])
    assert catalog.events() == Page(events=(), next=0)
    assert catalog.append([]) == 0


def test_numbers_of_arrival_go_on_after_reopening(tmp_path):
    path = tmp_path / "catalog.db"
    for n in (1, 2):
        instance = open_instance(tmp_path, threads=1)
        catalog = Catalog(instance, path)
        catalog.save_job("", "a", "ann", "", at=0.0)
        catalog.append([batch(1), batch(n)])
        page = catalog.events("a")
        catalog.close()
        instance.close()
    assert page == Page(events=(batch(1), batch(2)), next=2)
