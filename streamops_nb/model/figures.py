"""A job's running results in figures: plain values, folded from its events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from streamops_nb.model.events import FOREVER, NEVER
from streamops_nb.model.flow import StageRows
from streamops_nb.model.rings import SPANS
from streamops_nb.model.silence import silence, unfilled, waiting_for
from streamops_nb.model.views import JobView

__all__ = ["PHASES", "figures", "iso", "stage_figures"]

PHASES = ("read", "decode", "run", "write", "commit")
"""Of a batch, in order; reading and decoding overlap with the batch before."""

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def figures(view: JobView, now: float) -> dict[str, Any]:
    """Give the running results of a job as plain values.

    Counts are since the run began, times are ISO 8601 in UTC, lengths in seconds; what is not
    known is None.

    Parameters
    ----------
    now
        Wall time, seconds since the epoch.
    """
    return {
        "job": view.job,
        "status": view.status.value,
        "since": iso(view.since or None),
        "reason": view.reason,
        "version": view.ran or view.version,
        "run": view.run,
        "start": view.start,
        "started_at": iso(view.started_at),
        "ended_at": iso(view.ended_at),
        "uptime": view.uptime(now),
        "silence": silence(view, now),
        "unfilled": unfilled(view),
        "records": _records(view),
        "in_all": view.in_all._asdict(),
        "throughput": _throughput(view, now),
        "batches": _batches(view),
        "last_record_at": iso(view.received_at),
        "last_output_at": iso(view.written_at),
        "lag": _lag(view, now),
        "watermark": _watermark(view, now),
        "state_rows": view.state_rows,
        "stages": [stage_figures(view, name, rows) for name, rows in view.stages.items()],
        "errors": view.errors,
        "last_error": None if view.last_error is None else view.last_error.message,
    }


def iso(at: float | None) -> str | None:
    """Write a wall time, seconds since the epoch."""
    return (
        None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    )


def _records(view: JobView) -> dict[str, Any]:
    whole = view.looked_rows == view.rows_in
    return {
        "in": view.rows_in,
        "out": view.rows_out,
        "rejected": view.rejects,
        "late": view.late,
        "partly_late": view.partly_late,
        "cut_off": view.cut_off,
        "bytes_in": view.bytes_in,
        "out_of_order": round(view.unordered * _scale(view)),
        "out_of_order_is_estimated": not whole,
    }


def _scale(view: JobView) -> float:
    """From what was counted in batches that were looked at, to all."""
    return view.rows_in / view.looked_rows if view.looked_rows else 1.0


def _throughput(view: JobView, now: float) -> dict[str, dict[str, float]]:
    lasted = max(view.uptime(now) or 0.0, 1.0)
    read = {name: view.rate_in(now, seconds) for name, seconds in SPANS.items()}
    written = {name: view.rate_out(now, seconds) for name, seconds in SPANS.items()}
    return {
        "in": {**read, "mean": view.rows_in / lasted},
        "out": {**written, "mean": view.rows_out / lasted},
    }


def _batches(view: JobView) -> dict[str, Any]:
    phases: dict[str, str | None] = {"all": None, **{phase: phase for phase in PHASES}}
    return {
        "count": view.batches,
        "last": view.batch,
        "last_at": iso(view.batch_at),
        "seconds": {
            name: {p: view.batch_time(share, phase) for p, share in _SHARES.items()}
            for name, phase in phases.items()
        },
    }


def _lag(view: JobView, now: float) -> dict[str, Any]:
    return {
        "records": view.lag_records,
        "seconds": view.lag_seconds(now),
        "made_per_second": view.rate_made(now),
        "read_per_second": view.rate_in(now, 300),
        "by_stream": dict(view.lag),
    }


def _watermark(view: JobView, now: float) -> dict[str, Any]:
    return {
        "at": _event_time(view.watermark),
        "delay": view.watermark_delay(now),
        "held_back": waiting_for(view, now),
        "by_stream": {name: _event_time(mark) for name, mark in view.watermarks.items()},
    }


def _event_time(us: int | None) -> str | None:
    if us is None or us <= NEVER:
        return None
    if us >= FOREVER:
        return "the end"
    try:
        return iso(us / 1e6)
    except (OverflowError, ValueError):  # beyond Python's calendar
        return f"{us} microseconds"


def stage_figures(view: JobView, name: str, rows: StageRows) -> Mapping[str, Any]:
    """What a stage read, gave and dropped; estimated if it was not counted in every batch.

    A stage over windows makes new rows of those it reads: it drops none of them.
    """
    scale = _scale(view)
    read = rows.rows_in * (scale if rows.counted_in < view.batches else 1.0)
    gave = rows.rows_out * (scale if rows.counted_out < view.batches else 1.0)
    known = rows.counted_in > 0
    drops = known and read > 0 and name not in view.frontiers
    return {
        "stage": name,
        "rows_in": round(read) if known else None,
        "rows_out": round(gave),
        "dropped": max(0.0, 1 - gave / read) if drops else None,
        "estimated": min(rows.counted_in, rows.counted_out) < view.batches,
    }
