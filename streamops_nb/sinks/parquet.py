"""Parquet files in a folder, exactly once."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from streamops_nb.model.errors import Fault, SinkError, SpecRefused
from streamops_nb.sinks import base
from streamops_nb.sinks import parquet_files as files
from streamops_nb.sinks.parquet_folder import Entry, Folder, listed
from streamops_nb.sinks.parquet_settings import ParquetSettings
from streamops_nb.sinks.parquet_tidy import Tidier

__all__ = ["ParquetSettings", "ParquetSink", "read"]

# more files than this in one batch is a mistake in partition_by, not a wish
_MOST_PARTITIONS = 10_000
_PARTITION_TYPES = {
    "BIGINT", "BOOLEAN", "DATE", "INTEGER", "SMALLINT", "TINYINT",
    "UBIGINT", "UINTEGER", "USMALLINT", "UTINYINT", "VARCHAR",
}  # fmt: skip
# how often `read` begins anew when files vanish under it
_PATIENCE = 10
_RETRYABLE = {errno.EAGAIN, errno.EBUSY, errno.EDQUOT, errno.EIO, errno.ENOSPC, errno.ESTALE}


class ParquetSink:
    """One file (or one per partition value) for each batch, named by job and batch numbers.

    Readers may use any glob, such as ``read_parquet('out/**/*.parquet')``, or `read`. They see all
    files of a batch or none, wherever the process dies:

    ==============================  ===========================================================
    it dies                         what a reader sees until the job runs again
    ==============================  ===========================================================
    while batch n is being written  nothing of batch n
    before batch n is committed     batch n; it comes again and takes its own place
    while batch n is replaced       batch n or nothing of it; it comes again
    during a compaction             the parts or the merged file, never both; if it died just
                                    between two renames nothing of this job, until `open` puts
                                    the parts back
    ==============================  ===========================================================

    While the job runs, a compaction hides its files for the microseconds between two renames, and
    a reader that listed files before and opens them after finds some gone (an error, not wrong
    rows); `read` tries again. The newest batch is never merged, so that it can be replaced when it
    comes again; a batch older than the newest one is refused.
    """

    Settings: ClassVar[type[base.Settings]] = ParquetSettings
    transactional: ClassVar[bool] = False

    def __init__(self, settings: ParquetSettings, context: base.Context) -> None:
        self._settings = settings
        self._job = context.job
        self._schema = context.schema
        self._columns = list(settings.partition_by)
        self._folder = Folder(context.folder / settings.path, context.job)
        self._tidier = Tidier(self._folder, settings)
        self._newest: Entry | None = None
        self._refuse()

    def open(self) -> None:
        """See `streamops_nb.sinks.base.ExternalSink.open`."""
        with self._errors():
            self._folder.open()
            self._find_newest()
            if self._newest is not None:
                self._compare(self._newest)

    def write(self, n: int, rows: pa.Table) -> None:
        """See `streamops_nb.sinks.base.ExternalSink.write`; an empty batch leaves no file."""
        newest = self._newest
        if newest is not None and (n < newest.last or n == newest.last > newest.first):
            raise SinkError(
                f"batch {n} of {self._job} cannot be written to {self._folder.data}, which holds "
                f"its batches up to {newest.last} - they are from an earlier life of the job: "
                "move them away, or choose another path",
                retryable=False,
            )
        with self._errors():
            if rows.num_rows:
                staged = self._stage(n, rows)
                self._folder.show(staged)
                self._newest = Entry(self._job, n, n, self._folder.data / staged.name)
            elif newest is not None and newest.last == n:
                self._folder.hide(newest)
                self._find_newest()

    def tidy(self) -> None:
        """See `streamops_nb.sinks.base.ExternalSink.tidy`."""
        with self._errors():
            self._tidier.retain()
            self._tidier.compact()

    def close(self) -> None:
        """See `streamops_nb.sinks.base.ExternalSink.close`."""
        with self._errors():
            self._folder.clean()

    def _find_newest(self) -> None:
        entries = self._folder.entries()
        self._newest = entries[-1] if entries else None

    def _stage(self, n: int, rows: pa.Table) -> Path:
        """Write the files of a batch where nobody sees them."""
        compression = self._settings.compression
        label = files.Label(
            job=self._job,
            first=n,
            last=n,
            schema=self._schema,
            partition_by=self._columns,
            values=[],
            types=[str(rows.schema.field(name).type) for name in self._columns],
        )
        if not self._columns:
            staged = self._folder.staged(n, n, ".parquet")
            files.write(rows, staged, label, compression)
            return staged
        staged = self._folder.staged(n, n, "")
        for count, (values, part) in enumerate(files.partitions(rows, self._columns)):
            if count == _MOST_PARTITIONS:
                raise SinkError(
                    f"batch {n} of {self._job} has more than {_MOST_PARTITIONS} values of "
                    f"{', '.join(self._columns)} - partition by columns with fewer values",
                    retryable=False,
                )
            path = staged / files.folder_of(self._columns, values) / f"{staged.name}.parquet"
            files.write(part, path, replace(label, values=values), compression)
        return staged

    def _compare(self, newest: Entry) -> None:
        """Refuse to write beside files that were made by another query."""
        label = files.label_of(newest.files()[0])
        faults = [
            f"the column {name} is {label.schema.get(name, 'not there')} in {self._folder.data} "
            f"and {self._schema.get(name, 'not there')} in the query"
            for name in dict.fromkeys([*label.schema, *self._schema])
            if label.schema.get(name) != self._schema.get(name)
        ]
        if label.partition_by != self._columns:
            faults.append(
                f"{self._folder.data} is partitioned by {label.partition_by} and the sink by "
                f"{self._columns}"
            )
        if faults:
            remedy = "choose another path, or move the files away"
            raise SpecRefused([Fault(what=fault, where="sink", remedy=remedy) for fault in faults])

    def _refuse(self) -> None:
        """Refuse settings that do not fit the query's columns."""
        faults = []
        for name in self._columns:
            kind = self._schema.get(name)
            if kind is None:
                what, remedy = (
                    f"the query has no column {name}",
                    f"it has {', '.join(self._schema)}",
                )
            elif kind not in _PARTITION_TYPES:
                what = f"{name} is {kind}, which cannot name a folder"
                remedy = f"cast it in the query, for example {name}::VARCHAR AS {name}"
            else:
                continue
            faults.append(Fault(what=what, where="sink.partition_by", remedy=remedy))
        if self._columns and set(self._columns) == set(self._schema):
            what, remedy = "no column is left for the files", "partition by fewer columns"
            faults.append(Fault(what=what, where="sink.partition_by", remedy=remedy))
        if faults:
            raise SpecRefused(faults)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what the file system and Arrow raise into sink errors that name the place."""
        here = f"parquet sink of {self._job}"
        try:
            yield
        except OSError as error:
            where = error.filename or self._folder.data
            raise SinkError(
                f"{here}: cannot write {where}: {error.strerror or error}",
                retryable=error.errno in _RETRYABLE,
            ) from error
        except pa.ArrowNotImplementedError as error:
            raise SinkError(
                f"{here}: {error} - cast the column in the query to a type that Parquet has",
                retryable=False,
            ) from error
        except (pa.ArrowException, ValueError) as error:
            raise SinkError(f"{here}: {self._folder.data}: {error}", retryable=False) from error


def read(path: str | Path) -> pa.Table:
    """Read what Parquet sinks have written below a path.

    Parameters
    ----------
    path
        The sink's path (all jobs in it), or one job's folder in it.

    Returns
    -------
    pyarrow.Table
        The query's columns, those that the files are partitioned by among them, in the order of
        the batches (for each partition by itself, if there are some). The newest batch may still
        be on its way to its commit.
    """
    for _ in range(_PATIENCE):
        try:
            found = [file for entry in listed(Path(path)) for file in entry.files()]
            return pa.concat_tables(map(files.read_file, found)) if found else pa.table({})
        except FileNotFoundError:
            time.sleep(0.01)  # compacted in the meantime
    raise SinkError(f"the files below {path} keep changing - read again")
