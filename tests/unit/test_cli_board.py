"""What the commands draw: the board of jobs, rows, and how often."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from rich.console import Console, RenderableType

from streamops_nb.model.events import FOREVER, NEVER, ErrorRaised
from streamops_nb.model.flow import Done
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.views import JobView
from streamops_nb.shell.board import board, rows_table, troubles
from streamops_nb.shell.foreground import Ending, draw
from streamops_nb.shell.wording import cell, moment, plain

NOW = datetime(2024, 1, 2, tzinfo=UTC).timestamp()


def drawn(picture: RenderableType, width: int = 100) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(picture)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_the_board_fits_100_columns_with_long_names_and_large_numbers() -> None:
    view = JobView(
        job="a_job_with_a_name_as_long_as_names_may_be",
        status=Status.RUNNING,
        run=1,
        rows_in=987_654_321,
        rows_out=1_234_567,
        rejects=12_345,
        late=54_321,
        lag={"a": 123_456},
        watermarks={"a": int(datetime(2013, 5, 6, 7, 8, tzinfo=UTC).timestamp() * 1e6)},
    )
    heads, _, line = drawn(board([view], NOW))
    assert max(len(heads.rstrip()), len(line)) <= 100
    job, *rest = line.split()
    assert job == "a_job_with_a_nam…"
    assert rest == [
        "RUNNING", "987,654,321", "1,234,567", "0", "123,456",
        "2013-05-06", "07:08", "12,345", "54,321",
    ]  # fmt: skip


def test_the_board_counts_over_all_runs() -> None:
    before = Done(rows_in=10, rows_out=7, rejects=2, late=1)
    view = JobView(job="job", rows_in=5, rows_out=3, late=1, partly_late=1, earlier=before)
    line = drawn(board([view], NOW))[-1]
    assert line.split() == ["job", "PUBLISHED", "15", "10", "0", "-", "-", "2", "3"]


def test_a_watermark_is_written_by_how_far_away_it_is() -> None:
    day_before = int((NOW - 3_600) * 1e6)
    assert [moment(mark, NOW) for mark in (None, FOREVER, day_before, 0)] == [
        "-", "end", "23:00:00", "1970-01-01 00:00",
    ]  # fmt: skip
    assert JobView(job="job", watermarks={"a": NEVER}).watermark is None


def test_what_went_wrong_in_this_run_is_told_and_what_did_in_an_earlier_one_is_not() -> None:
    error = ErrorRaised(
        job="job", run=2, at=NOW, stage="", kind="SourceError", message="gone", batch=7
    )
    now = JobView(job="job", run=2, status=Status.RETRYING, last_error=error)
    later = JobView(job="job", run=3, status=Status.RUNNING, last_error=error)
    never_begun = JobView(job="other", status=Status.FAILED, reason="no such topic")
    assert [text.plain for text in troubles([now, later, never_begun])] == [
        "job: SourceError in batch 7: gone",
        "other: no such topic",
    ]


def test_rows_are_drawn_with_short_times_and_cut_values() -> None:
    rows = [
        {"at": datetime(2024, 1, 1, 12, tzinfo=UTC), "n": 1, "text": "x" * 100, "none": None},
        {"at": datetime(2024, 1, 1, 13, tzinfo=UTC), "n": 22, "text": "a\nb", "none": None},
    ]
    heads, _, first, second = drawn(rows_table(rows, ["at", "n", "text", "none"]))
    assert heads.split() == ["at", "n", "text", "none"]
    assert first.split() == ["2024-01-01", "12:00", "1", "x" * 59 + "…"]
    assert second.split() == ["2024-01-01", "13:00", "22", "a", "b"]


def test_values_become_plain_json() -> None:
    value = {"at": datetime(2024, 1, 1, tzinfo=UTC), "raw": b"\xff!", "nan": float("nan")}
    assert plain([value]) == [{"at": "2024-01-01T00:00:00+00:00", "raw": "\ufffd!", "nan": None}]


def counting(times: int) -> Callable[[], bool]:
    left = iter([True] * times)
    return lambda: next(left, False)


@pytest.mark.parametrize("terminal", [True, False])
def test_the_last_picture_is_drawn_after_the_end(terminal: bool) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=terminal, highlight=False)
    pictures = iter(f"picture {n}" for n in range(9))
    draw(lambda: next(pictures), console, Ending(), counting(1))
    told = console.file.getvalue()  # type: ignore[attr-defined]
    assert f"picture {int(terminal)}" in told
    assert "picture 2" not in told


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        (b"not json \x1b[2J\n", "not json \\x1b[2J"),
        ("a\nb\tc", "a b c"),
        ("abc\u202etxt", "abc\\u202etxt"),
        ("[bold]é[/]", "[bold]é[/]"),
    ],
)
def test_an_escape_sequence_in_a_value_is_shown_and_not_obeyed(value: object, shown: str) -> None:
    assert cell(value) == shown
