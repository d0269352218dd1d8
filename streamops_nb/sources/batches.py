"""Reading a DuckDB table of this workspace whose rows carry the number of their batch."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa

from streamops_nb.db import Session, ident, literal
from streamops_nb.model.batch import Ends, Position, Slice, Span
from streamops_nb.model.errors import QueryError, SourceError
from streamops_nb.sources import base

__all__ = ["BATCH", "BatchSource"]

BATCH = "_batch"
_PARTITION = "0"
# so that the stages after reading find work for more than one core
_CHUNK = 25_000


class BatchSource:
    """A table with a column ``_batch``: one partition, whose offsets are batch numbers.

    Offsets count batches and not records, because retention and upserts take rows out of the
    table: the number of a batch stays what it was, the number of rows before it does not. Rows are
    read in the order in which they were written, which DuckDB keeps (``preserve_insertion_order``).

    Parameters
    ----------
    name
        The table's logical name (``stream:clicks``, ``job:hot_minutes``).
    missing
        What to do if the table is not there.
    context
        Must have `session` and `tables`.
    """

    traits = base.Traits(decoded=True, apart=False, unit="batches")

    def __init__(self, name: str, missing: str, context: base.Context) -> None:
        if context.session is None or context.tables is None:
            raise SourceError(f"{name} can only be read inside a workspace", retryable=False)
        self._name = name
        self._missing = missing
        self._event_time = context.event_time
        self._tables = context.tables
        self._session: Session | None = context.session()
        # bytes of an average row, once some have been read
        self._width = 1

    def ends(self) -> Ends:
        """See `streamops_nb.sources.base.Source.ends`."""
        earliest, latest = self._ends()
        return Ends(earliest={_PARTITION: earliest}, latest={_PARTITION: latest})

    def seek(self, to: datetime | int) -> Position:
        """See `streamops_nb.sources.base.Source.seek`; times are event times."""
        earliest, latest = self._ends()
        if isinstance(to, int):
            found = self._among_the_last(to)
        elif self._event_time is None:
            raise SourceError(
                f"{self._name} cannot be read from a time on, because the stream has no "
                "event_time - declare one, or start at latest or earliest",
                retryable=False,
            )
        else:
            moment = f"{literal(to.isoformat())}::TIMESTAMPTZ"
            found = self._first(
                f"SELECT min({BATCH}) FROM {self._table()} "
                f"WHERE {ident(self._event_time)} >= {moment}"
            )
        return {_PARTITION: latest if found is None else max(found, earliest)}

    def cut(self, position: Position, limit: base.Limit) -> Span:
        """See `streamops_nb.sources.base.Source.cut`; a span holds whole batches."""
        start = position.get(_PARTITION)
        if start is None:
            start = self._ends()[0]
        most = max(1, min(limit.rows, limit.nbytes // self._width))
        # batches are read one after the other until there are enough rows, whatever lies behind
        found = self._rows(
            f"SELECT {BATCH}, count(*) FROM (SELECT {BATCH} FROM {self._table()} "
            f"WHERE {BATCH} >= {start} LIMIT {most + 1}) GROUP BY 1 ORDER BY 1"
        )
        self._check(start, found[0][0] if found else None)
        if not found:
            return Span()
        if len(found) > 1 and sum(count for _, count in found) > most:
            found.pop()
        return Span((Slice(_PARTITION, start, found[-1][0] + 1),))

    def read(self, span: Span) -> pa.Table:
        """See `streamops_nb.sources.base.Source.read`."""
        ranges = [f"({BATCH} >= {part.start} AND {BATCH} < {part.stop})" for part in span]
        where = " OR ".join(ranges) or "false"
        query = (
            f"SELECT {literal(_PARTITION)} AS _partition, {BATCH} AS _offset, "
            f"* EXCLUDE ({BATCH}) FROM {self._table()} WHERE {where}"
        )
        try:
            rows = self._open().table(query, chunk=_CHUNK)
        except QueryError as error:
            raise self._gone(error) from error
        if rows.num_rows:
            self._width = max(1, rows.nbytes // rows.num_rows)
        return rows

    def close(self) -> None:
        """See `streamops_nb.sources.base.Source.close`."""
        if self._session is not None:
            self._session.close()
        self._session = None

    def _ends(self) -> tuple[int, int]:
        """Give the first batch that is kept and the number after the last one."""
        last = self._first(f"SELECT max({BATCH}) FROM {self._table()}")
        earliest = self._removed() + 1
        return earliest, max(earliest, 1 if last is None else last + 1)

    def _removed(self) -> int:
        """Give the number of the last batch that retention has taken away as a whole."""
        return 0

    def _check(self, start: int, found: int | None) -> None:
        """Refuse a position whose rows are no longer there, or never were."""
        if found == start:
            return
        earliest, latest = self._ends()
        if start < earliest:
            raise SourceError(
                f"{self._name}: batches {start} to {earliest - 1} of partition {_PARTITION} are no "
                "longer kept (retention) - reset the position to earliest, or keep more",
                retryable=False,
            )
        if start > latest:
            raise SourceError(
                f"{self._name}: position {start} of partition {_PARTITION} lies beyond its end "
                f"({latest}): it was made anew - reset the position",
                retryable=False,
            )

    def _among_the_last(self, count: int) -> int | None:
        """Find the batch that holds the first of the last `count` rows."""
        rows = self._first(f"SELECT count(*) FROM {self._table()}") or 0
        if not count or not rows:
            return None
        skipped = max(0, rows - count)
        return self._first(f"SELECT {BATCH} FROM {self._table()} LIMIT 1 OFFSET {skipped}")

    def _first(self, query: str) -> int | None:
        """Give the only value of a query's only row."""
        found: int | None = self._rows(query)[0][0]
        return found

    def _table(self) -> str:
        return self._tables(self._name)

    def _open(self) -> Session:
        if self._session is None:
            raise SourceError(f"{self._name} has been closed", retryable=False)
        return self._session

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        try:
            return self._open().rows(query)
        except QueryError as error:
            raise self._gone(error) from error

    def _gone(self, error: QueryError) -> SourceError:
        # the lines after the first one suggest other tables, of which the reader knows nothing
        said = str(error).splitlines()[0]
        return SourceError(f"{self._name} cannot be read: {said} - {self._missing}")
