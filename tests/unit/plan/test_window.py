"""The arithmetic of windows in microseconds agrees with the macros, also before 1970."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streamops_nb.db import Session, sealed
from streamops_nb.plan.planner import load_macros
from streamops_nb.plan.window import FOREVER, NEVER, Window

LENGTHS = [1, 7, 1_000_000, 3_600_000_000, 604_800_000_000]
TIMES = st.one_of(
    st.integers(-100, 100),
    st.integers(-(10**13), 10**13),
    st.integers(-60_000_000_000_000_000, 250_000_000_000_000_000),  # years 68 and 9892
)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    instance = sealed(threads=1)
    session = instance.session()
    load_macros(session)
    yield session
    instance.close()


@st.composite
def windows(draw: st.DrawFn) -> Window:
    kind = draw(st.sampled_from(["tumble", "hop", "cumulate"]))
    slide = draw(st.sampled_from(LENGTHS))
    if kind == "tumble":
        return Window(kind=kind, size=slide, slide=slide)
    times = draw(st.integers(1, 6))
    rest = draw(st.integers(0, slide - 1)) if kind == "hop" else 0
    return Window(kind=kind, size=slide * times + rest, slide=slide)


def _of_macro(session: Session, window: Window, us: int) -> list[tuple[int, int]]:
    """The windows that the macro puts a row of the time `us` into."""
    lengths = [window.size] if window.kind == "tumble" else [window.slide, window.size]
    arguments = ", ".join(f"to_microseconds({length})" for length in lengths)
    return sorted(
        session.rows(
            f"WITH r AS (SELECT make_timestamp({us}) AS t) "
            "SELECT epoch_us(window_start), epoch_us(window_end) "
            f"FROM {window.kind}(r, t, {arguments})"
        )
    )


@given(window=windows(), us=TIMES)
@example(window=Window(kind="hop", size=10, slide=3), us=-1)
@example(window=Window(kind="cumulate", size=21, slide=7), us=-21)
def test_first_and_last_end_are_those_of_the_macro(
    session: Session, window: Window, us: int
) -> None:
    wanted = _of_macro(session, window, us)
    ((first, last),) = session.rows(
        f"SELECT {window.first_end(f'({us})')}, {window.last_end(f'({us})')}"
    )
    assert (first, last) == (min(end for _, end in wanted), max(end for _, end in wanted))


@given(window=windows(), us=TIMES)
@example(window=Window(kind="hop", size=10, slide=3), us=-1)
def test_a_row_is_in_the_windows_of_its_pane(session: Session, window: Window, us: int) -> None:
    start, end = window.bounds_of_pane()
    ((pane, pane_end),) = session.rows(
        f"SELECT {window.pane_of('us')} AS _pane, {window.pane_end} FROM (SELECT ({us})::BIGINT "
        "AS us)"
    )
    assert pane <= us < pane + window.pane
    found = session.rows(
        f"SELECT _start, {end} AS _end FROM (SELECT _pane, {start} AS _start "
        f"FROM (SELECT ({pane})::BIGINT AS _pane))"
    )
    wanted = _of_macro(session, window, us)
    assert sorted(found) == wanted
    assert pane_end == max(end for _, end in wanted)


@given(window=windows(), before=TIMES, ahead=st.integers(0, 10**12))
def test_closes_is_true_exactly_if_a_window_ends_between_the_frontiers(
    window: Window, before: int, ahead: int
) -> None:
    after = before + ahead
    step = window.size if window.kind == "tumble" else window.slide
    # the ends of windows lie `step` apart: the last one up to `after`
    phase = window.size % step
    last_end = (after - phase) // step * step + phase
    assert window.closes(before, after) == (before < last_end <= after)


def test_a_session_may_close_whenever_time_goes_on() -> None:
    sessions = Window(kind="session", size=5, slide=5)
    assert sessions.closes(0, 1)
    assert not sessions.closes(1, 1)


@pytest.mark.parametrize("kind", ["tumble", "hop", "cumulate", "session"])
def test_the_first_and_the_last_batch_may_close_windows(kind: str) -> None:
    window = Window(kind=kind, size=10, slide=5)
    assert window.closes(NEVER, 3)
    assert window.closes(3, FOREVER)
    assert not window.closes(NEVER, NEVER)
    assert not window.closes(FOREVER, FOREVER)


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (Window(kind="tumble", size=10_000_000, slide=10_000_000), "tumbling windows of 10 s"),
        (Window(kind="tumble", size=500_000, slide=500_000), "tumbling windows of 0.5 s"),
        (Window(kind="hop", size=60_000_000, slide=10_000_000), "windows of 1 min hopping by 10 s"),
        (
            Window(kind="cumulate", size=86_400_000_000, slide=3_600_000_000),
            "windows of 1 d growing by 1 h",
        ),
        (Window(kind="session", size=5_000_000, slide=5_000_000), "sessions with a gap of 5 s"),
    ],
)
def test_windows_are_told_in_words(window: Window, words: str) -> None:
    assert str(window) == words


@given(window=windows(), us=TIMES, ahead=st.integers(-(10**13), 10**13))
@example(window=Window(kind="cumulate", size=21, slide=7), us=3, ahead=10)
def test_the_first_end_after_a_frontier_is_that_of_the_macro(
    session: Session, window: Window, us: int, ahead: int
) -> None:
    frontier = us + ahead
    open_ends = [end for _, end in _of_macro(session, window, us) if end > frontier]
    if open_ends:
        assert window.end_after(us, frontier) == min(open_ends)
