"""The summary of a job: figures, charts, stages, and why nothing comes out."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import panel_material_ui as pmui

from streamops_nb.model.silence import FROM_NOW_ON
from streamops_nb.ui.panel.chart import BESIDE, Chart
from streamops_nb.ui.panel.look import FLAT, column, html_pane, row, text_html
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.feed import Feed
from streamops_nb.ui.state.figures import (
    Tile,
    batch_table,
    lines_of,
    rate_table,
    stage_table,
    tiles_of,
)

__all__ = ["SummaryTab", "summary_html"]

_EARLIEST = " - stop it, then “Start from…” (⋯) and earliest reads what was there, too"
_SPANS = ["1m", "15m", "1h", "1d"]


class SummaryTab:
    """What a job does now; see `streamops_nb.ops.summary.Summary`."""

    def __init__(self, desk: Desk, job: str) -> None:
        self._figures = html_pane(css="summary.css")
        self._tables = html_pane(css="summary.css", margin=(8, 0))
        self._rates = Chart(title="Records", unit=" /s")
        self._lag = Chart(title="Lag")
        self._span = pmui.RadioButtonGroup(
            options=_SPANS, value="15m", size="small", margin=(8, 0), sx=FLAT
        )
        self._span.param.watch(desk.guard(lambda *_: self.refresh(now=True)), "value")
        self._feed = Feed(
            desk, f"The summary of {job} is not there", lambda: desk.door.summary(job), self._show
        )

    def __panel__(self) -> Any:
        return column(
            self._figures,
            self._span,
            row(self._rates, self._lag, styles=BESIDE),
            self._tables,
            margin=(10, 0),
        )

    def refresh(self, *, now: bool = False) -> None:
        """Show the present."""
        self._feed.refresh(now=now)

    def _show(self, summary: Any) -> None:
        lines = lines_of(summary.view, self._span.value)
        self._figures.object = summary_html(summary.dict)
        self._tables.object = tables_html(summary.dict)
        self._rates.series = [
            {"name": "read", "tone": 0, "points": lines["in"]},
            {"name": "written", "tone": 1, "points": lines["out"]},
        ]
        self._lag.series = [{"name": "to read", "tone": 2, "points": lines["lag"]}]


def summary_html(made: dict[str, Any]) -> str:
    """Write the figures of a job; every text of them is escaped."""
    silence = made["silence"].replace(FROM_NOW_ON, FROM_NOW_ON + _EARLIEST)
    said = [silence or made["reason"], *made["unfilled"]]
    why = "".join(f'<p class="said">{text_html(one)}</p>' for one in said if one)
    return f'{why}<div class="tiles">{"".join(map(_tile, tiles_of(made)))}</div>'


def _tile(tile: Tile) -> str:
    return (
        f'<div class="tile {tile.tone}"><span>{html.escape(tile.label)}</span>'
        f"<b>{html.escape(tile.value)}</b><small>{html.escape(tile.note) or '&nbsp;'}</small></div>"
    )


def tables_html(made: dict[str, Any]) -> str:
    """Write rates, batch times and stages."""
    tables = (rate_table(made), batch_table(made), stage_table(made))
    return f'<div class="tables">{"".join(_table(t) for t in tables if len(t) > 1)}</div>'


def _table(lines: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(text)}</th>" for text in lines[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in line) + "</tr>"
        for line in lines[1:]
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
