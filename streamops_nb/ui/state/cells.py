"""What stands in the cells of the table of jobs, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamops_nb.model.booking import cu_text
from streamops_nb.model.events import FOREVER
from streamops_nb.model.lifecycle import TRANSITIONAL, Status
from streamops_nb.model.wording import number_of
from streamops_nb.ui.state.picture import Row
from streamops_nb.ui.state.wish import Verb, refusal_of
from streamops_nb.ui.state.wording import DASH, ago, clock_time, count, lasting, rate

__all__ = ["ALONE", "COLUMNS", "MENU", "cells_of", "changes", "look_of"]

COLUMNS: tuple[Mapping[str, str], ...] = (
    {"key": "name", "title": "Name", "kind": "name", "order": "name"},
    {"key": "status", "title": "Status", "kind": "status", "order": "status"},
    {"key": "uptime", "title": "Uptime", "kind": "number", "order": "uptime"},
    {"key": "in", "title": "In/s", "kind": "number", "order": "in"},
    {"key": "out", "title": "Out/s", "kind": "number", "order": "out"},
    {"key": "lag", "title": "Lag", "kind": "number", "order": "lag"},
    {"key": "watermark", "title": "Watermark", "kind": "number", "order": "watermark"},
    {"key": "errors", "title": "Errors", "kind": "number", "order": "errors"},
    {"key": "cu", "title": "CU", "kind": "number", "order": "cu"},
    {"key": "operations", "title": "Operations", "kind": "operations"},
)
"""The columns, in order."""

MENU: tuple[Mapping[str, Any], ...] = (
    {"verb": "view", "title": "View configuration"},
    {"verb": "export", "title": "Export"},
    {"verb": "versions", "title": "Versions"},
    {"verb": "start from", "title": "Start from…"},
    {"verb": "reset position", "title": "Reset position…"},
    {"verb": "alarm", "title": "Alarm…"},
    {"verb": "force stop", "title": "Force stop…", "danger": True},
    {"verb": "delete", "title": "Delete…", "danger": True},
)
"""What the button ⋯ of a row offers."""

ALONE = ("export", "force stop", "delete")
"""What of it the list offers where there is no page around it."""

_LOOKS: Mapping[Status, tuple[str, str]] = {
    Status.PUBLISHED: ("ready", "quiet"),
    Status.STARTING: ("turning", "busy"),
    Status.RUNNING: ("running", "good"),
    Status.RETRYING: ("turning", "warn"),
    Status.PAUSING: ("turning", "busy"),
    Status.PAUSED: ("paused", "warn"),
    Status.STOPPING: ("turning", "busy"),
    Status.STOPPED: ("stopped", "quiet"),
    Status.FAILED: ("failed", "bad"),
    Status.FINISHED: ("done", "busy"),
}

_NOTHING: Mapping[Verb, str] = {}
_MENU_VERBS = {"start from": Verb.START, **{v.value: v for v in Verb}}


def look_of(status: Status) -> tuple[str, str]:
    """Give a status's icon and tone."""
    return _LOOKS[status]


def cells_of(
    row: Row, at: float, asked: str = "", barred: Mapping[Verb, str] = _NOTHING
) -> dict[str, Any]:
    """Write a job as the cells of its row.

    Parameters
    ----------
    at
        When the picture was taken.
    asked
        What was asked of it and is still under way.
    barred
        What whoever looks may not ask, and why.
    """
    view = row.view
    return {
        "key": row.name,
        "name": _name(row),
        "status": _status(row, at, asked),
        "uptime": _uptime(row),
        "in": {"text": rate(row.rate_in) if row.uptime is not None else DASH},
        "out": {"text": rate(row.rate_out) if row.uptime is not None else DASH},
        "lag": {"text": count(view.total_lag) if row.uptime is not None else DASH},
        "watermark": _watermark(row),
        "errors": _errors(row),
        "cu": {"text": cu_text(row.cu)},
        "operations": _operations(row, asked, barred),
    }


def _name(row: Row) -> dict[str, Any]:
    name: dict[str, Any] = {"text": row.name, "title": f"Open {row.name}", "tags": list(row.tags)}
    if row.owner:
        name["title"] += f" (of {row.owner})"
    if row.pending:
        name["mark"] = f"v{row.view.ran} → v{row.view.version}"
        name["mark_title"] = (
            f"version {row.view.ran} runs until it is started again,"
            f" version {row.view.version} waits"
        )
    return name


def _status(row: Row, at: float, asked: str) -> dict[str, str]:
    shape, tone = _LOOKS[row.status]
    text, title = row.status.value, row.view.reason
    if row.status is Status.PUBLISHED and not title:
        title = "saved, and not started yet"
    if asked and row.status not in TRANSITIONAL:
        shape, tone, title = "turning", "busy", f"{asked} was asked"
    elif row.status in TRANSITIONAL:
        title = f"for {lasting(at - row.view.since)}{': ' + title if title else ''}"
    if row.status is Status.FAILED and not title and row.view.last_error is not None:
        title = row.view.last_error.message
    return {"text": text, "shape": shape, "tone": tone, "title": title}


def _uptime(row: Row) -> dict[str, str]:
    if row.left is not None:
        left = lasting(max(0.0, row.left))
        title = "How long the pause may last; then the job is stopped"
        return {"text": f"{left} left", "title": title, "tone": "quiet"}
    return {"text": lasting(None if row.uptime is None else int(row.uptime))}


def _watermark(row: Row) -> dict[str, str]:
    mark = row.view.watermark
    if row.uptime is None or mark is None:
        return {"text": DASH}
    if mark >= FOREVER:
        return {"text": "end", "title": "All its streams have ended"}
    return {"text": ago(row.delay), "title": f"Watermark {clock_time(mark / 1e6)} UTC"}


def _errors(row: Row) -> dict[str, str]:
    view = row.view
    tone = "bad" if view.errors else "warn" if view.rejects else "quiet"
    both = number_of(view.errors, "error"), number_of(view.rejects, "reject")
    title = f"{' and '.join(both)} since the run began"
    if view.rejects:
        return {
            "text": f"{count(view.errors)} · {count(view.rejects)} rej",
            "title": title,
            "tone": tone,
        }
    return {"text": count(view.errors), "title": title, "tone": tone}


def _operations(row: Row, asked: str, barred: Mapping[Verb, str]) -> dict[str, Any]:
    if asked:
        waits = f"{asked} is under way"
        more = dict.fromkeys(("start from", "reset position", "delete"), waits)
        return {"start": waits, "pause": waits, "stop": waits, "more": more, "busy": "yes"}
    found: dict[str, Any] = {
        verb.value: barred.get(verb) or refusal_of(verb, row.status)
        for verb in (Verb.START, Verb.PAUSE, Verb.STOP)
    }
    found["more"] = {
        title: why
        for title, verb in _MENU_VERBS.items()
        if (why := barred.get(verb) or refusal_of(verb, row.status))
    }
    return found


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Give the cells that differ, with the row's key; empty if none does."""
    found = {key: value for key, value in after.items() if before.get(key) != value}
    return {"key": after["key"], **found} if found else {}
