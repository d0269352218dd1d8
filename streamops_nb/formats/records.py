"""Raw records as text, in pieces that all cores can work on, and records that were rejected."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from streamops_nb.formats.encoding import UTF_8, undecodable
from streamops_nb.model.batch import Decoded

__all__ = ["CHUNK", "chunked", "decoded", "missing", "text_of", "without"]

CHUNK = 25_000
"""Rows per Arrow chunk: DuckDB gives each chunk to one thread, so one chunk of 100 k rows takes
28-43 ms to decode, four take 20 ms on 2 cores."""


def chunked(table: pa.Table) -> pa.Table:
    """Cut large chunks into pieces of `CHUNK` rows, without copying."""
    if table.num_rows <= CHUNK:
        return table
    return pa.Table.from_batches(table.to_batches(max_chunksize=CHUNK), table.schema)


def text_of(raw: pa.ChunkedArray, encoding: str = UTF_8) -> tuple[pa.ChunkedArray, dict[int, str]]:
    """Take records as text.

    Parameters
    ----------
    raw
        The bytes of the records.
    encoding
        What they are in; another than UTF-8 is read record by record, 0.2 s for 100 k of them.

    Returns
    -------
    tuple
        The records as strings (not copied: 0.7 ms for 100 k records of 70 bytes), NULL where they
        are not of the encoding or have no value, and the reasons of those by record number. DuckDB
        does not check strings that it is handed, so it is done here.
    """
    chunks: list[pa.Array] = []
    faults = missing(raw)
    begin = 0
    for chunk in raw.chunks:
        text = _checked(chunk) if encoding == UTF_8 else None
        chunks.append(_readable(chunk, begin, faults, encoding) if text is None else text)
        begin += len(chunk)
    return pa.chunked_array(chunks, pa.string()), faults


def missing(raw: pa.ChunkedArray) -> dict[int, str]:
    """Give the reasons of records without a value (a tombstone of Kafka, for example)."""
    if not raw.null_count:
        return {}
    nulls = np.flatnonzero(raw.is_null().to_numpy())
    return dict.fromkeys(nulls.tolist(), "the record has no value")


def _checked(chunk: pa.Array) -> pa.Array | None:
    try:
        return chunk.cast(pa.string())
    except pa.ArrowInvalid:
        return None


def _readable(chunk: pa.Array, begin: int, faults: dict[int, str], encoding: str) -> pa.Array:
    """Take the records of a chunk one by one and note those that are not of the encoding."""
    texts: list[str | None] = []
    for i, value in enumerate(chunk.to_pylist()):
        try:
            texts.append(None if value is None else value.decode(encoding))
        except UnicodeDecodeError as error:
            texts.append(None)
            faults[begin + i] = undecodable(error, encoding)
    return pa.array(texts, pa.string())


def without(rows: pa.Table, faults: Mapping[int, str]) -> pa.Table:
    """Leave out the rows whose number (``_row``) has a fault."""
    if not faults:
        return rows
    bad = np.fromiter(faults, np.int64, len(faults))
    return rows.filter(pa.array(~np.isin(rows["_row"].to_numpy(), bad)))


_NO_REJECTS = pa.table({"_row": pa.array([], pa.int64()), "reason": pa.array([], pa.string())})


def decoded(rows: pa.Table, faults: Mapping[int, str]) -> Decoded:
    """Put together rows that have been decoded and the reasons of those that were not."""
    if not faults:
        return Decoded(rows=rows, rejects=_NO_REJECTS)
    numbers = sorted(faults)
    rejects = pa.table(
        {
            "_row": pa.array(numbers, pa.int64()),
            "reason": pa.array([faults[number] for number in numbers], pa.string()),
        }
    )
    return Decoded(rows=rows, rejects=rejects)
