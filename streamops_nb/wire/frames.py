"""Frames as Arrow IPC streams."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from streamops_nb.model.errors import Refused

__all__ = ["ARROW", "from_stream", "pieces", "to_stream"]

ARROW = "application/vnd.apache.arrow.stream"

_ROWS = 65_536
"""Rows that are written at a time."""


def to_stream(table: pa.Table) -> pa.Buffer:
    """Give a table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def pieces(table: pa.Table) -> Iterator[bytes]:
    """Give a table as the pieces of an Arrow IPC stream, without a copy of the whole."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=_ROWS):
            writer.write_batch(batch)
            yield sink.getvalue()
            sink.seek(0)
            sink.truncate()
    yield sink.getvalue()


def from_stream(content: Any, *, trusted: bool = False) -> pa.Table:
    """Read the table of an Arrow IPC stream, with no copy where that can be.

    Parameters
    ----------
    trusted
        Whether it comes from a server that was chosen; else every value is looked at.

    Raises
    ------
    Refused
        If it is damaged.
    """
    try:
        if not trusted:
            _check_size(pa.py_buffer(content))
        with pa.ipc.open_stream(pa.py_buffer(content)) as reader:
            table = reader.read_all()
        if not trusted:
            table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        raise Refused(f"this is no Arrow IPC stream: {error}") from error
    return table


def _check_size(content: pa.Buffer) -> None:
    """Refuse what is larger than it looks: compressed buffers, and rows that need no bytes."""
    rows = 0
    for message in pa.ipc.MessageReader.open_stream(content):
        if message.type not in ("record batch", "dictionary"):
            continue
        batch = _Table(message.metadata.to_pybytes()).below(_HEADER)
        if message.type == "dictionary":
            batch = batch.below(_DATA)
        if batch.at(_COMPRESSION):
            raise Refused("a compressed Arrow IPC stream is not taken - write it without")
        rows += batch.int64(_LENGTH)
    if rows > _MOST_ROWS:
        raise Refused(f"{rows:,} rows are too many - at most {_MOST_ROWS:,} at a time")


_MOST_ROWS = 50_000_000
_HEADER, _DATA, _LENGTH, _COMPRESSION = 2, 1, 0, 3
"""Fields of Arrow's tables Message, DictionaryBatch and RecordBatch, by their numbers."""


class _Table:
    """A table of a FlatBuffers message: as much of it as `_check_size` wants to know."""

    def __init__(self, data: bytes, place: int | None = None) -> None:
        self._data = data
        self._place = struct.unpack_from("<I", data)[0] if place is None else place

    def at(self, field: int) -> int:
        """Where a field lies; 0 if it is not there."""
        vtable = self._place - struct.unpack_from("<i", self._data, self._place)[0]
        if vtable < 0 or 4 + 2 * field >= struct.unpack_from("<H", self._data, vtable)[0]:
            return 0
        offset = struct.unpack_from("<H", self._data, vtable + 4 + 2 * field)[0]
        return self._place + int(offset) if offset else 0

    def below(self, field: int) -> _Table:
        """The table that a field holds."""
        place = self.at(field)
        return _Table(self._data, place + struct.unpack_from("<I", self._data, place)[0])

    def int64(self, field: int) -> int:
        """The number that a field holds, 0 if it is not there."""
        place = self.at(field)
        return int(struct.unpack_from("<q", self._data, place)[0]) if place else 0
