"""The relations of one preview: Arrow tables that a sealed session reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa

from streamops_nb.db import Session, ident

__all__ = ["CARRIED", "CHUNK", "Tables", "places_of"]

CHUNK = 25_000
"""Rows in a piece of a relation: it is read on all cores."""
_FEW = CHUNK
"""Rows of a relation whose place is kept for that of the next preview; see `Session.register`."""
CARRIED = {
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "UTINYINT": pa.uint8(),
    "USMALLINT": pa.uint16(),
    "UINTEGER": pa.uint32(),
    "UBIGINT": pa.uint64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "BLOB": pa.binary(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
    "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
}
"""DuckDB types that come back from Arrow as they went, and that Arrow sorts; others are cast."""


class Tables:
    """Relations that a preview makes and reads.

    A relation's rows are an Arrow table, which the caller gets without another copy (writing them
    into a table of the database and reading them back takes three times as long). The query sees
    it under its name, without columns of ours, and sometimes only a part of the rows.

    Parameters
    ----------
    session
        A session of a sealed database.
    most
        So many bytes may all relations that are made here have: they lie outside the database,
        whose memory is bounded by itself.
    """

    def __init__(self, session: Session, most: int = 2**30) -> None:
        self._session = session
        self._left = most
        self._tables: dict[str, pa.Table] = {}
        self._hidden: dict[str, tuple[str, ...]] = {}
        self._columns: dict[str, Mapping[str, str]] = {}
        self._shown: dict[str, str] = {}

    def rows(self, name: str) -> int:
        """The number of a relation's rows."""
        return int(self._tables[name].num_rows)

    def load(
        self,
        name: str,
        rows: pa.Table,
        columns: Mapping[str, str],
        hidden: tuple[str, ...] = (),
        *,
        read: bool = True,
    ) -> None:
        """Make a relation of an Arrow table.

        Parameters
        ----------
        columns
            Column to DuckDB type, hidden ones apart; none if they are as Arrow says.
        hidden
            Columns that are not seen under the relation's name.
        read
            Whether a query is to read it: that costs a quarter of a millisecond.
        """
        self._tables[name] = rows
        self._hidden[name] = hidden
        self._columns[name] = columns
        if read:
            self._expose(name, self._visible(name), columns)

    def result(self, query: str) -> pa.Table:
        """Give a query's result, for `load`.

        Raises
        ------
        RowError
            If the query fails on a row.
        QueryError
            If the result is too large.
        """
        rows = self._session.table(query, chunk=CHUNK, most=self._left)
        self._left -= rows.nbytes
        return rows

    def extended(
        self, name: str, handed: Mapping[str, str], query: str | None, columns: Mapping[str, str]
    ) -> pa.Table | None:
        """Give the rows of a stage that hands on columns of a relation, these without a copy.

        None if that cannot be: a column is not as DuckDB would give it.

        Parameters
        ----------
        name, handed
            The relation, and per column of the stage which of its columns it is.
        query
            Makes the other columns.
        columns
            The stage's: column to DuckDB type.
        """
        rows = self._tables[name]
        given = {column: rows[source] for column, source in handed.items()}
        if any(values.type != CARRIED.get(columns[column]) for column, values in given.items()):
            return None
        if query is not None:
            made = self.result(query)
            given |= zip(made.column_names, made.columns, strict=True)
        return pa.table({column: given[column] for column in columns})

    def show(self, name: str, begin: int = 0, end: int | None = None) -> None:
        """Let the view show the rows from `begin` to `end`, default all."""
        rows = self._visible(name)
        part = rows if end is None else rows.slice(begin, end - begin)
        self._session.register(self._shown[name], part, few=_FEW)

    def show_as(self, view: str, name: str, hidden: str, seen_as: str) -> None:
        """Let another view show all of a relation, one of its hidden columns under a name."""
        rows = self._visible(name).append_column(seen_as, self._tables[name][hidden])
        columns = self._columns[name]
        # the same name may show another relation later, with types to be given back
        self._expose_typed(view, rows, {**columns, seen_as: "BIGINT"} if columns else columns)

    def _visible(self, name: str) -> pa.Table:
        hidden = self._hidden[name]
        return self._tables[name].drop_columns(list(hidden)) if hidden else self._tables[name]

    def _expose(self, view: str, rows: pa.Table, columns: Mapping[str, str]) -> None:
        """Make rows readable under a name; by a view only if types have to be given back."""
        if CARRIED.keys() >= set(columns.values()):
            self._shown[view] = view
            self._session.register(view, rows, few=_FEW)
        else:
            self._expose_typed(view, rows, columns)

    def _expose_typed(self, view: str, rows: pa.Table, columns: Mapping[str, str]) -> None:
        self._shown[view] = f"_rows_{view}"
        self._session.register(self._shown[view], rows, few=_FEW)
        typed = ", ".join(_cast(column, kind) for column, kind in columns.items()) or "*"
        self._session.view(view, f"SELECT {typed} FROM {ident(self._shown[view])}")

    def numbers(self, name: str, column: str, places: Collection[int]) -> np.ndarray:
        """Read a hidden column of some rows, in the order of their places."""
        picked = self._tables[name][column].take(pa.array(sorted(places), pa.int64()))
        numbers: np.ndarray = picked.to_numpy()
        return numbers

    def take(self, name: str, places: Collection[int]) -> pa.Table:
        """Take rows out of a relation; give them as the query saw them."""
        rows, found = self._tables[name], sorted(places)
        keep = np.ones(rows.num_rows, dtype=bool)
        keep[found] = False
        self._tables[name] = rows.filter(pa.array(keep))
        self.show(name)
        return rows.take(pa.array(found, pa.int64())).drop_columns(list(self._hidden[name]))

    def table(self, name: str, without: Collection[str] = ()) -> pa.Table:
        """Give a relation's rows, hidden columns too, except those named."""
        rows = self._tables[name]
        return rows.drop_columns(list(without)) if without else rows


def _cast(column: str, kind: str) -> str:
    if kind in CARRIED:
        return ident(column)
    return f"CAST({ident(column)} AS {kind}) AS {ident(column)}"


def places_of(culprits: Mapping[int, str]) -> tuple[np.ndarray, list[str]]:
    """The places of failing rows, ascending, and why each fails."""
    places = np.array(sorted(culprits), dtype=np.int64)
    return places, [culprits[int(place)] for place in places]
