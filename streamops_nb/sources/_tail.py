"""The end of a text file, found from behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from streamops_nb.formats.csv_records import Bytes
from streamops_nb.sources._records import Splitter

__all__ = ["Tail"]

_FIRST = 64 * 1024
_NEWLINE, _RETURN = 10, 13


@dataclass(frozen=True, kw_only=True, slots=True)
class Tail:
    """Looks at the last bytes of a file of `size` bytes.

    Parameters
    ----------
    begin
        Where the first record begins; None if the header is not complete.
    size
        The size of the file.
    splitter
        Where records end.
    follow
        Whether a last line without newline is not finished yet.
    read
        Gives `count` bytes from an offset on.
    """

    begin: int | None
    size: int
    splitter: Splitter
    follow: bool
    read: Callable[[int, int], Bytes]

    def end(self) -> int:
        """Find where the last record ends; 0 if there is no record.

        While a quoted field with newlines is being written at the very end of a file, this may be
        an offset inside of it; cutting records from before it will correct that.
        """
        if self.begin is None:
            return 0
        for data, at in self._pieces(self.begin, self.size):
            end = _record_end(bytes(data), self.splitter.bare, self.follow)
            if end:
                return at + end
        return 0

    def last(self, count: int) -> tuple[int, int] | None:
        """Find the latest `count` records; None if quotes make that impossible from behind.

        Returns
        -------
        tuple
            How many there are (at most `count`), and the offset of the first of them.
        """
        end = self.end()
        if self.begin is None or end == 0:
            return 0, 0
        for data, at in self._pieces(self.begin, end):
            if self.splitter.quote and self.splitter.quote.encode() in bytes(data):
                return None
            bounds = self.splitter.ends(data)
            if not len(bounds) or bounds[-1] != len(data):
                bounds = np.append(bounds, len(data))
            if at == self.begin:
                bounds = np.append(0, bounds)
            if at == self.begin or len(bounds) > count:
                kept = bounds[-count - 1 :]
                return len(kept) - 1, at + int(kept[0])
        return 0, end

    def _pieces(self, begin: int, end: int) -> Iterator[tuple[Bytes, int]]:
        """Give longer and longer pieces of the bytes before `end`, and where each begins."""
        size, at = _FIRST, end
        while at > begin:
            at = max(begin, end - size)
            yield self.read(at, end - at), at
            size *= 8


def _record_end(data: bytes, bare: bool, follow: bool) -> int:
    """Give where the last record in `data` ends; 0 if there is none."""
    end = data.rfind(b"\n") + 1 if follow else len(data)
    if bare:
        return end
    while end and data[end - 1] == _NEWLINE:
        line = end - 1
        if line and data[line - 1] == _RETURN:
            line -= 1
        if line and data[line - 1] != _NEWLINE:
            return end
        end = line  # an empty line
    return end
