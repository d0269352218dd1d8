"""Nothing comes out: the sentence that says why."""

from typing import Any

import pytest

from streamops_nb.model.events import (
    FOREVER,
    NEVER,
    BatchCommitted,
    ErrorRaised,
    Event,
    RejectsFound,
    RunEnded,
    RunStarted,
    StatusChanged,
)
from streamops_nb.model.flow import Holder, StageRows
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.silence import FROM_NOW_ON, length, silence, waiting_for
from streamops_nb.model.start import BY_SOURCE, LAST_COMMIT, STOP_POINT
from streamops_nb.model.views import JobView, fold_all

SECOND = 1_000_000
TEN = 36_000 * SECOND  # ten o'clock
NOW = 36_060.0


def running(*events: Event) -> JobView:
    before, after = Status.STARTING, Status.RUNNING
    begun: list[Event] = [
        RunStarted(job="a", run=1, at=36_000.0, version=1, start="latest"),
        StatusChanged(job="a", run=1, at=36_000.0, before=before, after=after),
    ]
    return fold_all(JobView(job="a"), [*begun, *events])


def batch(n: int = 1, **changes: Any) -> BatchCommitted:
    said: dict[str, Any] = {"rows_in": 100, "looked_rows": 100, **changes}
    return BatchCommitted(job="a", run=1, seq=n, at=36_010.0 + n, n=n, **said)


def ended(status: Status, reason: str = "") -> list[Event]:
    return [
        RunEnded(job="a", run=1, at=36_050.0, status=status, reason=reason),
        StatusChanged(
            job="a", run=1, at=36_050.0, before=Status.RUNNING, after=status, reason=reason
        ),
    ]


WAITING = {
    "watermarks": {"r": TEN + 4 * SECOND},
    "closes": {"result": TEN + 10 * SECOND},
    "frontiers": {"result": NEVER},
    "state_rows": 7,
}


def test_the_sentence_names_the_window_the_watermark_and_what_holds_it_back():
    holder = Holder("3", TEN + 4 * SECOND, int((NOW - 42) * SECOND))
    view = running(batch(**WAITING, holders={"r": holder}))
    assert silence(view, NOW) == (
        "no output yet: the first window closes when the watermark passes 10:00:10; it is at "
        "10:00:04, held back by partition 3, idle for 42 s"
    )


def test_a_window_that_the_watermark_has_just_passed_is_written_by_the_next_batch():
    view = running(batch(**{**WAITING, "watermarks": {"r": TEN + 12 * SECOND}}))
    assert silence(view, NOW) == (
        "no output yet: the first window closes when the watermark passes 10:00:10; it has, at "
        "10:00:12: the next batch writes the window"
    )


def test_a_partition_that_is_only_behind_is_not_called_idle():
    holder = Holder("3", TEN + 4 * SECOND, int((NOW - 1) * SECOND))
    view = running(batch(**WAITING, holders={"r": holder}))
    assert silence(view, NOW).endswith("held back by partition 3")


def test_a_partition_without_a_row_and_a_stream_of_several_are_named():
    holder = Holder("p", NEVER, int((NOW - 60) * SECOND))
    marks = {"r": NEVER, "s": TEN}
    view = running(batch(**{**WAITING, "watermarks": marks}, holders={"r": holder}))
    assert silence(view, NOW) == (
        "no output yet: the first window closes when the watermark passes 10:00:10; there is no "
        "watermark yet, held back by partition p of r, which has had no row yet, idle for 1 min"
    )
    assert waiting_for(running(batch(watermarks={"r": TEN, "s": TEN + 1})), NOW) == (
        "held back by stream r"
    )


def test_a_window_that_has_closed_is_not_waited_for():
    closed = {**WAITING, "frontiers": {"result": TEN + 10 * SECOND}}
    assert silence(running(batch(**closed)), NOW) == (
        "no output yet: closed up to 10:00:10, and the query kept none of their rows"
    )


