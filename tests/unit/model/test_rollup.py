"""Rolled up, events fold to the same."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streamops_nb.model.batch import Slice, Span
from streamops_nb.model.errorlog import entry_of, grouped
from streamops_nb.model.events import (
    BatchCommitted,
    Batches,
    ErrorRaised,
    Event,
    LateFound,
    RejectsFound,
    RunStarted,
)
from streamops_nb.model.flow import Holder, StageRows
from streamops_nb.model.rollup import rolled
from streamops_nb.model.views import JobView, fold_all

COUNTS = (
    "run", "batches", "rows_in", "rows_out", "rejects", "late", "partly_late", "cut_off",
    "bytes_in", "errors", "looked_rows", "unordered", "batch", "batch_at", "lag", "watermarks",
    "frontiers", "holders", "closes", "spanned", "stages", "state_rows", "seq",
)  # fmt: skip

_few = st.integers(0, 9)


@st.composite
def facts(draw: st.DrawFn) -> list[Event]:
    """Facts of one run, in order, as its batches and mishaps left them."""
    found: list[Event] = []
    seq, at = 0, 100.0
    for n in range(1, draw(st.integers(1, 12)) + 1):
        at += draw(st.floats(0, 50))
        about: dict[str, Any] = {"job": "a", "run": 1, "at": at}
        seq += 1
        found.append(
            BatchCommitted(
                **about, seq=seq, n=n, rows_in=draw(_few), rows_out=draw(_few), late=draw(_few),
                spans={"r": Span((Slice("0", n, n + draw(_few)),))}, lag={"r": draw(_few)},
                watermarks={"r": draw(_few)}, seconds={"run": draw(_few) / 8},
                looked_rows=draw(_few), unordered=draw(_few), state_rows=draw(_few),
                stages={draw(st.sampled_from("xy")): StageRows(*(draw(_few) for _ in range(4)))},
                holders={"r": Holder("0", draw(_few), 1)} if draw(st.booleans()) else {},
                closes={"x": draw(_few)} if draw(st.booleans()) else {},
            )
        )  # fmt: skip
        for kind in draw(st.lists(st.sampled_from(["decode", "expression"]), max_size=2)):
            seq += 1
            example = f"{draw(st.sampled_from(['not a number', 'not JSON']))}: {draw(_few)}"
            count = draw(st.integers(1, 9))
            found.append(
                RejectsFound(
                    **about, seq=seq, batch=n, stage="r", kind=kind, count=count, example=example
                )
            )
        if draw(st.booleans()):
            seq += 1
            found.append(LateFound(**about, seq=seq, batch=n, stage="", late=draw(_few)))
        if draw(st.booleans()):
            found.append(
                ErrorRaised(**about, stage="", kind="SourceError", message=f"away for {draw(_few)}")
            )
    return found


def begun(events: list[Event]) -> JobView:
    return fold_all(JobView(job="a"), [RunStarted(job="a", run=1, at=99.0, version=1), *events])


def told(view: JobView) -> dict[str, Any]:
    return {name: getattr(view, name) for name in COUNTS}


def rolled_once(events: list[Event]) -> list[Event]:
    return [group[0] for group in rolled(events)]


@given(facts(), st.lists(st.integers(0, 40), max_size=3))
def test_a_view_and_an_error_log_are_the_same_before_and_after(events, cuts):
    """Whatever is rolled up with what, and what was rolled up before is rolled up again."""
    after = events
    for cut in cuts:
        after = [*rolled_once(after[:cut]), *after[cut:]]
    assert told(begun(after)) == told(begun(events))
    logs = [
        [(g.fingerprint, g.count, g.first_at, g.last_at, g.message, g.runs) for g in grouped(log)]
        for log in ([e for e in map(entry_of, found) if e] for found in (events, after))
    ]
    assert sorted(logs[0]) == sorted(logs[1])


@given(facts())
def test_as_little_is_left_as_there_are_kinds(events):
    after = rolled_once(events)
    assert sum(isinstance(event, Batches) for event in after) == 1
    assert len(after) <= 7
    assert rolled_once(after) == after


def test_every_event_is_in_one_group_and_the_group_has_the_place_of_its_last():
    batches = [BatchCommitted(job="a", run=1, seq=2 * n, at=float(n), n=n) for n in (1, 2, 3)]
    bad = RejectsFound(job="a", run=1, seq=3, at=1.0, batch=1, stage="r", kind="decode", count=1)
    (first, *alone), (one, *all_three) = rolled([batches[0], bad, *batches[1:]])
    assert (first, alone) == (bad, [bad])
    assert all_three == batches
    assert (one.seq, one.at, one.since, one.batches) == (6, 3.0, 1.0, 3)


def test_of_equal_errors_the_first_is_kept_as_it_was_told():
    first = ErrorRaised(
        job="a", run=1, at=1.0, stage="", kind="SourceError", message="try 1", trace="deep", batch=7
    )
    again = replace(first, at=5.0, message="try 2", trace="", batch=9)
    assert rolled_once([first, again]) == [replace(first, at=5.0, count=2, first_at=1.0)]


def test_of_very_many_sorts_the_first_are_told_apart_and_all_are_counted():
    names = [f"{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(300)]
    about: dict[str, Any] = {"job": "a", "run": 1, "stage": "r"}
    errors = [
        ErrorRaised(**about, at=float(n), kind=name, message=name) for n, name in enumerate(names)
    ]
    rejects = [
        RejectsFound(**about, at=float(n), batch=n, kind="decode", count=2, example=name)
        for n, name in enumerate(names)
    ]
    left = rolled_once([*errors, *rejects])
    assert [event for event in left if event in errors] == errors[:100]
    assert [event for event in left if event in rejects] == rejects[:100]
    said = "of more than 100 sorts at once: this counts those beyond"
    assert left[-2:] == [
        replace(
            errors[100], at=299.0, stage="", kind="ManyKinds", message=said, count=200,
            first_at=100.0,
        ),
        replace(rejects[100], at=299.0, example=said, count=400, first_at=100.0),
    ]  # fmt: skip
    assert rolled_once(left) == left
