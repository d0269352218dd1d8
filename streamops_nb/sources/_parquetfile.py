"""A Parquet file as a numbered log: offsets are rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from streamops_nb.model.errors import SourceError
from streamops_nb.sources._records import Piece

__all__ = ["ParquetRows"]

_PATIENCE = 60  # seconds


class ParquetRows:
    """Cuts rows out of one file, a row group at a time.

    Parameters
    ----------
    path
        The file.
    fields
        The columns that are wanted; None means all (but those whose name begins with ``_``).
    follow
        Whether a file without footer may be one that is still being written: it is waited for
        until it has not changed for a minute.

    Attributes
    ----------
    end
        The number of rows; None until the file has been opened.
    """

    def __init__(self, path: str, fields: frozenset[str] | None, *, follow: bool) -> None:
        self.path = path
        self._follow = follow
        self.end: int | None = None
        self._fields = fields
        self._file: pq.ParquetFile | None = None
        self._bounds = np.zeros(1, np.int64)  # where the row groups begin
        self._group: tuple[int, pa.Table] | None = None  # the one decoded last

    @property
    def reach(self) -> int:
        """The number of rows, 0 while it is not known."""
        return self.end or 0

    def take(self, start: int, rows: int, nbytes: int) -> Piece | None:
        """Take the next rows from `start` on, or None if there are none."""
        if not self._ready():
            return None
        total = int(self._bounds[-1])
        if start >= total:
            if start > total:
                raise self._changed(f"it has {total} rows, {start} were read before")
            return None
        room = max(1, int(nbytes / self._row_size(start)))
        return self.load(start, min(total, start + min(rows, room)))

    def load(self, start: int, stop: int) -> Piece:
        """Read the rows between two offsets."""
        self._open()
        if stop > self._bounds[-1]:
            raise self._changed(f"it has {self._bounds[-1]} rows, {stop} were read before")
        parts = []
        group = int(np.searchsorted(self._bounds, start, "right")) - 1
        while self._bounds[group] < stop:
            first = max(start, int(self._bounds[group])) - int(self._bounds[group])
            last = min(stop, int(self._bounds[group + 1])) - int(self._bounds[group])
            parts.append(self._decoded(group).slice(first, last - first))
            group += 1
        table = pa.table({"_offset": pa.array(np.arange(start, stop, dtype=np.int64))})
        found = pa.concat_tables(parts)
        for name, column in zip(found.column_names, found.columns, strict=True):
            table = table.append_column(name, column)
        return Piece(start, stop, table)

    def measure(self, size: int, seconds: float) -> None:
        """Find `end`, which the footer of the file tells."""
        self._ready()

    def last(self, count: int, size: int) -> tuple[int, int]:
        """Say how many of the latest `count` rows there are, and the offset of the first."""
        self._ready()
        total = int(self._bounds[-1])
        return min(count, total), max(0, total - count)

    def grew(self) -> None:
        """Take note that the file has changed: it will be opened anew."""
        self.close()
        self.end = None
        self._bounds = np.zeros(1, np.int64)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        self._group = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _ready(self) -> bool:
        """Open the file; False if it is still being written."""
        try:
            self._open()
        except SourceError:
            if not self._follow or time.time() - Path(self.path).stat().st_mtime > _PATIENCE:
                raise
            return False
        return True

    def _open(self) -> pq.ParquetFile:
        if self._file is None:
            with self._named():
                self._file = pq.ParquetFile(self.path)
                meta = self._file.metadata
                sizes = [meta.row_group(i).num_rows for i in range(meta.num_row_groups)]
                self._bounds = np.cumsum([0, *sizes])
                self.end = int(self._bounds[-1])
        return self._file

    def _decoded(self, group: int) -> pa.Table:
        if self._group is None or self._group[0] != group:
            self._group = None  # before the next one comes: two of them need twice the memory
            file = self._open()
            names = [name for name in file.schema_arrow.names if self._wants(name)]
            with self._named():
                self._group = group, file.read_row_group(group, columns=names)
        return self._group[1]

    def _wants(self, name: str) -> bool:
        return not name.startswith("_") if self._fields is None else name in self._fields

    def _row_size(self, start: int) -> float:
        group = int(np.searchsorted(self._bounds, start, "right")) - 1
        meta = self._open().metadata.row_group(group)
        return max(1.0, float(meta.total_byte_size / max(1, meta.num_rows)))

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Name the file in errors of the Parquet library."""
        try:
            yield
        except pa.ArrowException as error:
            raise SourceError(
                f"{self.path} cannot be read as Parquet ({error}): replace the file by a whole one",
                retryable=False,
            ) from error

    def _changed(self, what: str) -> SourceError:
        return SourceError(
            f"{self.path} is not the file that was read before: {what}; bring the old file back,"
            " or reset the position of the job",
            retryable=False,
        )
