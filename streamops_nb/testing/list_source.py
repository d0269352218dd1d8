"""A source made of literal rows, with crashes, pauses and the end standing between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from streamops_nb.model.batch import Ends, Position, Slice, Span
from streamops_nb.model.errors import SourceError
from streamops_nb.sources.base import Limit, Traits

__all__ = ["Crash", "Crashed", "End", "ListSource", "Pause"]


@dataclass(frozen=True, slots=True)
class Crash:
    """Reading up to here kills the job, the first time."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A batch ends here: what follows is there only when asked again."""


@dataclass(frozen=True, slots=True)
class End:
    """The stream ends here (a list that lacks it stays open)."""


class Crashed(BaseException):
    """Stands for the death of the process in tests; nothing in the engine catches it."""


class ListSource:
    """A source over rows given as dicts, one list per partition.

    Parameters
    ----------
    rows
        ``{"0": [{"ts": …, "x": 1}, Pause(), {"ts": …, "x": 2}, End()]}``; a plain list is one
        partition.
    schema
        Arrow schema of the rows.
    apart
        Whether partitions have watermarks of their own.
    """

    def __init__(
        self,
        rows: Sequence[Any] | Mapping[str, Sequence[Any]],
        schema: pa.Schema,
        *,
        apart: bool = True,
    ) -> None:
        parts = rows if isinstance(rows, Mapping) else {"0": rows}
        self._closed = all(any(isinstance(i, End) for i in part) for part in parts.values())
        self._parts = {name: _Part(part, schema) for name, part in parts.items()}
        self._schema = schema
        self.traits = Traits(decoded=True, apart=apart, bounded=self._closed)

    def ends(self) -> Ends:
        """See `Source.ends`."""
        latest = {name: part.visible for name, part in self._parts.items()}
        whole = all(part.visible == part.table.num_rows for part in self._parts.values())
        return Ends(earliest=dict.fromkeys(latest, 0), latest=latest, closed=self._closed and whole)

    def seek(self, to: datetime | int) -> Position:
        """See `Source.seek`; times are not known here."""
        if not isinstance(to, int):
            raise SourceError("a list has no times of its own", retryable=False)
        each = -(-to // len(self._parts))
        return {name: max(0, part.visible - each) for name, part in self._parts.items()}

    def cut(self, position: Position, limit: Limit) -> Span:
        """See `Source.cut`."""
        slices = []
        left = limit.rows
        for name, part in self._parts.items():
            begin = position.get(name, 0)
            end = part.upto(begin, left)
            left -= end - begin
            if end > begin:
                slices.append(Slice(name, begin, end))
        return Span(tuple(slices))

    def read(self, span: Span) -> pa.Table:
        """See `Source.read`."""
        tables = []
        for piece in span:
            part = self._parts[piece.partition]
            part.pass_crashes(piece.start, piece.stop)
            table = part.table.slice(piece.start, piece.stop - piece.start)
            offsets = pa.array(range(piece.start, piece.stop), pa.int64())
            names = pa.array([piece.partition] * table.num_rows, pa.string())
            table = table.append_column("_partition", names).append_column("_offset", offsets)
            tables.append(table)
        return pa.concat_tables(tables)

    def close(self) -> None:
        """See `Source.close`."""


class _Part:
    """One partition: its rows, and what stands between them."""

    def __init__(self, items: Sequence[Any], schema: pa.Schema) -> None:
        rows = [item for item in items if isinstance(item, Mapping)]
        self.table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
        self._pauses: list[int] = []
        self._crashes: list[int] = []
        n = 0
        for item in items:
            if isinstance(item, Pause):
                self._pauses.append(n)
            elif isinstance(item, Crash):
                self._crashes.append(n)
            elif isinstance(item, Mapping):
                n += 1

    @property
    def visible(self) -> int:
        return self._pauses[0] if self._pauses else self.table.num_rows

    def upto(self, begin: int, rows: int) -> int:
        """The end of a span; asking at a pause again lets the stream go on behind it."""
        while self._pauses and self._pauses[0] <= begin:
            self._pauses.pop(0)
        return min(self.visible, begin + rows)

    def pass_crashes(self, begin: int, end: int) -> None:
        for place in self._crashes:
            if begin <= place < end:
                self._crashes.remove(place)
                raise Crashed
