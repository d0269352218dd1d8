"""The table of jobs: a small component of our own.

Panel's Tabulator selects and acts by position, draws HTML, and has no buttons that a keyboard
reaches; see docs/adr/0007.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import param

from streamops_nb.ui.panel.look import Plain, file_text, style
from streamops_nb.ui.panel.script import Script
from streamops_nb.ui.state.cells import COLUMNS, MENU, cells_of, changes
from streamops_nb.ui.state.desk import Desk

__all__ = ["JobTable"]


class JobTable(Script):
    """The jobs of the present page; says what was clicked, by the job's name."""

    columns = param.List(default=list(COLUMNS))
    menu = param.List(default=list(MENU))
    rows = param.List(default=[])
    selected = param.List(default=[])
    empty = param.String("")
    order = param.String("name")
    falling = param.Boolean(False)
    opens = param.Boolean(True, doc="Whether a job's page can be opened.")

    _esm = file_text("table.js")
    _stylesheets: ClassVar[list[str]] = [file_text("table.css")]

    def __init__(self, desk: Desk, acts: Callable[[str, str], None], **how: Any) -> None:
        super().__init__(stylesheets=style(), design=Plain, **how)
        self._desk = desk
        self._acts = acts
        board = desk.board
        self._shown: dict[str, dict[str, Any]] = {}
        self._watchers = [
            (board, board.param.watch(self._show_selected, ["selected"])),
            (board, board.param.watch(self.refresh, _FILTERS)),
            (desk, desk.param.watch(self.refresh, ["asked"])),
        ]
        self.refresh()

    def refresh(self, *_: Any) -> None:
        """Show the board as it is: cells that changed, or all rows if others are shown now."""
        board = self._desk.board
        at, asked = board.picture.at, self._desk.asked
        barred = self._desk.permits.barred
        rows = [cells_of(row, at, asked.get(row.name, ""), barred) for row in board.shown()]
        if [row["key"] for row in rows] == list(self._shown):
            found = [changes(self._shown[row["key"]], row) for row in rows]
            patch = [change for change in found if change]
            if patch:
                self._send_msg({"patch": patch})
                with param.parameterized.discard_events(self):
                    self.rows = rows  # for a table that is drawn anew
        else:
            self.rows = rows
            self._show_selected()
        self._shown = {row["key"]: row for row in rows}
        self.param.update(order=board.order, falling=board.falling, empty=self._empty())

    def drawn(self) -> dict[str, Any]:
        """Give all that its script needs to draw it."""
        return {name: getattr(self, name) for name in _DRAWN}

    def _empty(self) -> str:
        board = self._desk.board
        if not board.picture.at:
            return "Looking at the workspace…"
        if not board.picture.rows:
            return "No jobs yet - make a new one, import one, or run the demo (make demo)."
        if not board.found():
            return "No job is found - clear the search and the filters, or choose another tab."
        return ""

    def _show_selected(self, *_: Any) -> None:
        shown = {row.name for row in self._desk.board.shown()}
        self.selected = sorted(self._desk.board.selected & shown)

    def _handle_msg(self, data: Any) -> None:
        self._desk.guard(self._told)(data)

    def _told(self, said: dict[str, Any]) -> None:
        board, what = self._desk.board, said.get("event")
        if what == "ready":
            self._send_msg({"patch": list(self._shown.values())})
        elif what == "select":
            board.select(str(said["job"]), on=bool(said["on"]))
        elif what == "all":
            board.select_shown(on=bool(said["on"]))
        elif what == "sort":
            board.sort(str(said["order"]))
        elif what == "open":
            self._desk.open(str(said["job"]))
        elif what == "act":
            self._acts(str(said["verb"]), str(said["job"]))

    def forget(self) -> None:
        """Let go of the state."""
        for owner, watcher in self._watchers:
            owner.param.unwatch(watcher)
        self._watchers = []


_DRAWN = ("columns", "menu", "rows", "selected", "empty", "order", "falling", "opens")

_FILTERS = [
    "picture", "tab", "search", "owner", "tag", "order", "falling", "page", "page_size",
]  # fmt: skip
