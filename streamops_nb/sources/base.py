"""The port of a source.

A source is a numbered log with one or more partitions. Whoever holds it asks for the next span of
offsets, then for the records in it; reading has no effect on the source, so the same span can be
read again after a crash and gives the same records. All methods are called by one thread at a
time (not always the same one), may block for at most a few seconds, and raise
`streamops_nb.model.errors.SourceError` when the outside world does not answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from streamops_nb.model.batch import Ends, Position, Span

if TYPE_CHECKING:
    import pyarrow as pa

    from streamops_nb.db import Session

__all__ = ["Context", "Limit", "Settings", "Source", "SourceType", "Traits"]


class Settings(BaseModel):
    """What a user may write below ``source:``; each source type has a subclass of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """What the engine must know about a source.

    Parameters
    ----------
    decoded
        True if `Source.read` gives the fields as columns (Parquet, tables, simulator), False if
        it gives a binary column ``_raw`` that a format has still to decode.
    apart
        True if the partitions are ordered each by itself, so that each has a watermark of its own
        (Kafka); False if they are read as one log (a folder of daily files).
    unit
        What an offset counts: ``records`` or ``bytes``. Lag is told in it.
    bounded
        True if the source ends (``Ends.closed``); the first start is then from `earliest`.
    """

    decoded: bool
    apart: bool
    unit: str = "records"
    bounded: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """How much one span may hold: at most `rows` records and about `nbytes` bytes."""

    rows: int = 200_000
    nbytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a source is handed when it is built; it looks nothing up by itself.

    Parameters
    ----------
    folder
        Relative paths in the settings are relative to this folder.
    scratch
        Makes a folder that is removed, for what a source would else keep in `folder`: a preview
        leaves nothing there. What is kept in `folder` already holds first.
    format
        The ``type`` of the stream's format (``json``, ``csv``, ``parquet``, ``raw``), and its
        settings, for sources that fuse reading and decoding.
    schema
        Field name to DuckDB type, or None while it is still to be inferred.
    event_time
        The name of the event-time field, if known.
    now
        The clock: seconds since the epoch.
    session
        Makes a database session for sources that read tables of this workspace.
    tables
        Gives the quoted, qualified name of a table of this workspace: of the log of a stream for
        ``stream:<name>``, of the output of a job for ``job:<name>``; raises `SourceError` if there
        is none. A table ``t`` may have ``t_marks`` beside it, which tells what retention removed.
    """

    folder: Path
    scratch: Callable[[], Path] | None = None
    format: str = "json"
    format_settings: Any = None
    schema: dict[str, str] | None = None
    event_time: str | None = None
    now: Callable[[], float]
    session: Callable[[], Session] | None = None
    tables: Callable[[str], str] | None = None

    def keeping(self, name: str) -> Path:
        """Where to keep a file of this name, below `folder` or below `scratch`."""
        kept = self.folder / name
        return kept if self.scratch is None or kept.exists() else self.scratch() / name


class Source(Protocol):
    """A source that is open."""

    traits: Traits

    def ends(self) -> Ends:
        """Say how far the source reaches now; cheap, it is called every trigger interval."""
        ...

    def seek(self, to: datetime | int) -> Position:
        """Find a position to start at.

        Parameters
        ----------
        to
            A time (aware, UTC): the first record at or after it, by the source's own time (broker
            timestamp, file time, event time where it is known). Or a number n of records: the
            latest n records over all partitions, spread evenly.
        """
        ...

    def cut(self, position: Position, limit: Limit) -> Span:
        """Choose the next span from `position` on; empty means nothing there yet.

        A partition that `position` does not know starts at its earliest offset. The span holds at
        least one record if one is there, even one above the byte limit, and gives every
        partition its turn. A position that the source no longer retains raises a `SourceError`
        that is not retryable and says what is lost.
        """
        ...

    def read(self, span: Span) -> pa.Table:
        """Read the records of `span`, in order of arrival.

        Returns
        -------
        pyarrow.Table
            ``_partition`` (string or dictionary of strings), ``_offset`` (int64: where the record
            begins) and either ``_raw`` (binary) or one column per field.
        """
        ...

    def close(self) -> None:
        """Give back what is held; harmless when called twice."""
        ...


class SourceType(Protocol):
    """What a plug-in of the group ``streamops_nb.sources`` names: a class that makes sources."""

    Settings: ClassVar[type[Settings]]

    def __call__(self, settings: Any, context: Context) -> Source:
        """Open a source; settings have been validated, nothing else has happened yet."""
        ...
