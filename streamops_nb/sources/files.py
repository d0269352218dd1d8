"""Files: JSONL, CSV, Parquet or raw lines, growing or not, compressed or not."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from streamops_nb.formats.csv_format import CsvFormat
from streamops_nb.formats.records import chunked
from streamops_nb.model.batch import Ends, Position, Slice, Span
from streamops_nb.model.crosschecks import format_named
from streamops_nb.model.errors import SourceError
from streamops_nb.sources import base
from streamops_nb.sources._bytes import codec_of
from streamops_nb.sources._event_time import event_field, event_times, settings_of
from streamops_nb.sources._listing import Listing
from streamops_nb.sources._logs import FileLog, Log, Logs
from streamops_nb.sources._parquetfile import ParquetRows
from streamops_nb.sources._records import Piece, Splitter
from streamops_nb.sources._seek import first_at, latest
from streamops_nb.sources._textfile import TextFile

if TYPE_CHECKING:
    from streamops_nb.model.part import PlugIn
    from streamops_nb.sources.base import Context, Limit

__all__ = ["FilesSource", "format_of_files", "missing_here", "no_file"]

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

    Where a compressed file ends is known only when it has been decompressed: `ends` does so for
    two seconds when it is first called. Of what it did not get to it says one byte more than is
    known, and that the stream is not at its end; `seek` takes the time that it takes.

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

        path: str = Field(min_length=1)
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
        self._prepared: list[dict[Slice, Piece]] = [{}, {}]

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
        return Ends(
            earliest=dict.fromkeys(logs, 0),
            latest={name: log.file.reach for name, log in logs.items()},
            closed=not self._settings.follow
            and all(log.file.end is not None for log in logs.values()),
        )

    def _may_measure(self, log: Log) -> bool:
        """Say whether the end may be looked for: of a compressed file only at the first look."""
        codec = codec_of(log.found.path, self._settings.compression)
        return self.traits.decoded or codec == "none" or not self._looked

    def seek(self, to: datetime | int) -> Position:
        """Find a position to start at.

        A time is compared with the event time if the stream has one: files are then read through
        until a record is at or after it, as their order says nothing about it (about 5 M records
        a second). Without event time the time at which a file was last changed decides.
        """
        if isinstance(to, int):
            return latest(self._logs, to, apart=self._apart)
        moment = to.astimezone(UTC)
        field = event_field(self._context)
        if field is None:
            return first_at(self._logs, moment, None, apart=self._apart)
        logs = self._open_logs(field) if self.traits.decoded else self._logs
        with event_times(self._context, field) as times:
            return first_at(logs, moment, times, apart=self._apart)

    def cut(self, position: Position, limit: Limit) -> Span:
        """Choose the next span; its records are kept in memory until they are read."""
        self._logs.all()
        pieces = self._cut(position, limit)
        if not pieces:
            self._logs.refresh()
            pieces = self._cut(position, limit)
        # the span before may not have been read yet, as the engine cuts ahead
        self._prepared = [self._prepared[-1], pieces]
        return Span(tuple(pieces))

    def read(self, span: Span) -> pa.Table:
        """Read the records of a span: from memory if it was cut just now, else from the files."""
        pieces = [self._piece(part) for part in span]
        names = [part.partition for part in span]
        sizes = [piece.table.num_rows for piece in pieces]
        indices = np.repeat(np.arange(len(span.slices), dtype=np.int32), sizes)
        partition = pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(names, pa.string()))
        try:
            table = pa.concat_tables((p.table for p in pieces), promote_options="permissive")
        except pa.ArrowException as error:
            raise SourceError(
                f"the columns of {', '.join(names[:3])} do not go together: {error}",
                retryable=False,
            ) from error
        table = table.add_column(0, "_partition", partition)
        if len(pieces) > 1 and table.num_rows < _SMALL * len(pieces):
            table = table.combine_chunks()
        return chunked(table)

    def close(self) -> None:
        """Close all files."""
        self._logs.close()
        self._prepared = [{}, {}]

    def _open_logs(self, schema: Mapping[str, str] | None) -> Logs:
        path = Path(self._settings.path)
        follow = self._settings.follow
        fields = None if schema is None else frozenset(schema)

        def open_file(name: str) -> FileLog:
            if self.traits.decoded:
                return ParquetRows(name, fields, follow=follow)
            codec = codec_of(name, self._settings.compression)
            return TextFile(name, codec, self._splitter, follow=follow)

        listing = Listing(path, follow=follow, within=self._context.folder)
        return Logs(listing, open_file, follow=follow, apart=self._apart)

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

    def _one_by_one(
        self, pending: list[Log], position: Position, limit: Limit
    ) -> dict[Slice, Piece]:
        """Take records of one file after the other until the span is full."""
        pieces: dict[Slice, Piece] = {}
        rows, nbytes = limit.rows, limit.nbytes
        schema: pa.Schema | None = None
        for log in pending:
            piece = self._take(log, position, rows, nbytes)
            if piece is None:
                continue
            if schema is not None and piece.table.schema != schema:
                break  # the columns of Parquet files may change; not within a span
            schema = piece.table.schema
            pieces[Slice(log.name, piece.start, piece.stop)] = piece
            rows -= piece.table.num_rows
            nbytes -= piece.table.nbytes
            if rows <= 0 or nbytes <= 0 or len(pieces) == _SLICES:
                break
        return pieces

    def _side_by_side(
        self, pending: list[Log], position: Position, limit: Limit
    ) -> dict[Slice, Piece]:
        """Take equal shares of some files, beginning behind the one that was served last."""
        names = [log.name for log in pending]
        turn = names.index(self._turn) + 1 if self._turn in names else 0
        pending = (pending[turn:] + pending[:turn])[: min(_SIDE_BY_SIDE, limit.rows)]
        pieces: dict[Slice, Piece] = {}
        rows, nbytes = limit.rows, limit.nbytes
        for i, log in enumerate(pending):
            left = len(pending) - i
            piece = self._take(log, position, rows // left, nbytes // left)
            if piece is not None:
                pieces[Slice(log.name, piece.start, piece.stop)] = piece
                rows -= piece.table.num_rows
                nbytes -= piece.table.nbytes
                self._turn = log.name
        return pieces

    def _take(self, log: Log, position: Position, rows: int, nbytes: int) -> Piece | None:
        with self._logs.opened(log) as file:
            piece = file.take(position.get(log.name, 0), rows, max(0, nbytes))
        log.used = log.used or piece is not None or bool(position.get(log.name))
        return piece

    def _piece(self, part: Slice) -> Piece:
        known = [pieces.pop(part, None) for pieces in self._prepared]
        piece = known[0] or known[1]
        if piece is not None:
            return piece
        log = self._logs.get(part.partition)
        with self._logs.opened(log) as file:
            piece = file.load(part.start, part.stop)
        log.used = True
        return piece


def no_file(source: PlugIn, folder: Path) -> str:
    """Say that no file matches the path of a source; empty if one does, or it reads no files."""
    path = str(source.settings.get("path", ""))
    if source.type != "files" or not path or "${" in path:
        return ""
    try:
        return Listing(Path(path), follow=True, within=folder).nothing()
    except SourceError:  # no folder: that is an error of the job
        return ""


def missing_here(source: PlugIn, folder: Path) -> str:
    """Say that no file or folder of a source is there, seen from a workspace that need not be."""
    path = str(source.settings.get("path", ""))
    if source.type != "files" or not path or "${" in path:
        return ""
    try:
        whole = Path(os.path.normpath(folder.resolve() / path))
        return Listing(whole, follow=True).nothing()
    except SourceError as error:
        return str(error)


def format_of_files(source: PlugIn, folder: Path) -> str | None:
    """Give the format that all files of a source have by their names; None if these do not say."""
    path = str(source.settings.get("path", ""))
    if source.type != "files" or not path or "${" in path:
        return None
    try:
        found = Listing(Path(path), follow=True, within=folder).files()
    except SourceError:  # no folder: that is an error of the job
        return None
    kinds = {format_named({"type": "files", "path": each.name}) for each in found}
    return kinds.pop() if len(kinds) == 1 else None


def _splitter(context: Context) -> Splitter:
    """Say where records end in files of the stream's format."""
    if context.format == "csv":
        csv = settings_of(CsvFormat, context)
        return Splitter(
            header=csv.header, quote=csv.quote, delimiter=csv.delimiter, encoding=csv.encoding
        )
    return Splitter(bare=context.format == "raw")
