"""Fields that no record of a run has: its records may call them otherwise.

A field that the schema declares and the records do not have is NULL, which is no reject.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

from streamops_nb.engine.references import Note
from streamops_nb.model.events import UNFILLED
from streamops_nb.model.wording import cut, number_of

__all__ = ["Unfilled", "unfilled"]

_ENOUGH = 2
"""Records after which it is told: a single one may well lack a value."""


def unfilled(columns: Iterable[str], records: str) -> str:
    """Say which fields are NULL in `records` (``all 12 records``)."""
    names = ", ".join(f"`{cut(column)}`" for column in columns)
    return f"{names} is NULL in {records}: do they call it so?"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfilled:
    """What is known of the streams of a run that have not had enough records yet.

    Parameters
    ----------
    watched
        Per stream that is looked at: records so far, and the fields that were NULL in all.
    notes
        What the last look found.
    """

    watched: Mapping[str, tuple[int, frozenset[str]]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @classmethod
    def of(cls, columns: Mapping[str, Iterable[str]]) -> Unfilled:
        """Begin to look at streams, of which the fields are given."""
        return cls(watched={name: (0, frozenset(fields)) for name, fields in columns.items()})

    def after(self, tables: Mapping[str, pa.Table]) -> Unfilled:
        """Look at the rows of a batch; a stream is told of once, and then no longer looked at."""
        if not self.watched:
            return self if not self.notes else replace(self, notes=())
        watched, notes = dict(self.watched), []
        for name, (before, fields) in self.watched.items():
            table = tables[name]
            rows, records = table.num_rows, before + table.num_rows
            empty = [c for c in table.column_names if c in fields and table[c].null_count == rows]
            if not rows:
                continue
            watched[name] = records, frozenset(empty)
            if records >= _ENOUGH or not empty:
                del watched[name]
                if empty:
                    first = f"all of the first {number_of(records, 'record')}"
                    notes.append(Note(name=name, what=UNFILLED, message=unfilled(empty, first)))
        return Unfilled(watched=watched, notes=tuple(notes))
