"""The view of a job: what screens show of it, folded from its events.

`fold` is pure, and a view's size is bounded: the last minute by seconds and the times of the last
batches are kept, nothing else grows. What depends on the present (uptime, rates, how far the
watermark is behind) is asked with the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from types import MappingProxyType
from typing import Any, NamedTuple

from streamops_nb.model.events import (
    FOREVER,
    NEVER,
    BatchCommitted,
    ErrorRaised,
    Event,
    JobSaved,
    RunEnded,
    RunStarted,
    StatusChanged,
)
from streamops_nb.model.lifecycle import Status

__all__ = ["JobView", "Second", "fold", "fold_all"]

_MINUTE = 60
_BATCH_TIMES = 256


class Second(NamedTuple):
    """What was committed within one second of wall time."""

    at: int
    rows_in: int
    rows_out: int


@dataclass(frozen=True, kw_only=True, slots=True)
class JobView:
    """The present picture of a job.

    Parameters
    ----------
    job, version, author
        Its name, latest version, and who saved that.
    ran
        The version of the latest run: a running job keeps it until it is started again.
    status, since, reason
        The observed status, when it began (seconds since the epoch) and why.
    run, started_at, ended_at
        The number of the run, when it began, and when it ended (None while it goes on).
    batches, rows_in, rows_out, rejects, late, partly_late, cut_off, bytes_in, errors
        Counts since the run began.
    batch, batch_at
        Number and time of the last committed batch.
    lag, watermarks
        Per stream; see `BatchCommitted`.
    state_rows
        Rows of window state.
    last_error
        The last error, also after a restart: what went wrong does not vanish by trying again.
    seconds, batch_times
        The last minute, and the seconds that each of the last 256 batches took.
    seq
        Number of the last fact from the job's file.
    """

    job: str
    version: int = 0
    ran: int = 0
    author: str = ""
    status: Status = Status.PUBLISHED
    since: float = 0.0
    reason: str = ""
    run: int = 0
    started_at: float | None = None
    ended_at: float | None = None
    batches: int = 0
    rows_in: int = 0
    rows_out: int = 0
    rejects: int = 0
    late: int = 0
    partly_late: int = 0
    cut_off: int = 0
    bytes_in: int = 0
    errors: int = 0
    batch: int = 0
    batch_at: float | None = None
    lag: Mapping[str, int] = field(default_factory=dict)
    watermarks: Mapping[str, int] = field(default_factory=dict)
    state_rows: int = 0
    last_error: ErrorRaised | None = None
    seconds: tuple[Second, ...] = ()
    batch_times: tuple[float, ...] = ()
    seq: int = 0

    def uptime(self, now: float) -> float | None:
        """Seconds that the run has lasted, or lasted until it ended; None before the first."""
        if self.started_at is None:
            return None
        return max(0.0, (now if self.ended_at is None else self.ended_at) - self.started_at)

    def rate_in(self, now: float) -> float:
        """Records read per second over the last minute or since the run began; 0 after its end."""
        return self._rate(sum(s.rows_in for s in self._minute(now)), now)

    def rate_out(self, now: float) -> float:
        """Rows written per second, likewise."""
        return self._rate(sum(s.rows_out for s in self._minute(now)), now)

    def _minute(self, now: float) -> Iterable[Second]:
        return (s for s in self.seconds if now - _MINUTE < s.at <= now)

    def _rate(self, rows: int, now: float) -> float:
        if self.ended_at is not None:
            return 0.0
        lasted = _MINUTE if self.started_at is None else now - self.started_at
        return rows / min(max(lasted, 1.0), _MINUTE)

    @property
    def total_lag(self) -> int | None:
        """Lag summed over the streams; None before the first batch."""
        return sum(self.lag.values()) if self.lag else None

    @property
    def watermark(self) -> int | None:
        """Smallest watermark of the streams, microseconds since the epoch.

        None while one of them has none, `FOREVER` after all have ended.
        """
        lowest = min(self.watermarks.values(), default=NEVER)
        return None if lowest <= NEVER else lowest

    def watermark_delay(self, now: float) -> float | None:
        """Seconds from the watermark to `now`; None while there is none or after the end."""
        watermark = self.watermark
        return None if watermark is None or watermark >= FOREVER else now - watermark / 1e6

    def batch_time(self, share: float) -> float | None:
        """Seconds within which `share` (0 to 1) of the last 256 batches were done, by nearest rank.

        ``batch_time(0.5)`` is the median; None before the first batch.
        """
        if not self.batch_times:
            return None
        ordered = sorted(self.batch_times)
        return ordered[max(0, ceil(share * len(ordered)) - 1)]


def _saved(view: JobView, event: JobSaved) -> JobView:
    return replace(view, version=event.version, author=event.author)


def _status(view: JobView, event: StatusChanged) -> JobView:
    return replace(view, status=event.after, since=event.at, reason=event.reason)


def _run_started(view: JobView, event: RunStarted) -> JobView:
    return JobView(
        job=view.job,
        version=max(view.version, event.version),
        ran=event.version,
        author=view.author,
        status=view.status,
        since=view.since,
        reason=view.reason,
        run=event.run,
        started_at=event.at,
        state_rows=view.state_rows,
        last_error=view.last_error,
        seq=view.seq,
    )


def _run_ended(view: JobView, event: RunEnded) -> JobView:
    return replace(view, ended_at=event.at)


def _batch(view: JobView, event: BatchCommitted) -> JobView:
    took = sum(event.seconds.values())
    return replace(
        view,
        batches=view.batches + 1,
        rows_in=view.rows_in + event.rows_in,
        rows_out=view.rows_out + event.rows_out,
        rejects=view.rejects + event.rejects,
        late=view.late + event.late,
        partly_late=view.partly_late + event.partly_late,
        cut_off=view.cut_off + event.cut_off,
        bytes_in=view.bytes_in + event.bytes_in,
        batch=event.n,
        batch_at=event.at,
        lag=event.lag,
        watermarks=event.watermarks,
        state_rows=event.state_rows,
        seconds=_with_second(view.seconds, event),
        batch_times=(*view.batch_times[-_BATCH_TIMES + 1 :], took),
    )


def _with_second(seconds: tuple[Second, ...], event: BatchCommitted) -> tuple[Second, ...]:
    # a wall clock that was set back drops the seconds that have not come yet
    at = int(event.at)
    kept = (s for s in seconds if at - _MINUTE <= s.at < at)
    now = next((s for s in seconds if s.at == at), Second(at, 0, 0))
    return (*kept, Second(at, now.rows_in + event.rows_in, now.rows_out + event.rows_out))


def _error(view: JobView, event: ErrorRaised) -> JobView:
    return replace(view, errors=view.errors + 1, last_error=event)


# Rejects and late rows are counted with their batch; their own events are the details of that.
_FOLDS: Mapping[type[Event], Callable[[JobView, Any], JobView]] = MappingProxyType(
    {
        JobSaved: _saved,
        StatusChanged: _status,
        RunStarted: _run_started,
        RunEnded: _run_ended,
        BatchCommitted: _batch,
        ErrorRaised: _error,
    }
)


def fold(view: JobView, event: Event) -> JobView:
    """Return the view after an event.

    A fact that has been folded already (by its number), or that is about another job, changes
    nothing, so an outbox may be read twice.
    """
    if event.job != view.job or 0 < event.seq <= view.seq:
        return view
    step = _FOLDS.get(type(event))
    if step is not None:
        view = step(view, event)
    return replace(view, seq=event.seq) if event.seq else view


def fold_all(view: JobView, events: Iterable[Event]) -> JobView:
    """Return the view after several events, in order."""
    for event in events:
        view = fold(view, event)
    return view
