"""Why nothing comes out of a job: the one sentence, from what is known of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from streamops_nb.model.events import FOREVER, NEVER
from streamops_nb.model.lifecycle import Status, standing
from streamops_nb.model.start import BY_SOURCE, LAST_COMMIT, STOP_POINT
from streamops_nb.model.views import JobView
from streamops_nb.model.wording import cut, number_of

__all__ = ["FROM_NOW_ON", "length", "moment", "silence", "unfilled", "waiting_for"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400
_IDLE = 2.0
"""A partition is called idle if nothing came for longer than this, seconds."""


_THE_LAST = {LAST_COMMIT: "the last commit", STOP_POINT: "the stop"}
"""Starts from where the job stood, and since when nothing has come."""


FROM_NOW_ON = "it reads only what comes from now on"
"""What each door follows up with its own way to read what was there before."""


_GOES_ON = "it goes on when a process next owns the workspace to run its jobs"


def silence(view: JobView, now: float) -> str:
    """Say why the run has written nothing; empty if it has.

    Parameters
    ----------
    now
        Wall time, seconds since the epoch.
    """
    if view.rows_out:
        return ""
    for reason in (_not_running, _nothing_read, _all_rejected, _all_dropped, _waiting):
        said = reason(view, now)
        if said:
            return said
    return _gave_nothing(view, now)


def unfilled(view: JobView) -> list[str]:
    """Say of which fields the run has had no value."""
    return [f"{cut(stream)}: {said}" for stream, said in view.unfilled.items()]


def _not_running(view: JobView, now: float) -> str:
    if view.run == 0:
        return "no output: the job has not been started yet"
    if view.status is Status.FAILED:
        return f"no output: the run failed: {cut(view.reason, 300)}"
    if view.status is Status.RETRYING and view.last_error is not None:
        return f"no output yet: {cut(view.reason, 300)}"
    if view.batches == 0 and view.status is Status.STARTING:
        if standing(view.status, view.reason) == "interrupted":
            return f"no output yet: {view.reason} - {_GOES_ON}"
        return f"no output yet: {view.reason or 'the job is starting'}"
    return ""


def _nothing_read(view: JobView, now: float) -> str:
    if view.rows_in:
        return ""
    if view.status is Status.FINISHED:
        return _ended_at_once(view)
    wrote = number_of(view.earlier.rows_out)
    if view.earlier.rows_out and view.start in _THE_LAST:
        return f"nothing new since {_THE_LAST[view.start]}; earlier runs wrote {wrote}"
    since = "" if view.started_at is None else f" since {moment(int(view.started_at * 1e6), now)}"
    if view.ended_at is not None:
        return f"no output: no record came while the run lasted, from where it began ({view.start})"
    began = FROM_NOW_ON if view.start == BY_SOURCE else f"the run began at: {view.start}"
    return f"no output yet: no record has come{since}; {began}"


def _ended_at_once(view: JobView) -> str:
    if not view.earlier.rows_in:
        return "no output: the streams ended without a record"
    wrote = number_of(view.earlier.rows_out)
    return f"nothing new: the streams had been read to their end; earlier runs wrote {wrote}"


def _all_rejected(view: JobView, now: float) -> str:
    if view.rejects < view.rows_in:
        return ""
    reject = view.last_reject
    last = (
        "" if reject is None else f", the last in stage {reject.stage}: {cut(reject.example, 200)}"
    )
    if view.rows_in == 1:
        return f"no output yet: the only record is a reject{last}"
    return f"no output yet: all {view.rows_in:,} records are rejects{last}"


def _all_dropped(view: JobView, now: float) -> str:
    for name, rows in view.stages.items():
        if rows.counted_in and rows.rows_in and not rows.rows_out and name not in view.frontiers:
            partly = "" if view.looked_rows == view.rows_in else " of those looked at"
            read = f"{number_of(rows.rows_in)}{partly}"
            return f"no output yet: none of the {read} passed stage {cut(name)}"
    return ""


def _waiting(view: JobView, now: float) -> str:
    """A window that has rows and has not closed."""
    open_ones = {n: at for n, at in view.closes.items() if at > view.frontiers.get(n, NEVER)}
    if not open_ones or not view.state_rows or view.status is Status.FINISHED:
        return ""
    stage = min(open_ones, key=lambda name: open_ones[name])
    needed, watermark = open_ones[stage], view.watermark
    of = "" if len(view.frontiers) == 1 else f" of stage {cut(stage)}"
    until = f"the first window{of} closes when the watermark passes {moment(needed, now)}"
    if watermark is not None and watermark >= needed:
        stands = f"it has, at {moment(watermark, now)}: the next batch writes the window"
    elif watermark is None:
        stands = "there is no watermark yet"
    else:
        stands = f"it is at {moment(watermark, now)}"
    held = waiting_for(view, now)
    end = "" if view.ended_at is None else f"; the run ended: {standing(view.status, view.reason)}"
    return f"no output yet: {until}; {stands}{f', {held}' if held else ''}{end}"


def waiting_for(view: JobView, now: float) -> str:
    """Say which partition the watermark waits for, and how long that has been idle; else empty."""
    slow = [n for n, mark in view.watermarks.items() if mark == min(view.watermarks.values())]
    for stream in slow:
        holder = view.holders.get(stream)
        if holder is None:
            continue
        of = f" of {cut(stream)}" if len(view.watermarks) > 1 else ""
        idle = max(0.0, now - holder.active_at / 1e6)
        said = f"held back by partition {cut(holder.partition)}{of}"
        said += ", which has had no row yet" if holder.reached <= NEVER else ""
        return said if idle < _IDLE else f"{said}, idle for {length(idle)}"
    if len(view.watermarks) > 1 and len(slow) == 1 and view.watermarks[slow[0]] < FOREVER:
        return f"held back by stream {cut(slow[0])}"
    return ""


def _gave_nothing(view: JobView, now: float) -> str:
    late = view.late + view.partly_late
    lateness = f" ({number_of(late)} came late)" if late else ""
    verb = "no output" if view.ended_at is not None else "no output yet"
    if not view.frontiers:
        return f"{verb}: the query kept none of the {number_of(view.rows_in, 'record')}{lateness}"
    closed = min(view.frontiers.values())
    if closed <= NEVER:
        return f"{verb}: no window has rows, of {number_of(view.rows_in, 'record')}{lateness}"
    upto = "all windows have closed" if closed >= FOREVER else f"closed up to {moment(closed, now)}"
    return f"{verb}: {upto}, and the query kept none of their rows{lateness}"


def length(seconds: float) -> str:
    """Write a length of time: ``42 s``, ``3 min 5 s``, ``2 h 4 min``, ``3 d 1 h``."""
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    whole = int(seconds)
    units: list[tuple[str, int]] = [("d", _DAY), ("h", 3600), ("min", 60), ("s", 1)]
    for (unit, width), (below, narrower) in pairwise(units):
        if whole >= width:
            rest = whole % width // narrower
            return f"{whole // width} {unit} {rest} {below}" if rest else f"{whole // width} {unit}"
    return f"{whole} s"


def moment(us: int, now: float) -> str:
    """Write an event time: the time of day within a day of now, else with its date."""
    if us <= NEVER:
        return "-"
    if us >= FOREVER:
        return "the end"
    try:
        at = _EPOCH + timedelta(microseconds=us)
    except OverflowError:  # Python's years end at 9999, event times do not
        return f"{us} microseconds"
    form = "%H:%M:%S" if abs(now - us / 1e6) < _DAY else "%Y-%m-%d %H:%M:%S"
    text = at.strftime(form)
    return f"{text}.{us % 1_000_000 // 1000:03d}" if us % 1_000_000 else text
