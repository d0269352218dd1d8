"""Frames as Arrow IPC streams."""

from __future__ import annotations

import io
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
        with pa.ipc.open_stream(pa.py_buffer(content)) as reader:
            table = reader.read_all()
        if not trusted:
            table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Refused(f"this is no Arrow IPC stream: {error}") from error
    return table
