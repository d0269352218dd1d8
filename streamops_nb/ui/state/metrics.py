"""The metrics of a job as lines over time, and its runs as rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamops_nb.ui.state.pages import Sheet, sheet_of
from streamops_nb.ui.state.wording import lasting

__all__ = ["CHARTS", "SPANS", "drawn", "of_run", "runs_sheet"]

SPANS = ("15m", "1h", "6h", "1d")
"""Over how long metrics are drawn."""

_POINTS = 300
"""A chart of 600 pixels shows no more."""

_LEAST = 2.0
"""Seconds; batches of one second would make rates jump."""

Line = tuple[str, str, str]

_PHASES = ("read", "decode", "run", "write", "commit")

CHARTS: Mapping[str, tuple[str, tuple[Line, ...]]] = {
    "Throughput": (" /s", (("read", "rows_in", "rate"), ("written", "rows_out", "rate"))),
    "Batch time": (" ms", tuple((phase, f"{phase}_seconds", "ms") for phase in _PHASES)),
    "Watermark delay": (" s", (("behind", "watermark_delay", "last"),)),
    "Lag": ("", (("to read", "lag", "last"),)),
    "State": (" rows", (("kept", "state_rows", "last"),)),
    "Rejects and late rows": (" /s", (("rejects", "rejects", "rate"), ("late", "late", "rate"))),
}
"""Per chart its unit and its lines: a name, a column of `Workspace.metrics`, and what is drawn of
it: its sum per second, milliseconds per batch, or its last value."""

_SHOWN = (
    "run", "version", "status", "start", "started_at", "uptime", "batches", "rows_in", "rows_out",
    "rejects", "late", "rows_in_per_second", "reason",
)  # fmt: skip


def of_run(frame: Any, run: int) -> Any:
    """Leave the metrics of one run."""
    return frame[frame["run"] == run]


def drawn(frame: Any, title: str) -> list[dict[str, Any]]:
    """Give the lines of a chart, by spans of time that it can show."""
    _, lines = CHARTS[title]
    if not len(frame):
        return [{"name": name, "tone": n, "points": []} for n, (name, *_) in enumerate(lines)]
    ends, begun = _seconds(frame["at"]), _seconds(frame["since"])
    # no span is shorter than what one row stands for, or than the pace of a job
    width = max(_LEAST, (ends.iloc[-1] - ends.iloc[0]) / _POINTS, (ends - begun).max())
    groups = frame.groupby(((ends - begun.iloc[0]) // width).astype("int64"))
    summed, last = groups.sum(numeric_only=True), groups.last()
    at = begun.iloc[0] + (summed.index.to_numpy() + 1) * width
    whole = max(1, len(at) - 1)  # the span that goes on is not whole yet
    found = []
    for tone, (name, column, kind) in enumerate(lines):
        if kind == "rate":
            values = summed[column] / width
        elif kind == "ms":
            values = 1000 * summed[column] / summed["batches"].clip(lower=1)
        else:
            values = last[column]
        pairs = zip(at[:whole].tolist(), values.tolist(), strict=False)
        # before the first row there is no watermark: no point there
        points = [[moment, float(value)] for moment, value in pairs if value == value]
        found.append({"name": name, "tone": tone, "points": points})
    return found


def _seconds(column: Any) -> Any:
    return column.astype("datetime64[us, UTC]").astype("int64") / 1e6


def runs_sheet(runs: Any) -> Sheet:
    """Write the runs, the newest first."""
    shown = runs[list(_SHOWN)].copy()
    shown["started_at"] = shown["started_at"].dt.strftime("%Y-%m-%d %H:%M:%S")
    shown["uptime"] = [lasting(seconds) for seconds in shown["uptime"]]
    shown["rows_in_per_second"] = shown["rows_in_per_second"].round(1)
    shown["status"] = [status or "goes on" for status in shown["status"]]
    return sheet_of(
        shown,
        notes={"started_at": "UTC", "run": "click one"},
        kinds={"reason": "wrap", "start": "wrap", "run": "text", "version": "text"},
        empty="It has not been started yet.",
    )
