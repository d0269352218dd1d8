"""Metrics of jobs and their CU in the text format that Prometheus reads; a pure function.

Names follow its conventions: a prefix, base units (seconds, bytes), ``_total`` for what only grows
(within a run; a new run begins at 0, which Prometheus takes for a restart).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from streamops_nb.model.booking import Booking
from streamops_nb.model.figures import PHASES
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.views import JobView

__all__ = ["CONTENT_TYPE", "exposition"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What a server says that it is."""


class _Metric(NamedTuple):
    name: str
    kind: str
    help: str
    value: Callable[[JobView, float], float | None]


_COUNTERS = (
    ("records_in_total", "Records read since the run began.", "rows_in"),
    ("records_out_total", "Rows written since the run began.", "rows_out"),
    ("records_rejected_total", "Records that became rejects.", "rejects"),
    ("records_late_total", "Rows of which all windows had closed.", "late"),
    ("records_partly_late_total", "Rows of which some windows had closed.", "partly_late"),
    ("bytes_in_total", "Bytes read since the run began.", "bytes_in"),
    ("batches_total", "Batches committed since the run began.", "batches"),
    ("errors_total", "Errors since the run began.", "errors"),
)


def _counter(field: str) -> Callable[[JobView, float], float | None]:
    return lambda view, now: float(getattr(view, field))


_METRICS: tuple[_Metric, ...] = (
    *(_Metric(name, "counter", text, _counter(field)) for name, text, field in _COUNTERS),
    _Metric("uptime_seconds", "gauge", "How long the run has lasted.", JobView.uptime),
    _Metric("lag_records", "gauge", "Records left to read.", lambda v, now: v.lag_records),
    _Metric("lag_seconds", "gauge", "Age of what is read next.", JobView.lag_seconds),
    _Metric(
        "watermark_delay_seconds", "gauge", "Clock less watermark.", JobView.watermark_delay
    ),
    _Metric("state_rows", "gauge", "Rows of window state.", lambda v, now: float(v.state_rows)),
    _Metric(
        "last_commit_timestamp_seconds", "gauge", "When a batch was last committed.",
        lambda v, now: v.batch_at,
    ),
)  # fmt: skip


def exposition(views: Iterable[JobView], now: float, booking: Booking | None = None) -> str:
    """Write the metrics of jobs.

    Parameters
    ----------
    now
        Wall time, seconds since the epoch.
    booking
        The CU of the workspace, which are written too.
    """
    jobs = list(views)
    lines: list[str] = []
    for metric in _METRICS:
        samples = [
            (_labels(job=view.job), value)
            for view in jobs
            if (value := metric.value(view, now)) is not None
        ]
        lines += _family(metric.name, metric.kind, metric.help, samples)
    status = [
        (_labels(job=view.job, status=status.value), float(view.status is status))
        for view in jobs
        for status in Status
    ]
    lines += _family("status", "gauge", "1 for the status that the job stands at.", status)
    times = [
        (_labels(job=view.job, phase=phase, quantile=f"{share:g}"), value)
        for view in jobs
        for phase in PHASES
        for share in (0.5, 0.95, 0.99)
        if (value := view.batch_time(share, phase)) is not None
    ]
    lines += _family("batch_phase_seconds", "gauge", "Of the last 256 batches, by phase.", times)
    if booking is not None:
        held = [(_labels(job=v.job), booking.held.get(v.job, 0.0)) for v in jobs]
        lines += _family("cu_held", "gauge", "CU that the job holds.", held)
        for name, text, value in (
            ("allocated", "CU that are allocated to the workspace.", booking.allocated),
            ("held", "CU that active jobs hold together.", booking.reserved),
        ):
            lines += _family(f"cu_{name}", "gauge", text, [("", value)], of="workspace")
    return "".join(f"{line}\n" for line in lines)


def _family(
    name: str, kind: str, text: str, samples: Sequence[tuple[str, float]], *, of: str = "job"
) -> list[str]:
    if not samples:
        return []
    full = f"streamops_{of}_{name}"
    head = [f"# HELP {full} {text}", f"# TYPE {full} {kind}"]
    return [*head, *(f"{full}{labels} {_number(value)}" for labels, value in samples)]


def _labels(**values: str) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())
    return f"{{{pairs}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
    return str(int(value)) if value == int(value) else repr(value)
