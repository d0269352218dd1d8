"""A source that a test appends to while a job reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from streamops_nb.model.batch import Ends, Position, Slice, Span
from streamops_nb.sources.base import Limit, Traits

__all__ = ["GrowingSource"]


class GrowingSource:
    """Partitions in memory; times are found by the rows' event time `ts`.

    Parameters
    ----------
    fails
        Raised once each, in order, by the next calls of `read`; None lets one through.
    """

    def __init__(
        self, schema: pa.Schema, partitions: Sequence[str] = ("0",), *, apart: bool = True
    ) -> None:
        self.traits = Traits(decoded=True, apart=apart)
        self.fails: list[Exception | None] = []
        self.closed = False
        self._schema = schema
        self._rows: dict[str, list[Mapping[str, Any]]] = {name: [] for name in partitions}

    def append(self, partition: str, *rows: Mapping[str, Any]) -> None:
        """Add rows; a partition that was not known appears."""
        self._rows.setdefault(partition, []).extend(rows)

    def finish(self) -> None:
        """Let the stream end after what is there."""
        self.closed = True

    @property
    def rows(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """All rows, per partition."""
        return self._rows

    def ends(self) -> Ends:
        latest = {name: len(rows) for name, rows in self._rows.items()}
        return Ends(earliest=dict.fromkeys(latest, 0), latest=latest, closed=self.closed)

    def seek(self, to: datetime | int) -> Position:
        if isinstance(to, datetime):
            return {
                name: next((i for i, row in enumerate(rows) if row["ts"] >= to), len(rows))
                for name, rows in self._rows.items()
            }
        each = -(-to // max(1, len(self._rows)))
        return {name: max(0, len(rows) - each) for name, rows in self._rows.items()}

    def cut(self, position: Position, limit: Limit) -> Span:
        slices, left = [], limit.rows
        for name, rows in self._rows.items():
            begin = position.get(name, 0)
            end = min(len(rows), begin + left)
            left -= max(0, end - begin)
            if end > begin:
                slices.append(Slice(name, begin, end))
        return Span(tuple(slices))

    def read(self, span: Span) -> pa.Table:
        error = self.fails.pop(0) if self.fails else None
        if error is not None:
            raise error
        rows, names, offsets = [], [], []
        for piece in span:
            rows += [dict(row) for row in self._rows[piece.partition][piece.start : piece.stop]]
            names += [piece.partition] * (piece.stop - piece.start)
            offsets += range(piece.start, piece.stop)
        table = pa.Table.from_pylist(rows, schema=self._schema)
        table = table.append_column("_partition", pa.array(names, pa.string()))
        return table.append_column("_offset", pa.array(offsets, pa.int64()))

    def close(self) -> None:
        """Nothing is held."""
