"""The view of a job: what screens show of it, folded from its events.

`fold` is pure, and a view's size is bounded: rates are kept in rings of slots, and the times of the
last batches; nothing else grows. What depends on the present (uptime, rates, how far the watermark
is behind) is asked with the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from types import MappingProxyType
from typing import Any

from streamops_nb.model.events import (
    FILLED,
    FOREVER,
    NEVER,
    UNFILLED,
    BatchCommitted,
    Batches,
    BatchesRolled,
    ErrorRaised,
    Event,
    JobSaved,
    RejectsFound,
    RunEnded,
    RunStarted,
    SourceNoted,
    StatusChanged,
)
from streamops_nb.model.flow import Done, Holder, StageRows
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.rings import Rings, Slot
from streamops_nb.model.rollup import spanned

__all__ = ["JobView", "fold", "fold_all"]

_MINUTE = 60
_BATCHES = 256


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
    start
        In words, from where it began.
    batches, rows_in, rows_out, rejects, late, partly_late, cut_off, bytes_in, errors
        Counts since the run began.
    earlier
        What the runs before this one did; see `in_all`.
    looked_rows, unordered
        Of the batches that were looked at closely: how many records they read, and how many of
        these came after a later one of their partition.
    batch
        Number of the last committed batch, of whichever run.
    batch_at, received_at, written_at
        When the run last committed a batch, read something, wrote something.
    lag, watermarks, frontiers, holders, closes
        Per stream or stage; see `BatchCommitted`.
    spanned
        Per stream, how much was read since the run began, in the unit of the source.
    stages
        Per stage, what it read and gave since the run began, as far as it was counted.
    state_rows
        Rows of window state.
    last_error, last_reject
        The last error, also after a restart: what went wrong does not vanish by trying again. The
        last rejects of the run.
    unfilled
        Per stream of which no record had some field: the words for it.
    rings
        What was committed lately, for rates.
    took
        Per phase, the seconds that each of the last 256 batches took.
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
    start: str = ""
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
    earlier: Done = field(default_factory=Done)
    looked_rows: int = 0
    unordered: int = 0
    batch: int = 0
    batch_at: float | None = None
    received_at: float | None = None
    written_at: float | None = None
    lag: Mapping[str, int] = field(default_factory=dict)
    watermarks: Mapping[str, int] = field(default_factory=dict)
    frontiers: Mapping[str, int] = field(default_factory=dict)
    holders: Mapping[str, Holder] = field(default_factory=dict)
    closes: Mapping[str, int] = field(default_factory=dict)
    spanned: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, StageRows] = field(default_factory=dict)
    state_rows: int = 0
    last_error: ErrorRaised | None = None
    last_reject: RejectsFound | None = None
    unfilled: Mapping[str, str] = field(default_factory=dict)
    rings: Rings = field(default_factory=Rings)
    took: tuple[Mapping[str, float], ...] = ()
    seq: int = 0

    @property
    def in_all(self) -> Done:
        """What all runs of the job did, this one included."""
        late = self.late + self.partly_late
        return self.earlier.plus(
            Done(self.batches, self.rows_in, self.rows_out, self.rejects, late)
        )

    def uptime(self, now: float) -> float | None:
        """Seconds that the run has lasted, or lasted until it ended; None before the first."""
        if self.started_at is None:
            return None
        return max(0.0, (now if self.ended_at is None else self.ended_at) - self.started_at)

    def rate_in(self, now: float, seconds: float = _MINUTE) -> float:
        """Records read per second lately or since the run began; 0 after its end.

        Parameters
        ----------
        seconds
            Over so long a time, at most a day.
        """
        return self._rate(now, seconds, lambda slot: slot.rows_in)

    def rate_out(self, now: float, seconds: float = _MINUTE) -> float:
        """Rows written per second, likewise."""
        return self._rate(now, seconds, lambda slot: slot.rows_out)

    def _rate(self, now: float, seconds: float, what: Callable[[Slot], int]) -> float:
        if self.ended_at is not None:
            return 0.0
        slots, covered = self.rings.within(now, seconds)
        lasted = covered if self.started_at is None else max(now - self.started_at, 1.0)
        return sum(map(what, slots)) / min(lasted, covered)

    def rate_made(self, now: float, seconds: float = 300.0) -> float | None:
        """Records that came into being per second lately: what was read, and what lag grew by.

        None where nothing is known of it: before the second batch, or after the end.
        """
        slots, _ = self.rings.within(now, seconds)
        if self.ended_at is not None or len(slots) < 2:
            return None
        units = sum(slot.units for slot in slots[1:]) + slots[-1].lag - slots[0].lag
        return max(0.0, units * self._records_per_unit / max(slots[-1].at - slots[0].at, 1))

    @property
    def _records_per_unit(self) -> float:
        units = sum(self.spanned.values())
        return self.rows_in / units if units else 1.0

    @property
    def lag_records(self) -> int | None:
        """Lag in records, also where the source counts in bytes: by what a record took so far."""
        return None if self.total_lag is None else round(self.total_lag * self._records_per_unit)

    def lag_seconds(self, now: float) -> float | None:
        """How long ago that came into being which is read next; 0 without lag.

        None where it is not known: before the first batch, after the end of the run, and if the
        lag is older than what is remembered of the run, a day at most.
        """
        if self.total_lag is None or self.ended_at is not None:
            return None
        since = self.rings.caught_up_at() if self.total_lag else now
        return None if since is None else max(0.0, now - since)

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

    def batch_time(self, share: float, phase: str | None = None) -> float | None:
        """Seconds within which `share` (0 to 1) of the last 256 batches were done, by nearest rank.

        ``batch_time(0.5)`` is the median; None before the first batch.

        Parameters
        ----------
        phase
            Of one phase; default the whole batch.
        """
        if not self.took:
            return None
        ordered = sorted(sum(t.values()) if phase is None else t.get(phase, 0.0) for t in self.took)
        return ordered[max(0, ceil(share * len(ordered)) - 1)]


def _saved(view: JobView, event: JobSaved) -> JobView:
    return replace(view, version=event.version, author=event.author)


def _status(view: JobView, event: StatusChanged) -> JobView:
    # a stop drops the window state
    kept = 0 if event.after is Status.STOPPED else view.state_rows
    return replace(view, status=event.after, since=event.at, reason=event.reason, state_rows=kept)


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
        start=event.start,
        started_at=event.at,
        earlier=view.in_all,
        batch=view.batch,
        state_rows=view.state_rows,
        last_error=view.last_error,
        seq=view.seq,
    )


def _run_ended(view: JobView, event: RunEnded) -> JobView:
    return replace(view, ended_at=event.at)


def _batch(view: JobView, event: Batches) -> JobView:
    units = spanned(event)
    one = isinstance(event, BatchCommitted) and event.seconds
    return replace(
        view,
        batches=view.batches + (event.batches if isinstance(event, BatchesRolled) else 1),
        rows_in=view.rows_in + event.rows_in,
        rows_out=view.rows_out + event.rows_out,
        rejects=view.rejects + event.rejects,
        late=view.late + event.late,
        partly_late=view.partly_late + event.partly_late,
        cut_off=view.cut_off + event.cut_off,
        bytes_in=view.bytes_in + event.bytes_in,
        looked_rows=view.looked_rows + event.looked_rows,
        unordered=view.unordered + event.unordered,
        batch=event.n,
        batch_at=event.at,
        received_at=event.at if event.rows_in else view.received_at,
        written_at=event.at if event.rows_out else view.written_at,
        lag=event.lag,
        watermarks=event.watermarks,
        frontiers=event.frontiers,
        holders=event.holders,
        closes={**view.closes, **event.closes} if event.closes else view.closes,
        spanned=_plus(view.spanned, units),
        stages=_with_stages(view.stages, event.stages) if event.stages else view.stages,
        state_rows=event.state_rows,
        rings=view.rings.plus(
            event.at, event.rows_in, event.rows_out, sum(units.values()), sum(event.lag.values())
        ),
        took=(*view.took[-_BATCHES + 1 :], event.seconds) if one else view.took,
        # here and not in `fold`: a copy more of a view for each batch was a third of the fold
        seq=event.seq or view.seq,
    )


def _plus(before: Mapping[str, int], more: Mapping[str, int]) -> Mapping[str, int]:
    return {**before, **{name: before.get(name, 0) + count for name, count in more.items()}}


def _with_stages(
    before: Mapping[str, StageRows], more: Mapping[str, StageRows]
) -> Mapping[str, StageRows]:
    added = {name: before.get(name, StageRows()).plus(rows) for name, rows in more.items()}
    return {**before, **added}


def _error(view: JobView, event: ErrorRaised) -> JobView:
    return replace(view, errors=view.errors + event.count, last_error=event)


def _rejects(view: JobView, event: RejectsFound) -> JobView:
    return replace(view, last_reject=event)


def _noted(view: JobView, event: SourceNoted) -> JobView:
    return replace(view, unfilled=unfilled_after(view.unfilled, [event]))


def unfilled_after(told: Mapping[str, str], notes: Iterable[SourceNoted]) -> Mapping[str, str]:
    """Give the words for fields without values, per stream, after some notes more."""
    found = dict(told)
    for note in notes:
        if note.what == UNFILLED:
            found[note.stream] = note.message
        elif note.what == FILLED:
            found.pop(note.stream, None)
    return found


# Rejects and late rows are counted with their batch; their own events are the details of that.
_FOLDS: Mapping[type[Event], Callable[[JobView, Any], JobView]] = MappingProxyType(
    {
        JobSaved: _saved,
        StatusChanged: _status,
        RunStarted: _run_started,
        RunEnded: _run_ended,
        BatchCommitted: _batch,
        BatchesRolled: _batch,
        ErrorRaised: _error,
        RejectsFound: _rejects,
        SourceNoted: _noted,
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
    return replace(view, seq=event.seq) if event.seq > view.seq else view


def fold_all(view: JobView, events: Iterable[Event]) -> JobView:
    """Return the view after several events, in order."""
    for event in events:
        view = fold(view, event)
    return view
