"""Records in a stretch of bytes: where they end, and the table they become."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from streamops_nb.formats.csv_records import Bytes, Ends, csv_ends, line_ends, without_blank

__all__ = ["Piece", "Splitter", "raw_table"]

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Piece:
    """Records that follow each other in one partition.

    Parameters
    ----------
    start, stop
        The offsets that the piece covers.
    table
        ``_offset`` and the columns of the records.
    """

    start: int
    stop: int
    table: pa.Table


@dataclass(frozen=True, kw_only=True, slots=True)
class Splitter:
    """Knows where records of a text format end.

    Parameters
    ----------
    header
        Whether the first record of a file names the fields.
    quote, delimiter
        For CSV; an empty quote means that each newline ends a record.
    bare
        Whether each line is a record, also an empty one, and comes without its newline (for raw
        text; the other formats do not mind the newline, and need no copy then).
    encoding
        Of the header.
    """

    header: bool = False
    quote: str = ""
    delimiter: str = ","
    bare: bool = False
    encoding: str = "utf-8"

    def ends(self, data: Bytes) -> Ends:
        """Give the offset after each record of bytes that begin where a record begins."""
        if self.bare:
            return line_ends(data)
        return without_blank(data, csv_ends(data, self.delimiter, self.quote))

    def is_blank(self, data: Bytes) -> bool:
        """Say whether what is left at the end of a file is no record."""
        return not len(data) if self.bare else not bytes(data).strip(b"\r\n")

    def mark(self, data: Bytes) -> int:
        """Give the length of the byte-order mark at the beginning of a file."""
        return len(_BOM) if bytes(data[: len(_BOM)]) == _BOM and not self.bare else 0


def raw_table(data: Bytes, bounds: Ends, base: int, bare: bool, header: str | None) -> pa.Table:
    """Make the table of the records between the `bounds`, without copying their bytes.

    Parameters
    ----------
    data
        The bytes; must not change any more.
    bounds
        Where the records begin, and at last where the last one ends.
    base
        The offset of the first byte of `data` in the file.
    bare
        Whether to take newlines away (which copies).
    header
        The header of the file, for CSV.
    """
    count = len(bounds) - 1
    held, places = _bared(data, bounds) if bare else (data, bounds)
    raw = pa.Array.from_buffers(
        pa.binary(), count, [None, pa.py_buffer(places.astype(np.int32)), pa.py_buffer(held)]
    )
    columns = {"_offset": pa.array(base + bounds[:-1], pa.int64()), "_raw": raw}
    if header is not None:
        same = pa.array(np.zeros(count, np.int32))
        columns["_header"] = pa.DictionaryArray.from_arrays(same, pa.array([header]))
    return pa.table(columns)


def _bared(data: Bytes, bounds: Ends) -> tuple[Bytes, Ends]:
    """Take the newline, and a carriage return before it, from the end of each record."""
    begin, end = int(bounds[0]), int(bounds[-1])
    keep = np.ones(end - begin, bool)
    held = data[begin:end]
    last = bounds[1:] - begin - 1
    last = last[held[last] == 10]
    keep[last] = False
    before = last[last > 0] - 1
    keep[before[held[before] == 13]] = False
    kept = np.concatenate((np.zeros(1, np.int64), np.cumsum(keep)))
    return held[keep], kept[bounds - begin]
