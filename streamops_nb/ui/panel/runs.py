"""The runs of a job: what each did, two of them beside each other, and the metrics over time."""

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui

from streamops_nb.ui.panel.chart import BESIDE, Chart
from streamops_nb.ui.panel.grid import Grid
from streamops_nb.ui.panel.look import FLAT, column, html_pane, row
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.feed import Feed
from streamops_nb.ui.state.metrics import CHARTS, SPANS, drawn, of_run, runs_sheet
from streamops_nb.ui.state.pages import sheet_of

__all__ = ["RunsTab"]


class RunsTab:
    """Shows runs, compares two of them, and draws the metrics of one or of the last time."""

    def __init__(self, desk: Desk, job: str) -> None:
        self._desk, self._job = desk, job
        self._grid = Grid(desk.guard(self._choose), page_size=20, styles={"--grid-height": "220px"})
        self._runs: Any = None
        self._run: int | None = None
        self._compared = Grid(page_size=20, visible=False)
        self._said = html_pane(css="preview.css")
        self._with = pmui.Select(
            label="Compare with run", options=[], size="small", width=170, margin=(8, 4),
            visible=False,
        )  # fmt: skip
        self._with.param.watch(desk.guard(self._compare), "value")
        self._span = pmui.RadioButtonGroup(
            options=list(SPANS), value="15m", size="small", margin=(10, 0), sx=FLAT
        )
        self._span.param.watch(desk.guard(self._spanned), "value")
        self._charts = {title: Chart(title=title, unit=unit) for title, (unit, _) in CHARTS.items()}
        self._feed = Feed(
            desk, "The runs are not there", lambda: desk.door.runs(job), self._show, every=3.0
        )
        self._metrics = Feed(desk, "The metrics are not there", self._measure, self._draw, 3.0)

    def __panel__(self) -> Any:
        charts = list(self._charts.values())
        pairs = [
            row(*charts[at : at + 2], styles=BESIDE, margin=(0, 0, 12, 0))
            for at in range(0, len(charts), 2)
        ]
        return column(
            self._grid, row(self._with), self._said, self._compared, self._span, *pairs,
            margin=(10, 0),
        )  # fmt: skip

    def refresh(self, *, now: bool = False) -> None:
        """Show the present."""
        self._feed.refresh(now=now)
        self._metrics.refresh(now=now)

    def _show(self, runs: Any) -> None:
        self._runs = runs
        self._grid.fill(runs_sheet(runs))

    def _spanned(self, *_: Any) -> None:
        """Draw what all runs did of late."""
        self._run, self._grid.chosen, self._said.object = None, -1, ""
        self._with.visible = self._compared.visible = False
        self._metrics.refresh(now=True)

    def _choose(self, number: int) -> None:
        """Choose a run: its metrics are drawn, and others are offered to be compared with it."""
        self._run = int(self._runs["run"].iloc[number])
        others = [int(run) for run in self._runs["run"] if run != self._run]
        options = {"none": None, **{f"run {run}": run for run in others}}
        self._with.param.update(options=options, value=None, visible=bool(others))
        self._compared.visible = False
        self._said.object = f"<p>The metrics below are of run {self._run}.</p>"
        self._metrics.refresh(now=True)

    def _compare(self, event: Any) -> None:
        if event.new is None or self._run is None:
            return
        before, after = sorted((int(event.new), self._run))
        line = f"ws.compare_runs({self._job!r}, {before}, {after})"
        self._desk.work(
            "The runs cannot be compared",
            lambda: self._desk.door.compare_runs(self._job, before, after),
            lambda frame: self._show_compared(frame, line),
            line,
        )

    def _show_compared(self, frame: Any, line: str) -> None:
        self._compared.visible = True
        self._compared.fill(sheet_of(frame.reset_index(names="figure")))
        self._desk.notices.tell("info", "This compares the same:", line=line)

    def _measure(self) -> Any:
        door, job = self._desk.door, self._job
        if self._run is None:
            return door.metrics(job, since=self._span.value)
        return of_run(door.metrics(job), self._run)

    def _draw(self, frame: Any) -> None:
        for title, chart in self._charts.items():
            chart.series = drawn(frame, title)
