"""A text file as a numbered log: offsets are bytes, after decompression."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from streamops_nb.formats.csv_records import Bytes, Ends
from streamops_nb.model.errors import SourceError
from streamops_nb.sources._bytes import ByteReader, open_bytes
from streamops_nb.sources._records import Piece, Splitter, raw_table

__all__ = ["TextFile"]

LONGEST = 256 * 1024 * 1024
"""A record is longer than this only if the format is not what the file holds."""

_FIRST = 64 * 1024
_TAIL = 64 * 1024


@dataclass(slots=True)
class _Block:
    """Bytes of the file from `base` on, and where their records begin and end."""

    base: int
    data: Bytes
    bounds: Ends
    at_end: bool = False  # the file had no more bytes when the block was read


class TextFile:
    """Cuts records out of one file.

    What has been read stays in memory until records behind it are asked for: `take` finds the
    ends of records in one large read, and the table it makes points into the bytes read.

    Parameters
    ----------
    path
        The file.
    codec
        ``none``, ``gz`` or ``zst``.
    splitter
        Where records end.
    follow
        Whether the file may grow: then a last record without newline is not finished yet.
    """

    def __init__(self, path: str, codec: str, splitter: Splitter, *, follow: bool) -> None:
        self.path = path
        self._codec = codec
        self._splitter = splitter
        self._follow = follow
        self._reader: ByteReader | None = None
        self._block: _Block | None = None
        self._begin: tuple[int, str | None] | None = None  # where records begin, header
