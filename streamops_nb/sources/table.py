"""A stream to which a program appends rows, kept as a table of the workspace."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from streamops_nb.db import Session, ident
from streamops_nb.model.errors import Fault, QueryError, Refused, RowError, SourceError
from streamops_nb.sources import base
from streamops_nb.sources.batches import BATCH, BatchSource

__all__ = ["TableSettings", "TableSource", "append", "create"]

# a long append becomes several batches, so that a reader's batches stay bounded
_ROWS = 50_000
_PATIENCE = 5.0


class TableSettings(base.Settings):
    """Settings of a stream of appended rows.

    Parameters
    ----------
    stream
        The name of the log, as in ``ws.stream("clicks").append(frame)``.
    """

    stream: str = Field(min_length=1)


class TableSource(BatchSource):
    """The rows that were appended to a log of this workspace, in whole appends."""

    Settings: ClassVar[type[base.Settings]] = TableSettings

    def __init__(self, settings: TableSettings, context: base.Context) -> None:
        super().__init__(
            f"stream:{settings.stream}", "append rows to it first, which creates it", context
        )


def create(session: Session, table: str, schema: Mapping[str, str]) -> None:
    """Create an empty log if it is not there.

    Parameters
    ----------
    session
        A session outside a transaction.
    table
        Its quoted, qualified name.
    schema
        Column name to DuckDB type.
    """
    taken = [name for name in schema if name.lower() in {BATCH, "_partition", "_offset"}]
    if taken or not schema:
        raise Refused(
            [
                Fault(what=f"the column name {name} is taken by the log itself", remedy="rename it")
                for name in taken
            ]
            or "a log needs at least one column"
        )
    columns = ", ".join(f"{ident(name)} {kind}" for name, kind in schema.items())
    with session.transaction():
        session.run(f"CREATE TABLE IF NOT EXISTS {table} ({columns}, {BATCH} BIGINT)")
        session.run(f"CREATE TABLE IF NOT EXISTS {_next(table)} (batch BIGINT)")
        session.run(
            f"INSERT INTO {_next(table)} SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM {_next(table)})"
        )


def append(session: Session, table: str, rows: pa.Table) -> int:
    """Append rows to a log, all of them or none.

    Columns are matched by name and cast to the log's types; missing ones are null. Several threads
    may append, each with a session of its own.

    Parameters
    ----------
    session
        A session outside a transaction.
    table
        The quoted, qualified name of a log made by `create`.
    rows
        What to append.

    Returns
    -------
    int
        The number of the last batch that was written.

    Raises
    ------
    Refused
        If a column is unknown or a value does not fit; nothing has been appended then.
    """
    _refuse_unknown(session, table, rows)
    number = pa.array(np.arange(rows.num_rows, dtype=np.int64) // _ROWS)
    late = time.monotonic() + _PATIENCE
    with session.registered(_appended=rows.append_column(BATCH, number)):
        while True:
            try:
                with session.transaction():
                    return _append(session, table, -(-int(rows.num_rows) // _ROWS))
            except RowError as error:
                raise Refused(f"the rows do not fit the stream: {error}") from error
            except QueryError as error:
                # another thread is appending: two batches must not get one number, for a reader
                # that has seen the first of them would miss the second
                if "onflict" not in str(error) or time.monotonic() > late:
                    raise SourceError(f"cannot append to {table}: {error}") from error
                time.sleep(0.001)


def _append(session: Session, table: str, batches: int) -> int:
    session.run(f"UPDATE {_next(table)} SET batch = batch + {batches}")
    first = int(session.rows(f"SELECT batch - {batches} FROM {_next(table)}")[0][0])
    session.run(
        f"INSERT INTO {table} BY NAME "
        f"SELECT * REPLACE ({BATCH} + {first} AS {BATCH}) FROM _appended"
    )
    return first + batches - 1


def _refuse_unknown(session: Session, table: str, rows: pa.Table) -> None:
    try:
        known = {name.lower() for name in session.describe(f"FROM {table}")} - {BATCH}
    except QueryError as error:
        raise SourceError(f"there is no log {table}: {error}", retryable=False) from error
    faults = [
        Fault(what=f"the stream has no column {name}", remedy=f"it has {', '.join(sorted(known))}")
        for name in rows.column_names
        if name.lower() not in known
    ]
    if faults:
        raise Refused(faults)


def _next(table: str) -> str:
    """Name the table that holds the number of the next batch."""
    return table.removesuffix('"') + '_next"'
