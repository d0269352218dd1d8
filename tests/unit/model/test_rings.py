"""Rates over a minute to a day, from a bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamops_nb.model.batch import Slice, Span
from streamops_nb.model.events import BatchCommitted, RunStarted
from streamops_nb.model.rings import SPANS, Rings
from streamops_nb.model.views import JobView, fold


def steady(seconds: int, every: float = 1.0, rows: int = 10, lag: int = 0) -> JobView:
    """A run with a batch of as many rows every so often."""
    view = fold(JobView(job="a"), RunStarted(job="a", run=1, at=0.0, version=1))
    for n in range(1, int(seconds / every) + 1):
        span = Span((Slice("0", (n - 1) * rows, n * rows),))
        view = fold(
            view,
            BatchCommitted(
                job="a", run=1, seq=n, at=n * every, n=n, rows_in=rows, rows_out=rows // 2,
                spans={"r": span}, lag={"r": lag},
            ),
        )  # fmt: skip
    return view


@pytest.mark.parametrize("seconds", SPANS.values())
def test_a_steady_stream_has_the_same_rate_over_any_time(seconds: int) -> None:
    view = steady(2 * 86_400, every=20.0, rows=200)
    now = 2 * 86_400.0
    assert view.rate_in(now, seconds) == pytest.approx(10, rel=0.35 if seconds == 60 else 0.07)
    assert view.rate_out(now, seconds) == pytest.approx(5, rel=0.35 if seconds == 60 else 0.07)


def test_a_run_that_has_just_begun_is_told_by_its_own_time() -> None:
    view = steady(10)
    for seconds in SPANS.values():
        assert view.rate_in(10.0, seconds) == 10


@given(st.lists(st.tuples(st.floats(0, 5_000), st.integers(0, 99)), max_size=60))
def test_rings_are_bounded_and_lose_nothing_young(gaps: list[tuple[float, int]]) -> None:
    rings, at, all_rows = Rings(), 0.0, []
    for gap, rows in gaps:
        at += gap
        rings = rings.plus(at, rows, 0, rows, 0)
        all_rows.append((at, rows))
    for ring, (width, keep) in zip(rings, ((1, 61), (10, 91), (60, 61), (600, 145)), strict=True):
        assert len(ring) <= keep
        first = ring[0].at if ring else 0
        assert sum(slot.rows_in for slot in ring) == sum(
            rows for when, rows in all_rows if when // width * width >= first
        )


def test_lag_is_told_in_seconds_by_when_that_was_made_which_is_read_next() -> None:
    assert steady(100).lag_seconds(100.0) == 0
    # ten rows a second are made and read: 50 that wait are five seconds old
    assert steady(100, lag=50).lag_seconds(100.0) == pytest.approx(5, abs=1)
    assert steady(100, lag=5_000).lag_seconds(100.0) is None
    assert steady(100, lag=50).lag_records == 50


def test_what_is_made_is_what_is_read_and_what_lag_grows_by() -> None:
    view = steady(100)
    assert view.rate_made(100.0) == pytest.approx(10, rel=0.1)
    assert JobView(job="a").rate_made(1.0) is None
