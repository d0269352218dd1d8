"""The relations of one preview: temporary tables of a sealed session, each behind a view."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa

from streamops_nb.db import Session, ident

__all__ = ["Tables"]


class Tables:
    """Relations that a preview makes and reads.

    A relation's rows stand in a table; the query reads a view of its name over that, which hides
    columns of ours and can show a part of the rows.

    Parameters
    ----------
    session
        A session of a sealed database.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._hidden: dict[str, tuple[str, ...]] = {}
        self._rows: dict[str, int] = {}

    def rows(self, name: str) -> int:
        """The number of a relation's rows."""
        return self._rows[name]

    def load(self, name: str, rows: pa.Table, columns: Mapping[str, str] | None = None) -> None:
        """Make a relation of an Arrow table; of the given types, if Arrow does not know them."""
        typed = "*"
        if columns is not None:
            casts = (f"CAST({ident(c)} AS {kind}) AS {ident(c)}" for c, kind in columns.items())
            typed = ", ".join(casts)
        with self._session.registered(_frame=rows):
            self.make(name, f"SELECT {typed} FROM _frame")

    def make(self, name: str, query: str, hidden: tuple[str, ...] = ()) -> None:
        """Make a relation of a query's result.

        Parameters
        ----------
        hidden
            Columns that are not seen under the relation's name.

        Raises
        ------
        RowError
            If the query fails on a row; the relation is as before then.
        """
        made = self._session.run(f"CREATE OR REPLACE TEMP TABLE {_table(name)} AS {query}")
        self._hidden[name] = hidden
        self._rows[name] = made
        self.show(name)

    def show(self, name: str, begin: int = 0, end: int | None = None) -> None:
        """Let the view show the rows from `begin` to `end`, default all."""
        part = "" if end is None else f" WHERE rowid >= {begin} AND rowid < {end}"
        seen = f"* EXCLUDE ({', '.join(map(ident, self._hidden[name]))})"
        self._session.rows(
            f"CREATE OR REPLACE TEMP VIEW {ident(name)} AS "
            f"SELECT {seen if self._hidden[name] else '*'} FROM {_table(name)}{part}"
        )

    def show_as(self, view: str, name: str, hidden: str, seen_as: str) -> None:
        """Let another view show all of a relation, one of its hidden columns under a name."""
        others = ", ".join(map(ident, self._hidden[name]))
        self._session.rows(
            f"CREATE OR REPLACE TEMP VIEW {ident(view)} AS SELECT * EXCLUDE ({others}), "
            f"{ident(hidden)} AS {ident(seen_as)} FROM {_table(name)}"
        )

    def numbers(self, name: str, column: str, places: Collection[int]) -> np.ndarray:
        """Read a hidden column of some rows."""
        found = ", ".join(str(int(place)) for place in places)
        rows = self._session.table(
            f"SELECT {ident(column)} FROM {_table(name)} WHERE rowid IN ({found}) ORDER BY rowid"
        )
        numbers: np.ndarray = rows[column].to_numpy()
        return numbers

    def take(self, name: str, places: Collection[int]) -> pa.Table:
        """Take rows out of a relation; give them as the query saw them."""
        found = ", ".join(str(int(place)) for place in places)
        taken = self._session.table(
            f"SELECT * FROM {_table(name)} WHERE rowid IN ({found}) ORDER BY rowid"
        ).drop_columns(list(self._hidden[name]))
        self.make(
            name, f"SELECT * FROM {_table(name)} WHERE rowid NOT IN ({found})", self._hidden[name]
        )
        return taken

    def table(self, name: str, extra: str = "") -> pa.Table:
        """Give a relation's rows.

        Parameters
        ----------
        extra
            SQL for one more column, over the hidden ones too.
        """
        hidden = self._hidden[name]
        seen = f"* EXCLUDE ({', '.join(map(ident, hidden))})" if hidden else "*"
        more = f", {extra}" if extra else ""
        return self._session.table(f"SELECT {seen}{more} FROM {_table(name)}")


def _table(name: str) -> str:
    return ident(f"_rows_{name}")


def places_of(culprits: Mapping[int, str]) -> tuple[np.ndarray, list[str]]:
    """The places of failing rows, ascending, and why each fails."""
    places = np.array(sorted(culprits), dtype=np.int64)
    return places, [culprits[int(place)] for place in places]
