"""Frames as pages of text: what a screen shows of many rows, one page at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from streamops_nb.ops.preview.cells import rows_of
from streamops_nb.ui.state.wording import value_text

__all__ = ["Sheet", "sheet_of"]

_CUT = 120
"""So many characters of a value are shown; more are there on hover."""
_FULL = 2_000
_NUMBERS = ("int", "float", "double", "decimal", "uint", "halffloat")

Value = str | None | list[str]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Rows of data that are turned into text a page at a time.

    Parameters
    ----------
    table
        The rows.
    notes
        Per column, a small note under its name: its type.
    kinds
        Per column, how it is drawn (``number``, ``text``, ``wrap``, ``code``); default by its type.
    tones
        Per column a tone of its head, ``added`` or ``removed``.
    cell_tone, row_tone
        Say the tone of a cell, by its column and value, and of a row.
    empty
        What is said where there are no rows.
    """

    table: pa.Table
    notes: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    tones: Mapping[str, str] = field(default_factory=dict)
    cell_tone: Callable[[str, Any], str] | None = None
    row_tone: Callable[[Mapping[str, Any]], str] | None = None
    empty: str = "No rows."

    @property
    def columns(self) -> list[dict[str, str]]:
        """The heads of the columns."""
        return [
            {
                "name": name,
                "note": _short_type(self.notes.get(name, "")),
                "kind": self.kinds.get(name) or _kind(self.table.schema.field(name).type),
                "tone": self.tones.get(name, ""),
            }
            for name in self.table.column_names
        ]

    @property
    def total(self) -> int:
        """The number of rows."""
        return int(self.table.num_rows)

    def page(self, first: int, size: int) -> tuple[list[list[Value]], list[str]]:
        """Give rows as text, and the tone of each."""
        rows = rows_of(self.table.slice(first, size))
        names = self.table.column_names
        cells = [[self._cell(name, row[name]) for name in names] for row in rows]
        return cells, [self.row_tone(row) if self.row_tone else "" for row in rows]

    def row(self, number: int) -> dict[str, Any]:
        """Give one row as values."""
        return rows_of(self.table.slice(number, 1))[0]

    def _cell(self, name: str, value: Any) -> Value:
        if value is None:
            return None
        full = value_text(value, _FULL)
        tone = self.cell_tone(name, value) if self.cell_tone else ""
        if len(full) > _CUT:
            return [f"{full[: _CUT - 1]}…", full, tone]
        return [full, "", tone] if tone else full


def _short_type(name: str) -> str:
    short = name.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
    return short.replace("TIMESTAMPTZ", "TIMESTAMPTZ, UTC")


def _kind(type_: pa.DataType) -> str:
    return "number" if str(type_).startswith(_NUMBERS) else "text"


def sheet_of(frame: Any, names: Sequence[str] | None = None, **how: Any) -> Sheet:
    """Make a sheet of a DataFrame or an Arrow table, of some of its columns.

    What Arrow cannot hold is taken as text.
    """
    if isinstance(frame, pa.Table):
        table = frame
    else:
        try:
            table = pa.Table.from_pandas(frame, preserve_index=False)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            table = pa.Table.from_pandas(frame.astype(str), preserve_index=False)
    return Sheet(table=table if names is None else table.select(list(names)), **how)
