"""Sessions: one DuckDB cursor each, never shared between threads at one time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from streamops_nb.db.arrow import fetch, fetch_bounded
from streamops_nb.db.names import ident
from streamops_nb.db.planned import Planned, Values
from streamops_nb.model.errors import (
    Interrupted,
    QueryError,
    RowError,
    StorageError,
    StreamopsError,
)

__all__ = ["Session", "read_table"]

_ROW_ERRORS = (
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.InvalidInputException,
)


def _translate(error: duckdb.Error) -> StreamopsError:
    """Map what DuckDB raises to our tree: the one table of the border."""
    text = str(error).split("\n\nLINE ")[0].strip()
    if isinstance(error, duckdb.InterruptException):
        return Interrupted("The query was interrupted.")
    if "No space left" in text or "file too large" in text.lower():
        remedy = "make room on the disk; nothing is lost, the work goes on from the last commit"
        return StorageError(f"{text} - {remedy}", retryable=True)
    if isinstance(error, _ROW_ERRORS):
        return RowError(text)
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryError(f"{text} - allocate more CU or make the query keep less")
    if isinstance(error, (duckdb.IOException, duckdb.SerializationException)):
        return StorageError(text)
    if isinstance(error, (duckdb.InternalException, duckdb.FatalException)):
        return StorageError(text)
    return QueryError(text)


_FEW = 2_000
"""Tables of so many rows are held unless it is told otherwise: larger ones gain by DuckDB reading
only the columns it needs."""


class _Held:
    """A small Arrow table whose place another of the same schema can take.

    Registering costs 0.4 ms, and as much again to forget; taking a place costs nothing.
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def takes(self, table: pa.Table, few: int) -> bool:
        """Whether `table` may take the place."""
        return bool(table.num_rows <= few and table.schema.equals(self.table.schema))

    def __arrow_c_schema__(self) -> object:
        return self.table.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class Session:
    """One cursor of an instance, with its own temporary tables, registered frames and settings.

    Every statement is drained before the method returns, so that the cursor is free again.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._hidden: dict[str, str] = {}
        self._held: dict[str, _Held] = {}
        self._held_in_transaction: set[str] = set()
        self._large: set[str] = set()
        self._views: set[str] = set()
        self._planned = Planned(cursor)
        # parsed once: saves 0.05 ms per transaction
        self._begin, self._commit = cursor.extract_statements("BEGIN; COMMIT")

    def run(
        self,
        sql: str,
        params: Sequence[Any] | Mapping[str, Any] | None = None,
        *,
        often: Values | None = None,
    ) -> int:
        """Execute a statement and return the number of rows it changed (0 if it says none)."""
        rows = self.rows(sql, params, often=often)
        if len(rows) == 1 and len(rows[0]) == 1 and isinstance(rows[0][0], int):
            return rows[0][0]
        return 0

    def rows(
        self,
        sql: str,
        params: Sequence[Any] | Mapping[str, Any] | None = None,
        *,
        often: Values | None = None,
    ) -> list[tuple[Any, ...]]:
        """Execute a statement and return all its rows.

        Parameters
        ----------
        params
            Values of its parameters.
        often
            Instead of `params`, if the same text comes with each batch: it is planned only once.
            Each parameter may stand in it once, as ``CAST($name AS BIGINT)`` or ``VARCHAR``; else
            the result is the same, but DuckDB plans anew each time.
        """
        try:
            sql, params = self._call(sql, params, often)
            return self._cursor.execute(sql, params).fetchall()
        except duckdb.Error as error:
            raise _translate(error) from error

    def table(
        self,
        sql: str,
        params: Sequence[Any] | Mapping[str, Any] | None = None,
        *,
        often: Values | None = None,
        chunk: int = 1_000_000,
        most: int | None = None,
    ) -> pa.Table:
        """Execute a query and return its result as an Arrow table in batches of `chunk` rows.

        Parameters
        ----------
        most
            Give up, as if DuckDB's memory were full, at more bytes; without `params` and `often`.
        """
        try:
            sql, params = self._call(sql, params, often)
            if params:
                return self._cursor.sql(sql, params=params).to_arrow_table(chunk)
            if most is not None:
                return fetch_bounded(self._cursor, sql, chunk, most)
            return fetch(self._cursor, sql, chunk)
        except duckdb.Error as error:
            raise _translate(error) from error

    def _call(self, sql: str, params: Any, often: Values | None) -> tuple[str, Any]:
        """Give what to execute, and its parameters."""
        if often is None:
            return sql, params
        # a plan is kept as long as all frames keep their places; large ones are registered anew
        call = None if self._large else self._planned.call(sql, often)
        return (sql, often or None) if call is None else (call, None)

    def describe(self, select: str) -> dict[str, str]:
        """Give column name to type of a query, from the binder, without running it."""
        return {row[0]: row[1] for row in self.rows(f"DESCRIBE {select}")}

    def register(self, name: str, table: pa.Table, *, few: int = _FEW) -> None:
        """Make an Arrow table readable under `name` in this session, until replaced.

        Parameters
        ----------
        few
            A table of at most so many rows can be replaced by others at no cost.
        """
        name = self._hidden.get(name, name)
        held = self._held.get(name)
        if held is not None and held.takes(table, few):
            held.table = table
            return
        if name in self._views:
            self._drop_view(name)
        fresh = _Held(table) if table.num_rows <= few else None
        self._planned.forget()
        try:
            self._cursor.register(name, fresh or table)
        except duckdb.Error as error:
            raise _translate(error) from error
        self._held.pop(name, None)
        self._large.discard(name)
        if fresh is None:
            self._large.add(name)
        else:
            self._held[name] = fresh
            self._held_in_transaction.add(name)

    def declare(self, name: str, columns: Mapping[str, str], empty: pa.Table) -> None:
        """Say which types tables registered as `name` have.

        Arrow has no JSON, UUID, HUGEINT or ENUM: where a table's columns come back as something
        else, they are cast by a view of that name over the table.

        Parameters
        ----------
        columns
            Column name to DuckDB type.
        empty
            A table without rows, as the registered ones will be.
        """
        typed = columns.items()
        casts = ", ".join(f"CAST({ident(c)} AS {kind}) AS {ident(c)}" for c, kind in typed)
        self.register(name, empty)
        found, wanted = (self.describe(f"SELECT {s} FROM {ident(name)}") for s in ("*", casts))
        if found == wanted:
            return
        self.unregister(name)
        hidden = self._hidden[name] = f"_arrow_{name}"
        self.register(name, empty)
        self.rows(f"CREATE TEMP VIEW {ident(name)} AS SELECT {casts} FROM {ident(hidden)}")

    def view(self, name: str, select: str) -> None:
        """Make a query readable under `name` in this session, instead of what is by now."""
        self._held.pop(name, None)
        self._large.discard(name)
        self._planned.forget()
        self.rows(f"CREATE OR REPLACE TEMP VIEW {ident(name)} AS {select}")
        self._views.add(name)

    def _drop_view(self, name: str) -> None:
        self._views.discard(name)
        self.rows(f"DROP VIEW IF EXISTS {ident(name)}")

    def unregister(self, name: str) -> None:
        """Forget a registered table."""
        self._held.pop(name, None)
        self._large.discard(name)
        self._planned.forget()
        # in an aborted transaction DuckDB refuses even this; its roll-back forgets the table
        with suppress(duckdb.Error):
            self._cursor.unregister(name)

    @contextmanager
    def registered(self, **tables: pa.Table) -> Iterator[None]:
        """Register tables for the length of a block; after it they are gone, or empty."""
        for name, table in tables.items():
            self.register(name, table)
        try:
            yield
        finally:
            for name in tables:
                held = self._held.get(name)
                if held is None:
                    self.unregister(name)
                else:
                    held.table = held.table.slice(0, 0)

    def rest(self) -> None:
        """Let go of all views and of registered rows; what was held keeps its place."""
        for name in list(self._views):
            self._drop_view(name)
        for name in list(self._large):
            self.unregister(name)
        for held in self._held.values():
            held.table = held.table.schema.empty_table()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end of the block, or roll back if it raises."""
        self._do(self._begin)
        self._held_in_transaction.clear()
        try:
            yield
            self._do(self._commit)
        except BaseException:
            self._roll_back()
            raise

    def _do(self, statement: duckdb.Statement) -> None:
        try:
            self._cursor.execute(statement).fetchall()
        except duckdb.Error as error:
            raise _translate(error) from error

    def _roll_back(self) -> None:
        self._planned.forget()
        for name in self._held_in_transaction:
            self._held.pop(name, None)
        # after a fatal error DuckDB has ended the transaction itself
        with suppress(duckdb.Error):
            self._cursor.execute("ROLLBACK").fetchall()

    def interrupt(self) -> None:
        """Stop the statement that runs in this session; may be called from any thread."""
        self._cursor.interrupt()

    def close(self) -> None:
        """Close the cursor."""
        self._cursor.close()


def read_table(path: Path, table: str) -> pa.Table:
    """Read a table out of another DuckDB file, which is opened read-only for that long.

    Raises
    ------
    StreamopsError
        If the file or the table cannot be read.
    """
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.sql(f"FROM {ident(table)}").to_arrow_table()
    except duckdb.Error as error:
        raise _translate(error) from error
