"""Statements that come again and again are planned once.

Planning is most of what a small statement costs: 0.45 of the 0.85 ms of an ``INSERT`` of 20 rows.
DuckDB itself looks whether tables have changed since a statement was planned, but not whether
another frame has been registered under a name: `Planned.forget` has to be called then.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from streamops_nb.db.names import literal

__all__ = ["Planned", "Values"]

Values = Mapping[str, int | str]
"""Values of named parameters (``$name``, without the ``$``)."""

_MOST = 64
"""So many texts are kept in mind: a job has about four that stay, others hold changing numbers."""


class Planned:
    """The prepared statements of one cursor, by their text; made when a text comes again."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._names: dict[str, str] = {}
        self._ready: set[str] = set()

    def forget(self) -> None:
        """Plan anew whatever comes next."""
        self._ready.clear()

    def call(self, sql: str, values: Values) -> str | None:
        """Give what to execute in place of `sql`; None if it is new.

        Raises
        ------
        duckdb.Error
            If the statement cannot be planned.
        """
        name = self._names.get(sql)
        if name is None:
            self._note(sql)
            return None
        if name not in self._ready:
            self._cursor.execute(f"PREPARE {name} AS {sql}").fetchall()
            self._ready.add(name)
        return f"EXECUTE {name}({_arguments(values)})" if values else f"EXECUTE {name}"

    def _note(self, sql: str) -> None:
        if len(self._names) >= _MOST:  # names are given out anew: their old plans are replaced
            self._names.clear()
            self._ready.clear()
        self._names[sql] = f"_planned_{len(self._names)}"


def _arguments(values: Values) -> str:
    """Write arguments; one of another type than the parameter's would be planned anew each time."""
    return ", ".join(
        f"{name} := {literal(value) if isinstance(value, str) else f'{value}::BIGINT'}"
        for name, value in values.items()
    )
