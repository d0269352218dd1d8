"""The files of a source as logs: which there are, and what became of those that were there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from streamops_nb.model.batch import Position
from streamops_nb.model.errors import SourceError
from streamops_nb.sources._listing import Found, Listing, natural
from streamops_nb.sources._records import Piece

__all__ = ["FileLog", "Log", "Logs"]

_OPEN = 64  # files held open
_MANY = 1_000  # files that take a while to list


class FileLog(Protocol):
    """One file as a numbered log; see `TextFile` and `ParquetRows`."""

    path: str
    end: int | None

    @property
    def reach(self) -> int:
        """The offset after the last record, or one beyond what is known while there is more."""
        ...

    def take(self, start: int, rows: int, nbytes: int) -> Piece | None:
        """Take the next records from `start` on."""
        ...

    def load(self, start: int, stop: int) -> Piece:
        """Read the records between two offsets."""
        ...

    def measure(self, size: int, seconds: float) -> None:
        """Find `end`."""
        ...

    def last(self, count: int, size: int) -> tuple[int, int]:
        """Find how many of the latest `count` records there are, and where they begin."""
        ...

    def grew(self) -> None:
        """Take note that the file has changed."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


@dataclass(slots=True)
class Log:
    """A partition: a file, and what is known of it."""

    found: Found
    file: FileLog
    used: bool = False  # something of it has been read, so that it may only grow

    @property
    def name(self) -> str:
        """The partition's name: the file's path below the folder."""
        return self.found.name

    def end(self) -> int:
        """Find the offset after the last record that can be read, whatever it costs."""
        if self.file.end is None:
            self.file.measure(self.found.size, float("inf"))
        return max(0, self.file.reach - 1) if self.file.end is None else self.file.end


class Logs:
    """The files that a path means, as logs in natural order of their names.

    Parameters
    ----------
    listing
        Lists the files.
    open_file
        Makes the log of a file.
    follow
        Whether the files are looked for again at each `refresh`, or once for all.
    apart
        Whether the files are read side by side, not one after the other.
    """

    def __init__(
        self,
        listing: Listing,
        open_file: Callable[[str], FileLog],
        *,
        follow: bool,
        apart: bool,
    ) -> None:
        self._apart = apart
        self._listing = listing
        self._open_file = open_file
        self._follow = follow
        self._logs: dict[str, Log] | None = None
        self._gone: dict[str, Log] = {}
        self._opened: dict[str, None] = {}
        self._next_look = 0.0

    def all(self) -> Mapping[str, Log]:
        """Give the logs as they were at the last `refresh`."""
        return self.refresh() if self._logs is None else self._logs

    def refresh(self) -> Mapping[str, Log]:
        """Look which files there are now.

        Raises
        ------
        SourceError
            A file of which something has been read was replaced, cut or renamed.
        """
        if self._logs is not None and not self._follow:
            return self._logs
        before = self._logs or {}
        begun = time.monotonic()
        if before and begun < self._next_look:
            return before
        found = self._listing.files()
        took = time.monotonic() - begun
        # 10,000 files take 40 ms to list: look again when that is less than 5 % of the time
        self._next_look = begun + 20 * took if len(found) > _MANY else 0.0
        if not found and not self._follow:
            raise SourceError(
                f"{self._listing.nothing()} - correct the path of the source",
                retryable=False,
            )
        self._logs = {item.name: self._same(before.get(item.name), item) for item in found}
        self._gone |= {name: log for name, log in before.items() if name not in self._logs}
        self._gone = {name: log for name, log in self._gone.items() if name not in self._logs}
        if self._gone:
            self._find_renamed(before)
        return self._logs

    def get(self, name: str) -> Log:
        """Give the log of a partition."""
        log = self.all().get(name) or self.refresh().get(name)
        if log is None:
            raise _disappeared(name, "of which this span is to be read")
        return log

    def check(self, position: Position) -> None:
        """Make sure that no file has disappeared before it was read to its end.

        Raises
        ------
        SourceError
            One has; it names the file.
        """
        logs = self.all()
        for name, log in self._gone.items():
            end = log.found.size if log.file.end is None else log.file.end
            if position.get(name, 0) < end:
                raise _disappeared(name, f"read up to {position.get(name, 0)} of {end}")
        strange = [n for n in position if n not in logs and n not in self._gone and position[n]]
        if strange:
            self._check_finished(strange, position)

    def _check_finished(self, strange: list[str], position: Position) -> None:
        """Allow files that are gone only if one behind them has been begun.

        Whether a file that this process has never seen was read to its end nobody knows; but
        files that are one log are read one after the other.
        """
        latest = max((natural(name) for name in position if position[name]), default=natural(""))
        for name in strange:
            if self._apart or natural(name) == latest:
                raise _disappeared(name, f"read up to {position[name]}")

    @contextmanager
    def opened(self, log: Log) -> Iterator[FileLog]:
        """Use a file: it is closed after 64 others have been used, and its errors name it."""
        self._opened.pop(log.name, None)
        self._opened[log.name] = None
        try:
            yield log.file
        except FileNotFoundError as error:
            raise _disappeared(log.name, "while it was being read") from error
        except OSError as error:
            raise SourceError(f"{log.found.path} cannot be read: {error.strerror}") from error
        for name in list(self._opened)[: len(self._opened) - _OPEN]:
            del self._opened[name]
            known = self.all().get(name)
            if known is not None:
                known.file.close()

    def close(self) -> None:
        """Close all files."""
        for log in (self._logs or {}).values():
            log.file.close()
        self._opened = {}

    def _same(self, known: Log | None, item: Found) -> Log:
        """Give the log of a file that has been listed, with what is known of it."""
        if known is None or known.found == item:
            return known or Log(item, self._open_file(item.path))
        if known.used and (item.inode != known.found.inode or item.size < known.found.size):
            what = "was replaced" if item.inode != known.found.inode else "has become smaller"
            raise SourceError(
                f"{item.path} {what} after it had been read in part: what it held may be lost."
                " Let writers begin new files instead, and reset the position of the job",
                retryable=False,
            )
        if item.inode != known.found.inode or item.size < known.found.size:
            known.file.close()
            return Log(item, self._open_file(item.path))
        known.found = item
        known.file.grew()
        return known

    def _find_renamed(self, before: Mapping[str, Log]) -> None:
        """Refuse to read a file again under another name."""
        gone = {log.found.inode: name for name, log in self._gone.items() if log.used}
        for name, log in (self._logs or {}).items():
            if name not in before and log.found.inode in gone:
                raise SourceError(
                    f"{gone[log.found.inode]} was renamed to {name}: its records would be read"
                    " again. Let writers begin new files instead of renaming old ones, and reset"
                    " the position of the job",
                    retryable=False,
                )


def _disappeared(name: str, how: str) -> SourceError:
    return SourceError(
        f"{name} has disappeared ({how}): put it back, or reset the position of the job",
        retryable=False,
    )
