"""One stream of a job, open: from its source to decoded rows."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from streamops_nb.db import Session, ident
from streamops_nb.engine.inflow import Inflow
from streamops_nb.formats.base import Format
from streamops_nb.model.batch import Decoded, Ends, Position, Span
from streamops_nb.model.time_forms import column_type
from streamops_nb.sources.base import Limit, Source

__all__ = ["Inlet", "Timing", "decoded_inflow", "empty_inflow"]

_RAW = pa.schema([("_partition", pa.string()), ("_offset", pa.int64()), ("_raw", pa.binary())])
_NONE = pa.schema([("_row", pa.int64()), ("reason", pa.string())])


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """Event time of a stream; all lengths in microseconds.

    Parameters
    ----------
    column
        The event-time column.
    delay
        How long a row may come after a later one and still be on time.
    idle
        After this long without rows a partition no longer holds the watermark back; None never.
    ahead
        Event times further ahead of the clock than this are rejects; None for no guard.
    """

    column: str
    delay: int = 0
    idle: int | None = None
    ahead: int | None = None


class Inlet:
    """A stream's source and format, used by one thread at a time.

    Parameters
    ----------
    session
        A session of its own for decoding, so that the next batch can be decoded while the
        present one runs.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        format_: Format,
        schema: Mapping[str, str],
        session: Session,
        timing: Timing | None = None,
    ) -> None:
        self.name = name
        self.source = source
        self.timing = timing
        self._format = format_
        self._schema = schema
        self._session = session
        self._lock = threading.Lock()
        self._empty: Inflow | None = None

    @property
    def columns(self) -> dict[str, str]:
        """Column name to DuckDB type of the decoded rows."""
        return _columns(self._schema)

    def ends(self) -> Ends:
        """How far the source reaches now."""
        with self._lock:
            return self.source.ends()

    def cut(self, position: Position, limit: Limit) -> Span:
        """The next span from a position on."""
        with self._lock:
            return self.source.cut(position, limit)

    def read(self, span: Span) -> tuple[Inflow, dict[str, float]]:
        """Read and decode a span; also give the seconds that each of the two took."""
        with self._lock:
            if not span:
                return self.nothing(), {}
            begun = time.perf_counter()
            raw = self.source.read(span)
            read = time.perf_counter()
            partitions = {part.partition for part in span}
            only = partitions.pop() if len(partitions) == 1 else None
            inflow = decoded_inflow(self.name, raw, self._format, self._session, only)
            return inflow, {"read": read - begun, "decode": time.perf_counter() - read}

    def nothing(self) -> Inflow:
        """An inflow without rows."""
        if self._empty is None:
            self._empty = empty_inflow(self.name, self._schema, self._session)
        return self._empty

    def close(self) -> None:
        """Close the source and the session."""
        with self._lock:
            self.source.close()
            self._session.close()


def decoded_inflow(
    stream: str, raw: pa.Table, format_: Format, session: Session, partition: str | None = None
) -> Inflow:
    """Decode what a source read of a stream; `partition` as of `Inflow`."""
    return Inflow.decoded(stream, raw, format_.decode(raw, session), partition)


def empty_inflow(stream: str, schema: Mapping[str, str], session: Session) -> Inflow:
    """An inflow without rows, of the types that decoded rows have."""
    columns = ", ".join(
        f"CAST(NULL AS {kind}) AS {ident(name)}" for name, kind in _columns(schema).items()
    )
    rows = session.table(f"SELECT {columns}, CAST(0 AS BIGINT) AS _row LIMIT 0")
    decoded = Decoded(rows=rows, rejects=_NONE.empty_table())
    return Inflow.decoded(stream, _RAW.empty_table(), decoded)


def _columns(schema: Mapping[str, str]) -> dict[str, str]:
    return {name: column_type(kind) for name, kind in schema.items()}
