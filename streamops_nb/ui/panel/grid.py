"""Rows of data on a screen: a page at a time, as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import param
import pyarrow as pa

from streamops_nb.ui.panel.look import Plain, file_text, style
from streamops_nb.ui.panel.script import Script
from streamops_nb.ui.state.pages import Sheet

__all__ = ["Grid"]


class Grid(Script):
    """Shows a sheet.

    Parameters
    ----------
    on_row
        Called with the number of a row that was clicked.
    """

    columns = param.List(default=[])
    rows = param.List(default=[])
    tones = param.List(default=[])
    page = param.Integer(0)
    page_size = param.Integer(100)
    total = param.Integer(0)
    chosen = param.Integer(-1)
    clickable = param.Boolean(False)
    empty = param.String("")

    _esm = file_text("grid.js")
    _stylesheets: ClassVar[list[str]] = [file_text("grid.css")]

    def __init__(self, on_row: Callable[[int], None] | None = None, **how: Any) -> None:
        how = {"margin": 0, "sizing_mode": "stretch_width", **how}
        super().__init__(stylesheets=style(), design=Plain, clickable=on_row is not None, **how)
        self._on_row = on_row
        self.sheet = Sheet(table=pa.table({}))

    def fill(self, sheet: Sheet) -> None:
        """Show a sheet, the present page of it if it has so many."""
        self.sheet = sheet
        last = max(0, -(-sheet.total // self.page_size) - 1)
        self._turn(min(self.page, last))

    def _turn(self, page: int) -> None:
        rows, tones = self.sheet.page(page * self.page_size, self.page_size)
        self.param.update(
            columns=self.sheet.columns,
            tones=tones,
            page=page,
            total=self.sheet.total,
            empty=self.sheet.empty,
            rows=rows,
        )

    def _handle_msg(self, data: Any) -> None:
        if data.get("event") == "page":
            last = max(0, -(-self.sheet.total // self.page_size) - 1)
            self._turn(min(max(0, int(data["page"])), last))
        elif data.get("event") == "click" and self._on_row is not None:
            self.chosen = self._number_of(int(data["row"]), data.get("seen"))
            self._on_row(self.chosen)

    def _number_of(self, number: int, seen: Any) -> int:
        """Find the row that was clicked, if other rows have come since it was drawn."""
        first = self.page * self.page_size
        near = sorted(range(len(self.rows)), key=lambda at: abs(first + at - number))
        same = (first + at for at in near if list(self.rows[at]) == seen)
        return next(same, min(number, self.sheet.total - 1))
