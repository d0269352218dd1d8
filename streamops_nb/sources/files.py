"""Files: JSONL, CSV, Parquet or raw lines, growing or not, compressed or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.db import sealed
from streamops_nb.formats.base import Format
from streamops_nb.formats.csv_format import CsvFormat
from streamops_nb.formats.json_format import JsonFormat
from streamops_nb.formats.parquet_format import ParquetFormat
from streamops_nb.formats.records import chunked
from streamops_nb.model.batch import Ends, Position, Slice, Span
from streamops_nb.model.errors import SourceError
from streamops_nb.sources import base
from streamops_nb.sources._bytes import codec_of
from streamops_nb.sources._listing import Listing
from streamops_nb.sources._logs import FileLog, Log, Logs
from streamops_nb.sources._parquetfile import ParquetRows
from streamops_nb.sources._records import Piece, Splitter
from streamops_nb.sources._seek import first_at, latest
from streamops_nb.sources._textfile import TextFile

if TYPE_CHECKING:
    from streamops_nb.sources.base import Context, Limit

__all__ = ["FilesSource"]

_SLICES = 512  # files in one span
_SIDE_BY_SIDE = 64  # files in one span if they are read side by side: each has a buffer
_SECONDS = 2.0  # for finding the ends of compressed files at the first look
_SMALL = 2_000  # rows per chunk below which chunks are joined


class FilesSource:
    """The records of one file, of a folder, or of the files that match a pattern.

    A partition is a file; its name is the path below the folder. Offsets are bytes (after
    decompression), for Parquet rows.

    Files only grow, and new ones appear: a file that was read in part and then is replaced,
    cut or renamed, or that disappears before it was read to its end, is an error, as nobody
    knows what it held. Empty lines are passed over (but not in raw text).

    The end of a compressed file is known only when it has been decompressed: `ends` does so for
    two seconds when it is first called on files that may grow, and may tell too little before
    all has been read.

    Parameters
    ----------
    settings
        See `Settings`.
    context
        The folder that a relative path is relative to, the format, the schema.
    """

    class Settings(base.Settings):
        """What may stand below ``source:``.

        Parameters
        ----------
        path
            A file, a folder (all files in it), or a pattern (``data/*.jsonl``,
            ``data/**/*.csv.gz``). Names that begin with a dot or an underscore are passed over.
        follow
            Whether to wait for what is appended and for new files. A last line without newline
            is then not finished yet.
        order
            ``name``: the files are one log, read one after the other in the natural order of
            their names (``part-9`` before ``part-10``). ``each``: they are read side by side,
            and each has a watermark of its own.
        compression
            ``auto`` goes by the ending of the name: ``.gz``, ``.zst``.
        """

        path: str
        follow: bool = True
        order: Literal["name", "each"] = "name"
        compression: Literal["auto", "none", "gz", "zst"] = "auto"

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings = settings
        self._context = context
        decoded = context.format == "parquet"
        self._apart = settings.order == "each"
        self.traits = base.Traits(
            decoded=decoded,
            apart=self._apart,
            unit="records" if decoded else "bytes",
            bounded=not settings.follow,
        )
        self._splitter = _splitter(context)
        self._logs = self._open_logs(context.schema)
        self._looked = False
        self._turn = ""
        self._prepared: dict[Slice, Piece] = {}

    def ends(self) -> Ends:
        """Say how far the files reach now."""
        logs = self._logs.refresh()
        deadline = time.monotonic() + _SECONDS
        for log in logs.values():
            seconds = deadline - time.monotonic()
            if log.file.end is None and self._may_measure(log) and seconds > 0:
                with self._logs.opened(log) as file:
                    file.measure(log.found.size, seconds)
        self._looked = True
        ends = {name: log.file.end for name, log in logs.items()}
        return Ends(
            earliest=dict.fromkeys(logs, 0),
            latest={n: logs[n].file.floor if end is None else end for n, end in ends.items()},
            closed=not self._settings.follow and None not in ends.values(),
        )

    def _may_measure(self, log: Log) -> bool:
        if self.traits.decoded or codec_of(log.found.path, self._settings.compression) == "none":
            return True
        return self._settings.follow and not self._looked

    def seek(self, to: datetime | int) -> Position:
        """Find a position to start at.

        A time is compared with the event time if the stream has one: files are then read through
        until a record is at or after it, as their order says nothing about it (about 5 M records
        a second). Without event time the time at which a file was last changed decides.
        """
        if isinstance(to, int):
            return latest(self._logs, to, apart=self._apart)
        moment = to.astimezone(UTC)
        field = self._context.event_time
        kind = (self._context.schema or {}).get(field or "")
        decoder = _decoder(self._context, {field: kind}) if field and kind else None
        if decoder is None or field is None:
            return first_at(self._logs, moment, None, apart=self._apart)
        logs = self._open_logs({field: kind}) if self.traits.decoded else self._logs
        with _session(self._context) as session:

            def times(raw: pa.Table) -> pa.Table:
                rows = decoder.decode(raw, session).rows
                return pa.table({"_row": rows["_row"], "time": rows[field].cast(_UTC_TIME)})

            return first_at(logs, moment, times, apart=self._apart)

    def cut(self, position: Position, limit: Limit) -> Span:
        """Choose the next span; the records are kept until they are read."""
        self._logs.all()
        pieces = self._cut(position, limit)
        if not pieces:
            self._logs.refresh()
            pieces = self._cut(position, limit)
        # what was cut before may still be wanted: the engine cuts ahead of its reading
        kept = list(self._prepared.items())[-_SLICES:]
        self._prepared = dict(kept) | pieces
        return Span(tuple(pieces))

    def _cut(self, position: Position, limit: Limit) -> dict[Slice, Piece]:
        self._logs.check(position)
        pending = [
            log
            for name, log in self._logs.all().items()
            if log.file.end is None or position.get(name, 0) != log.file.end
        ]
        if self._apart:
            return self._side_by_side(pending, position, limit)
        return self._one_by_one(pending, position, limit)
