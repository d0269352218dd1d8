"""A text file as a numbered log: offsets are bytes, after decompression."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from streamops_nb.formats.csv_records import Bytes, Ends
from streamops_nb.model.errors import SourceError
from streamops_nb.sources._bytes import ByteReader, open_bytes
from streamops_nb.sources._records import Piece, Splitter, raw_table
from streamops_nb.sources._tail import Tail

__all__ = ["TextFile"]

_LONGEST = 256 * 1024 * 1024  # a longer record means that the format is not what the file holds
_FIRST = 64 * 1024
_LARGE = 4 * 1024 * 1024
_NEWLINE = 10


@dataclass(slots=True)
class _Block:
    """Bytes of the file from `base` on, and where their records begin and end."""

    base: int
    data: Bytes
    bounds: Ends
    at_end: bool = False  # the file had no more bytes when these were read

    def index(self, offset: int) -> int | None:
        """Find the record that begins at `offset`."""
        place = int(np.searchsorted(self.bounds, offset - self.base))
        known = place < len(self.bounds) and self.bounds[place] == offset - self.base
        return place if known else None


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

    Attributes
    ----------
    end
        The offset after the last record, as far as the file was when it was looked at; None if
        that is not known.
    """

    def __init__(self, path: str, codec: str, splitter: Splitter, *, follow: bool) -> None:
        self.path = path
        self.end: int | None = None
        self._codec = codec
        self._splitter = splitter
        self._follow = follow
        self._reader: ByteReader | None = None
        self._block: _Block | None = None
        self._floor = 0  # an offset that a record ends at; `end` is not below it
        self._head = b""
        self._begin: int | None = None  # where the first record begins
        self._header: str | None = None

    @property
    def reach(self) -> int:
        """The offset after the last record, or one beyond what is known while there is more."""
        return self._floor + 1 if self.end is None else self.end

    def take(self, start: int, rows: int, nbytes: int) -> Piece | None:
        """Take the next records from `start` on: at least one, or None if none is there yet."""
        begin = self._beginning()
        if begin is None:
            self.end = 0
            return None
        block, first = self._around(start, begin)
        while not _enough(block, first, rows, nbytes):
            if block.at_end and (len(block.bounds) - 1 > first or not self._follow):
                break
            block, first = self._grown(self._open(), block, first, rows, nbytes), 0
            if block.at_end:
                break
        found = len(block.bounds) - 1 - first
        self._learn(block, start, found)
        if not found:
            self._block = block
            return None
        bounds = block.bounds[first:]
        fit = int(np.searchsorted(bounds, bounds[0] + nbytes, "right")) - 1
        bounds = bounds[: max(1, min(found, rows, fit)) + 1]
        # bytes that will not be asked for again are given up
        self._block = block if bounds[-1] < len(block.data) else None
        table = raw_table(block.data, bounds, block.base, self._splitter.bare, self._header)
        return Piece(start, block.base + int(bounds[-1]), table)

    def load(self, start: int, stop: int) -> Piece:
        """Read the records between two offsets that an earlier `take` gave."""
        at = max(start, self._beginning() or 0)
        self._check_place(start, at)
        data = self._read(self._open(), at, stop - at)
        if len(data) < stop - at:
            raise self._changed(f"it ends at {at + len(data)}, but {stop} was read before")
        bounds = np.concatenate((np.zeros(1, np.int64), self._splitter.ends(data)))
        if bounds[-1] != len(data):
            bounds = np.append(bounds, len(data))
        table = raw_table(data, bounds, at, self._splitter.bare, self._header)
        return Piece(start, stop, table)

    def measure(self, size: int, seconds: float) -> None:
        """Find `end`: by the last bytes of a file of `size` bytes, or by decompressing all of it.

        Decompressing stops after some `seconds`; then only `reach` is known.
        """
        if self._codec == "none":
            self.end = self._tail(size).end()
            self._floor = max(self._floor, self.end)
        else:
            self._run_through(0, seconds)

    def last(self, count: int, size: int) -> tuple[int, int]:
        """Find the latest `count` records.

        Returns
        -------
        tuple
            How many there are (at most `count`), and the offset of the first of them.
        """
        if self._codec == "none":
            found = self._tail(size).last(count)
            if found is not None:
                return found
        return self._run_through(count, float("inf"))

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        self._block = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def grew(self) -> None:
        """Take note that the file has changed: its end is not known any more."""
        self.end = None
        if self._block is not None:
            self._block.at_end = False

    # where records begin

    def _beginning(self) -> int | None:
        """Give where the first record begins, behind byte-order mark and header."""
        if self._begin is None:
            reader, size = self._open(), _FIRST
            data = self._read(reader, 0, size)
            mark = self._splitter.mark(data)
            if not self._splitter.header:
                self._begin = mark
                return mark
            while not len(ends := self._splitter.ends(data)) and len(data) == size:
                size = self._larger(size)
                data = self._read(reader, 0, size)
            if len(ends) or (len(data) and not self._follow):
                self._begin = int(ends[0]) if len(ends) else len(data)
                header = bytes(data[mark : self._begin])
                self._header = header.decode(self._splitter.encoding, errors="replace")
        return self._begin

    def _around(self, start: int, begin: int) -> tuple[_Block, int]:
        """Give the block in memory that has a record at `start`, or an empty one there."""
        at = max(start, begin)
        first = self._block.index(at) if self._block is not None else None
        if self._block is not None and first is not None:
            return self._block, first
        self._check_place(start, at)
        return _Block(at, np.empty(0, np.uint8), np.zeros(1, np.int64)), 0

    def _check_place(self, start: int, at: int) -> None:
        """Make sure that a record may begin at `start`: costs little, finds most changes."""
        if start == 0 or (start == at and start == self._begin):
            return
        before = self._read(self._open(), start - 1, 2)
        if not len(before):
            raise self._changed(f"it has less than the {start} bytes that were read before")
        if start < at or (before[0] != _NEWLINE and len(before) == 2):
            raise self._changed(f"no record begins at {start}, where the last one ended")

    def _learn(self, block: _Block, start: int, found: int) -> None:
        """Note how far the file reaches; raise if that is less than it should."""
        reader = self._open()
        last = block.base + int(block.bounds[-1]) if found else start
        self._floor = max(self._floor, last)
        if not block.at_end:
            return
        reached = block.base + len(block.data)
        if self.end is not None and reached < self.end:
            raise self._changed(f"it ends at {reached}, but had records up to {self.end}")
        if self._is_whole(reader):
            self.end = last
        elif not found:
            what = f"is damaged ({reader.damage})" if reader.damage else "stops in the middle"
            raise SourceError(
                f"{self.path}: the compressed data {what}; the records up to {start} (decompressed)"
                " have been read, what follows is lost: replace the file by a whole copy",
                retryable=False,
            )

    def _is_whole(self, reader: ByteReader) -> bool:
        """Say whether the bytes that were read are all there are for now."""
        return not reader.damage and (self._follow or not reader.cut_off)

    # reading

    def _open(self) -> ByteReader:
        if self._reader is None:
            self._reader = open_bytes(self.path, self._codec)
        head = self._reader.head()
        if not head.startswith(self._head):
            raise self._changed("it does not begin with the same bytes any more")
        self._head = head
        return self._reader

    def _read(self, reader: ByteReader, offset: int, size: int, rest: Bytes | None = None) -> Bytes:
        """Read into memory of its own, behind the bytes that are there already."""
        held = 0 if rest is None else len(rest)
        # Arrow's memory pool keeps pages: new ones cost 2 ms per 10 MB
        buffer = pa.allocate_buffer(held + size)
        data = np.frombuffer(buffer, np.uint8)
        if rest is not None:
            data[:held] = rest
        return data[: held + reader.read_into(memoryview(buffer).cast("B")[held:], offset)]

    def _grown(
        self, reader: ByteReader, block: _Block, first: int, rows: int, nbytes: int
    ) -> _Block:
        """Read on: what is left of the block from its record `first` on, and more."""
        skip = int(block.bounds[first])
        base, rest = block.base + skip, block.data[skip:]
        known = len(block.bounds) - 1 - first
        if known:
            size = (int(block.bounds[-1]) - skip) / known
            more = int(min((rows + 1 - known) * size * 1.1, nbytes)) + _FIRST
        else:
            more = max(_FIRST, self._larger(len(rest)) - len(rest))
        data = self._read(reader, base + len(rest), more, rest)
        at_end = len(data) < len(rest) + more
        bounds = np.concatenate((np.zeros(1, np.int64), self._splitter.ends(data)))
        whole = at_end and not self._follow and not reader.cut_off and not reader.damage
        if whole and not self._splitter.is_blank(data[bounds[-1] :]):
            bounds = np.append(bounds, len(data))
        return _Block(base, data, bounds, at_end)

    def _larger(self, size: int) -> int:
        """Give the size to try next for a record that has not ended after `size` bytes."""
        if size >= _LONGEST:
            raise SourceError(
                f"{self.path}: a record does not end within {_LONGEST >> 20} MiB: is the format"
                " of the stream (for CSV: its quote) what the file holds?",
                retryable=False,
            )
        return 2 * size

    def _changed(self, what: str) -> SourceError:
        return SourceError(
            f"{self.path} is not the file that was read before: {what}. What it held may be lost;"
            " bring the old file back, or reset the position of the job",
            retryable=False,
        )

    # the end of the file

    def _tail(self, size: int) -> Tail:
        return Tail(
            begin=self._beginning(),
            size=size,
            splitter=self._splitter,
            follow=self._follow,
            read=lambda offset, count: self._read(self._open(), offset, count),
        )

    def _run_through(self, count: int, seconds: float) -> tuple[int, int]:
        """Read the whole file by a reader of its own and keep the bounds of the last records."""
        begin = self._beginning()
        kept = np.array([begin or 0], np.int64)
        deadline = time.monotonic() + seconds
        reader = open_bytes(self.path, self._codec)
        try:
            block = _Block(int(kept[0]), np.empty(0, np.uint8), np.zeros(1, np.int64))
            while begin is not None and not block.at_end and time.monotonic() < deadline:
                # the last record is read again, for an idea of how large they are
                block = self._grown(reader, block, max(0, len(block.bounds) - 2), _LARGE, _LARGE)
                bounds = block.base + block.bounds
                kept = np.concatenate((kept[kept < bounds[0]], bounds))[-count - 1 :]
                self._floor = max(self._floor, int(kept[-1]))
            if begin is None or (block.at_end and self._is_whole(reader)):
                self.end = int(kept[-1]) if int(kept[-1]) != begin else 0
        finally:
            reader.close()
        return len(kept) - 1, int(kept[0])


def _enough(block: _Block, first: int, rows: int, nbytes: int) -> bool:
    """Say whether the block holds one record more than will be taken, so that `end` is known."""
    known = len(block.bounds) - 1 - first
    return known > rows or (known > 1 and int(block.bounds[-1] - block.bounds[first]) > nbytes)
