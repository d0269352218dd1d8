"""A view is the fold of a job's events, and stays small."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamops_nb.model.events import (
    FOREVER,
    NEVER,
    ActionTaken,
    BatchCommitted,
    ErrorRaised,
    JobSaved,
    LateFound,
    RejectsFound,
    RunEnded,
    RunStarted,
    SourceNoted,
    StatusChanged,
)
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.rings import Rings
from streamops_nb.model.views import JobView, fold, fold_all


def batch(seq: int, at: float, **changes) -> BatchCommitted:
    return BatchCommitted(job="a", run=1, seq=seq, at=at, n=seq, **changes)


def started(at: float = 100.0) -> JobView:
    return fold(JobView(job="a"), RunStarted(job="a", run=1, at=at, version=1))


def test_a_view_tells_the_whole_story():
    error = ErrorRaised(
        job="a", run=1, seq=3, at=112.0, stage="source", kind="SourceError", message="away"
    )
    rejects = RejectsFound(job="a", run=1, at=110.0, batch=1, stage="x", kind="decode", count=2)
    view = fold_all(
        JobView(job="a"),
        [
            JobSaved(job="a", at=90.0, version=4, author="ann"),
            ActionTaken(job="a", at=99.0, who="ann", action="start"),
            RunStarted(job="a", run=1, at=100.0, version=4),
            StatusChanged(
                job="a", run=1, at=101.0, before=Status.STARTING, after=Status.RUNNING
            ),
            batch(
                1, 110.0, rows_in=600, rows_out=60, rejects=2, late=1, partly_late=3, cut_off=1,
                bytes_in=9000, lag={"x": 5, "y": 7}, watermarks={"x": 50_000_000, "y": 40_000_000},
                seconds={"read": 0.25, "run": 0.5}, state_rows=11,
            ),
            rejects,
            LateFound(job="a", run=1, at=110.0, batch=1, stage="hot", late=1, partly_late=3),
            batch(
                2, 111.0, rows_in=600, rows_out=0, lag={"x": 0, "y": 1},
                watermarks={"x": 70_000_000, "y": 60_000_000}, seconds={"read": 0.25},
                state_rows=12,
            ),
            SourceNoted(job="a", run=1, at=111.0, stream="x", what="schema drift"),
            error,
        ],
    )  # fmt: skip
    assert view == JobView(
        job="a", version=4, ran=4, author="ann", status=Status.RUNNING, since=101.0, run=1,
        started_at=100.0, batches=2, rows_in=1200, rows_out=60, rejects=2, late=1, partly_late=3,
        cut_off=1, bytes_in=9000, errors=1, batch=2, batch_at=111.0, received_at=111.0,
        written_at=110.0, lag={"x": 0, "y": 1},
        watermarks={"x": 70_000_000, "y": 60_000_000}, state_rows=12, last_error=error,
        last_reject=rejects,
        rings=Rings(
            seconds=((110, 600, 60, 0, 12), (111, 600, 0, 0, 1)),
            tens=((110, 1200, 60, 0, 1),),
            minutes=((60, 1200, 60, 0, 1),),
            ten_minutes=((0, 1200, 60, 0, 1),),
        ),
        took=({"read": 0.25, "run": 0.5}, {"read": 0.25}), seq=3,
    )  # fmt: skip
    assert (view.uptime(130.0), view.total_lag) == (30.0, 1)
    assert (view.rate_in(130.0), view.rate_out(130.0)) == (40.0, 2.0)
    assert (view.watermark, view.watermark_delay(130.0)) == (60_000_000, 70.0)


def test_counts_begin_anew_with_a_run_and_the_last_error_stays():
    error = ErrorRaised(job="a", run=1, seq=2, at=2.0, stage="s", kind="k", message="m")
    view = fold_all(started(), [batch(1, 101.0, rows_in=5, state_rows=7), error])
    again = fold(view, RunStarted(job="a", run=2, at=200.0, version=1))
    assert (again.rows_in, again.batches, again.errors, again.rings) == (0, 0, 0, Rings())
    assert (again.last_error, again.run, again.started_at) == (error, 2, 200.0)
    assert (again.state_rows, again.seq) == (7, 2)


def test_a_run_that_ended_has_a_fixed_uptime_and_no_rate():
    view = fold(started(100.0), batch(1, 110.0, rows_in=600))
    ended = fold(view, RunEnded(job="a", run=1, at=111.0, status=Status.PAUSED))
    assert view.rate_in(111.0) > 0
    assert (ended.uptime(500.0), ended.rate_in(111.0)) == (11.0, 0.0)


@given(
    st.lists(
        st.tuples(st.floats(0, 20), st.integers(0, 1000), st.integers(0, 9)),
        min_size=1,
        max_size=80,
    )
)
def test_the_rate_is_that_of_the_last_minute(steps):
    at, view, all_batches = 100.0, started(100.0), []
    for n, (gap, rows_in, rows_out) in enumerate(steps, 1):
        at += gap
        all_batches.append((int(at), rows_in, rows_out))
        view = fold(view, batch(n, at, rows_in=rows_in, rows_out=rows_out))
    width = min(max(at - 100.0, 1.0), 60.0)
    last = [b for b in all_batches if b[0] > at - 60]
    assert view.rate_in(at) == pytest.approx(sum(b[1] for b in last) / width)
    assert view.rate_out(at) == pytest.approx(sum(b[2] for b in last) / width)
    assert view.rate_in(at + 61) == 0.0


def test_a_view_does_not_grow_with_the_stream():
    view = started(0.0)
    for n in range(1, 3000):
        view = fold(view, batch(n, n / 3, rows_in=1, seconds={"run": 0.1}))
    assert [len(ring) for ring in view.rings] == [61, 91, 17, 2]
    assert len(view.took) == 256
    assert view.rows_in == 2999


def test_a_wall_clock_that_was_set_back_spoils_the_rate_for_a_minute_at_most():
    view = fold(started(0.0), batch(1, 10_000.0, rows_in=6000))
    assert view.rate_in(6_000.0) == 0.0
    view = fold(view, batch(2, 6_000.0, rows_in=60))
    assert view.rate_in(6_000.5) == 1.0
    assert [s.at for s in view.rings.seconds] == [6000]


def test_folding_an_event_twice_changes_nothing():
    once = fold_all(started(), [batch(1, 101.0, rows_in=5), batch(2, 102.0, rows_in=5)])
    assert fold_all(once, [batch(1, 101.0, rows_in=5), batch(2, 102.0, rows_in=5)]) is once


def test_an_event_of_another_job_changes_nothing():
    view = started()
    other = BatchCommitted(job="b", run=1, seq=1, at=1.0, n=1, rows_in=5)
    assert fold(view, other) is view


@pytest.mark.parametrize(
    ("marks", "watermark", "delay"),
    [
        ({}, None, None),
        ({"x": NEVER, "y": 5_000_000}, None, None),
        ({"x": 9_000_000, "y": 5_000_000}, 5_000_000, 95.0),
        ({"x": FOREVER, "y": 5_000_000}, 5_000_000, 95.0),
        ({"x": FOREVER, "y": FOREVER}, FOREVER, None),
    ],
)
def test_the_watermark_is_that_of_the_slowest_stream(marks, watermark, delay):
    view = fold(started(), batch(1, 100.0, watermarks=marks))
    assert (view.watermark, view.watermark_delay(100.0)) == (watermark, delay)


def test_batch_times_are_told_by_nearest_rank():
    view = started()
    for n in range(1, 101):
        view = fold(view, batch(n, 100.0, seconds={"run": (n * 37) % 101}))
    assert (view.batch_time(0.5), view.batch_time(0.95), view.batch_time(1.0)) == (50, 95, 100)
    assert started().batch_time(0.5) is None


def test_a_job_that_never_ran_has_nothing_to_show():
    view = JobView(job="a")
    assert (view.uptime(1.0), view.rate_in(1.0), view.total_lag) == (None, 0.0, None)
