"""Fields that no record of a run has: its records may call them otherwise.

A field that the schema declares and the records do not have is NULL, which is no reject.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import pyarrow as pa

from streamops_nb.engine.references import Note
from streamops_nb.model.events import FILLED, UNFILLED
from streamops_nb.model.wording import cut, number_of

__all__ = ["Unfilled", "unfilled"]

_ENOUGH = 2
"""Records after which it is told: a single one may well lack a value."""


def unfilled(columns: Collection[str], records: str) -> str:
    """Say which fields are NULL in `records` (``all 12 records``)."""
    are, it = ("is", "it") if len(columns) == 1 else ("are", "them")
    return f"{_names(columns)} {are} NULL in {records}: do they call {it} so?"


class Watched(NamedTuple):
    """A stream that is looked at: records so far, fields NULL in all of them, whether told."""

    records: int
    empty: frozenset[str]
    told: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfilled:
    """What is known of the streams of a run that have fields without values.

    Parameters
    ----------
    watched
        Those streams, and those that have not had enough records yet.
    notes
        What the last look found.
    """

    watched: Mapping[str, Watched] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @classmethod
    def of(cls, columns: Mapping[str, Iterable[str]]) -> Unfilled:
        """Begin to look at streams, of which the fields are given."""
        return cls(watched={name: Watched(0, frozenset(each)) for name, each in columns.items()})

    def after(self, tables: Mapping[str, pa.Table]) -> Unfilled:
        """Look at the rows of a batch; that a field has a value after all is told as well."""
        if not self.watched:
            return self if not self.notes else replace(self, notes=())
        watched: dict[str, Watched] = {}
        notes: list[Note] = []
        for name, before in self.watched.items():
            now, told = _look(name, before, tables[name])
            notes += told
            if now.empty:
                watched[name] = now
        return Unfilled(watched=watched, notes=tuple(notes))


def _look(name: str, before: Watched, table: pa.Table) -> tuple[Watched, list[Note]]:
    rows, records = table.num_rows, before.records + table.num_rows
    found = {c for c in before.empty if table[c].null_count < rows}
    now = Watched(records, before.empty - found, before.told or records >= _ENOUGH)
    notes = []
    if before.told and found:
        said = f"{_names(sorted(found))}: a value came after {number_of(before.records, 'record')}"
        notes.append(Note(name=name, what=FILLED, message=said))
    if now.told and now.empty and (found or not before.told):
        first = f"all of the first {number_of(records, 'record')}"
        said = unfilled([c for c in table.column_names if c in now.empty], first)
        notes.append(Note(name=name, what=UNFILLED, message=said))
    return now, notes


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f"`{cut(column)}`" for column in columns)
