"""The summary of a job as a static page: what a notebook shows without a front end."""

from __future__ import annotations

from html import escape

from streamops_nb.model.rings import Slot
from streamops_nb.ops.html import line_chart, text
from streamops_nb.ops.summary import Summary

__all__ = ["page"]

_COLOURS = {
    "RUNNING": "#2e7d32",
    "FINISHED": "#0277bd",
    "FAILED": "#c62828",
    "RETRYING": "#ef6c00",
    "PAUSED": "#6d4c41",
}
_NAME = "padding:1px 12px 1px 0;vertical-align:top;opacity:.7"


def page(summary: Summary) -> str:
    """Write a summary as HTML; every text of it is escaped."""
    made = summary.dict
    colour = _COLOURS.get(made["status"], "currentColor")
    status = f'<b style="color:{colour}">● {text(made["status"])}</b>'
    head = f"<p><b>{text(made['job'])}</b> {status}</p>"
    rows = "".join(
        f'<tr><td style="{_NAME}">{escape(name)}</td><td>{text(said)}</td></tr>'
        for name, said in summary.lines()
    )
    return f"<div>{head}<table>{rows}</table>{_charts(summary)}</div>"


def _charts(summary: Summary) -> str:
    slots = summary.view.rings.tens
    if not slots or summary.now - slots[0].at > 900 + 10:
        slots = summary.view.rings.ten_minutes
        return _pair(slots, 600)
    return _pair(slots, 10)


def _pair(slots: tuple[Slot, ...], width: int) -> str:
    # the slot that is going on is not whole yet
    whole = slots[:-1]
    read = [(slot.at, slot.rows_in / width) for slot in whole]
    left = [(slot.at, float(slot.lag)) for slot in slots]
    return line_chart(read, title="records in per second") + line_chart(left, title="lag")
