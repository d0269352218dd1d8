"""Drawing a sample from a job's sources, with no effect on them or on any job."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Protocol

import pyarrow as pa

from streamops_nb.db import Session
from streamops_nb.engine.assembly import OpenStream, Surroundings, open_stream
from streamops_nb.engine.preview.sample import Drawn, Limits, Sample, origin_of
from streamops_nb.engine.reading import backlog
from streamops_nb.model.batch import Ends, Position, Slice, Span, advance
from streamops_nb.model.spec import JobSpec
from streamops_nb.sources.base import Limit

__all__ = ["Draw", "How", "Latest", "draw"]

_READ = 10_000
"""Records that are read at a time, so that a time limit is kept."""

_NONE = pa.schema([("_partition", pa.string()), ("_offset", pa.int64()), ("_raw", pa.binary())])


class Draw:
    """One stream that is being drawn from.

    Parameters
    ----------
    stream
        The stream, opened for this alone.
    until
        When the time is up, on the monotonic clock.
    """

    def __init__(self, stream: OpenStream, limits: Limits, until: float) -> None:
        self.stream = stream
        self.limits = limits
        self._until = until

    @property
    def time_is_up(self) -> bool:
        """Whether to stop with what there is."""
        return time.monotonic() >= self._until

    def read(self, start: Position, ends: Ends, *, rows: int | None = None) -> Drawn:
        """Read from `start` on, up to where the source reached when it was asked.

        Parameters
        ----------
        rows
            At most so many records, and never more than the limits allow.
        """
        wanted = min(self.limits.rows, rows or self.limits.rows)
        source, position = self.stream.source, dict(start)
        pieces: list[pa.Table] = []
        slices: list[Slice] = []
        nbytes = count = 0
        truncated = ""
        while backlog(ends, position) and not truncated:
            limit = Limit(rows=min(wanted - count, _READ), nbytes=self.limits.nbytes - nbytes)
            span = _within(source.cut(position, limit), ends)
            if not span:
                break
            piece = source.read(span)
            pieces.append(piece)
            slices += span.slices
            position = advance(position, span)
            count += piece.num_rows
            nbytes += piece.nbytes
            if backlog(ends, position):
                truncated = self._reached(count, nbytes, wanted)
        return self.drawn(pieces, Span(tuple(slices)), start, ends, truncated)

    def _reached(self, rows: int, nbytes: int, wanted: int) -> str:
        if rows >= wanted:
            return "rows"
        if nbytes >= self.limits.nbytes:
            return "bytes"
        return "seconds" if self.time_is_up else ""

    def drawn(
        self,
        pieces: list[pa.Table],
        span: Span,
        start: Position,
        ends: Ends,
        truncated: str = "",
    ) -> Drawn:
        """Put together what was read from `start` on."""
        source = self.stream.source
        raw = pa.concat_tables(pieces).unify_dictionaries() if pieces else _NONE.empty_table()
        stops = advance(start, span)
        earliest = ends.earliest.items()
        return Drawn(
            raw=raw,
            decoded=source.traits.decoded,
            schema=self.stream.schema,
            span=span,
            apart=source.traits.apart,
            begins=all(start.get(p, first) <= first for p, first in earliest),
            ends=ends.closed and all(stops.get(p, 0) >= end for p, end in ends.latest.items()),
            truncated=truncated,
        )


class How(Protocol):
    """A way to draw the records of one stream."""

    def draw(self, draw: Draw) -> Drawn:
        """Draw them."""
        ...


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest records, spread over the partitions."""

    rows: int = 1_000

    def draw(self, draw: Draw) -> Drawn:
        """See `How.draw`."""
        source = draw.stream.source
        ends = source.ends()
        return draw.read(source.seek(min(self.rows, draw.limits.rows)), ends)

    def __str__(self) -> str:
        return f"latest {self.rows:,} rows"


def draw(spec: JobSpec, how: How, around: Surroundings, limits: Limits) -> Sample:
    """Draw a sample of all streams of a job; their sources are opened for this alone.

    Raises
    ------
    StreamopsError
        If a source cannot be read.
    """
    at, until = around.now(), time.monotonic() + limits.seconds
    session = around.instance.session()
    streams: dict[str, Drawn] = {}
    try:
        for name in spec.streams:
            streams[name] = _draw(spec, name, how, around, session, limits, until)
    finally:
        session.close()
    return Sample(streams=streams, how=str(how), at=at, limits=limits)


def _draw(
    spec: JobSpec,
    name: str,
    how: How,
    around: Surroundings,
    session: Session,
    limits: Limits,
    until: float,
) -> Drawn:
    begun = time.perf_counter()
    stream = open_stream(name, spec.streams[name], around, session)
    try:
        drawn = how.draw(Draw(stream, limits, until))
    finally:
        stream.source.close()
    took = time.perf_counter() - begun
    return replace(drawn, seconds=took, origin=origin_of(spec.streams[name]))


def _within(span: Span, ends: Ends) -> Span:
    """What of a span had been there when the source was asked how far it reaches."""
    slices = (replace(s, stop=min(s.stop, ends.latest.get(s.partition, s.start))) for s in span)
    return Span(tuple(s for s in slices if s.stop > s.start))
