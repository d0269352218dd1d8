"""The newest rows of a job's output, live or frozen."""

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui
import pyarrow as pa

from streamops_nb.model.wording import number_of
from streamops_nb.ui.panel.grid import Grid
from streamops_nb.ui.panel.look import EDGES, button, column, gap, html_pane, row
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.feed import Feed
from streamops_nb.ui.state.pages import Sheet, sheet_of

__all__ = ["OutputTab"]

_ROWS = 500
_DOWNLOAD = 50_000
"""At most so many rows are downloaded; more are read with ``job.output.df()``."""


class OutputTab:
    """Shows what a job wrote to its table, the newest first."""

    def __init__(self, desk: Desk, job: str) -> None:
        self._desk, self._job = desk, job
        self._grid = Grid(page_size=50)
        self._live = pmui.Switch(label="Live", value=True, margin=(6, 8))
        self._said = html_pane(css="summary.css", margin=(16, 8))
        self._feed = Feed(
            desk, f"The output of {job} is not there", self._ask, self._show, every=2.0
        )

    def __panel__(self) -> Any:
        download = button("Download CSV", "download", on_click=self._desk.guard(self._download))
        return column(
            row(self._live, self._said, gap(), download, **EDGES), self._grid, margin=(6, 0)
        )

    def refresh(self, *, now: bool = False) -> None:
        """Show the present, unless it is frozen."""
        if self._live.value or now:
            self._feed.refresh(now=now)

    def _ask(self) -> Any:
        job = self._desk.door.job(self._job)
        if job.spec.sink.type != "table":
            return f"The job writes to {job.spec.sink.type}, not to a table of the workspace."
        if not job.view.run:
            return "No output yet: the job has not been started."
        return job.output.df(_ROWS), len(job.output)

    def _show(self, found: Any) -> None:
        if isinstance(found, str):
            self._said.object = ""
            self._grid.fill(Sheet(table=pa.table({}), empty=found))
            return
        frame, total = found
        newest = f"the newest {len(frame):,} of " if len(frame) < total else ""
        self._said.object = f"{newest}{number_of(total)}" if total else ""
        said = "No rows yet: the summary says what is waited for."
        self._grid.fill(sheet_of(frame, empty=said))

    def _download(self, *_: Any) -> None:
        name = f"{self._job}.csv"
        line = f"ws.job({self._job!r}).output.df({_DOWNLOAD}).to_csv({name!r}, index=False)"
        self._desk.work(
            "The output was not downloaded",
            lambda: self._desk.door.job(self._job).output.df(_DOWNLOAD).to_csv(index=False),
            lambda text: self._desk.hand_over(name, text, line),
            line,
        )