def again(start: str, *events: Event) -> JobView:
    """A second run, after one that read 100 records and wrote 42 rows."""
    ran = running(batch(rows_out=42), *ended(Status.PAUSED))
    begins = RunStarted(job="a", run=2, at=36_055.0, version=1, start=start)
    moved = StatusChanged(job="a", run=2, at=36_055.0, before=Status.PAUSED, after=Status.RUNNING)
    return fold_all(ran, [begins, moved, *events])


def test_of_a_job_that_goes_on_it_is_told_what_earlier_runs_wrote():
    wrote = "earlier runs wrote 42 rows"
    assert silence(again(LAST_COMMIT), NOW) == f"nothing new since the last commit; {wrote}"
    assert silence(again(STOP_POINT), NOW) == f"nothing new since the stop; {wrote}"
    finished = again(STOP_POINT, *ended(Status.FINISHED))
    assert silence(finished, NOW) == (
        f"nothing new: the streams had been read to their end; {wrote}"
    )
    assert again(LAST_COMMIT).in_all == (1, 100, 42, 0, 0)


def test_a_first_run_that_nobody_told_where_to_begin_says_that_it_reads_what_comes():
    began = RunStarted(job="a", run=1, at=36_000.0, version=1, start=BY_SOURCE)
    view = fold_all(JobView(job="a"), [began])
    assert silence(view, NOW).endswith(FROM_NOW_ON)


def test_what_was_seen_in_an_earlier_batch_still_counts():
    view = running(batch(**WAITING), batch(2, **{**WAITING, "closes": {}, "looked_rows": 0}))
    assert "passes 10:00:10" in silence(view, NOW)


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (JobView(job="a"), "no output: the job has not been started yet"),
        (
            running(),
            "no output yet: no record has come since 10:00:00; the run began at: latest",
        ),
        (
            running(*ended(Status.PAUSED)),
            "no output: no record came while the run lasted, from where it began (latest)",
        ),
        (
            running(batch(rows_in=0), *ended(Status.FINISHED)),
            "no output: the streams ended without a record",
        ),
        (
            running(*ended(Status.FAILED, "the disk\n is full")),
            "no output: the run failed: the disk\\n is full",
        ),
        (
            running(
                batch(rejects=100),
                RejectsFound(
                    job="a", run=1, at=1.0, batch=1, stage="r", kind="decode", count=100,
                    example="not JSON: \x1b[2J",
                ),
            ),
            "no output yet: all 100 records are rejects, the last in stage r: not JSON: \\x1b[2J",
        ),
        (
            running(batch(stages={"hot": StageRows(100, 1, 0, 1)})),
            "no output yet: none of the 100 rows passed stage hot",
        ),
        (
            running(batch(), batch(2, looked_rows=0, stages={"hot": StageRows(100, 1, 0, 1)})),
            "no output yet: none of the 100 rows of those looked at passed stage hot",
        ),
        (running(batch()), "no output yet: the query kept none of the 100 records"),
        (
            running(batch(late=60, partly_late=40, frontiers={"result": NEVER})),
            "no output yet: no window has rows, of 100 records (100 rows came late)",
        ),
        (
            running(batch(frontiers={"result": FOREVER}), *ended(Status.FINISHED)),
            "no output: all windows have closed, and the query kept none of their rows",
        ),
        (running(batch(rows_out=1)), ""),
    ],
)  # fmt: skip
def test_every_silence_has_its_reason(view: JobView, said: str):
    assert silence(view, NOW) == said


def test_a_job_that_is_retrying_says_with_what():
    error = ErrorRaised(job="a", run=1, at=36_020.0, stage="", kind="SourceError", message="away")
    again = "attempt 2, again in 4 s: away"
    status = StatusChanged(
        job="a", run=1, at=36_020.0, before=Status.RUNNING, after=Status.RETRYING, reason=again
    )
    assert silence(running(error, status), NOW) == f"no output yet: {again}"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (0.5, "0.5 s"), (42, "42 s"), (60, "1 min"), (185, "3 min 5 s"),
     (7_440, "2 h 4 min"), (90_000, "1 d 1 h")],
)  # fmt: skip
def test_lengths_of_time_are_written_for_people(seconds: float, said: str):
    assert length(seconds) == said
