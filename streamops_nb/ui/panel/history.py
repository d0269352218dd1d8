"""The history of a job: who did what, when and why, and the line of Python that does it."""

from __future__ import annotations

from typing import Any

from streamops_nb.ui.panel.grid import Grid
from streamops_nb.ui.panel.look import column
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.feed import Feed
from streamops_nb.ui.state.pages import sheet_of

__all__ = ["HistoryTab"]

_COLUMNS = ["at", "who", "action", "result", "line", "why"]


class HistoryTab:
    """Shows every action and every change of status, the newest first."""

    def __init__(self, desk: Desk, job: str) -> None:
        self._desk = desk
        self._grid = Grid(desk.guard(self._told), page_size=50)
        self._feed = Feed(
            desk, "The history is not there", lambda: desk.door.history(job), self._show, every=2.0
        )

    def __panel__(self) -> Any:
        return column(self._grid, margin=(10, 0))

    def refresh(self, *, now: bool = False) -> None:
        """Show the present."""
        self._feed.refresh(now=now)

    def _show(self, frame: Any) -> None:
        newest = frame.iloc[::-1][_COLUMNS].copy()
        newest["at"] = newest["at"].dt.strftime("%Y-%m-%d %H:%M:%S")
        self._grid.fill(
            sheet_of(
                newest,
                notes={"at": "UTC", "line": "click a row to copy it"},
                kinds={"why": "wrap", "result": "wrap", "line": "code"},
                cell_tone=_tone,
                empty="Nothing has happened yet.",
            )
        )

    def _told(self, number: int) -> None:
        line = self._grid.sheet.row(number)["line"]
        if line:
            self._desk.notices.tell("info", "This line of Python does the same:", line=line)


def _tone(name: str, value: Any) -> str:
    if name == "result" and value != "done":
        return "bad"
    return "quiet" if name == "who" and value == "engine" else ""
