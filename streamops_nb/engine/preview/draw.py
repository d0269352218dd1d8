"""Drawing a sample from a job's sources, with no effect on them or on any job."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa

from streamops_nb.db import Session
from streamops_nb.engine.assembly import OpenStream, Surroundings, open_stream, shapes_of
from streamops_nb.engine.preview.choosing import newest
from streamops_nb.engine.preview.fields import Fields
from streamops_nb.engine.preview.sample import Coverage, Drawn, Limits, Sample, origin_of
from streamops_nb.engine.preview.work import Work
from streamops_nb.engine.reading import backlog
from streamops_nb.engine.watermark import NEVER
from streamops_nb.model.batch import Ends, Position, Slice, Span, advance
from streamops_nb.model.spec import JobSpec, Stream
from streamops_nb.sources.base import Limit, Source

__all__ = ["Draw", "Draws", "Found", "How", "Reader", "draw"]


_READ = 10_000
"""Records that are read at a time, so that a time limit is kept."""

_AGAIN = 4
"""So often is a span cut before a source that grows all the time is given up."""

_NONE = pa.schema([("_partition", pa.string()), ("_offset", pa.int64()), ("_raw", pa.binary())])


@dataclass(frozen=True, kw_only=True)
class Found:
    """Records that were read of one stream, and their event times.

    Parameters
    ----------
    times
        Per record, microseconds since the epoch; `NEVER` if it has none that is of use.
    """

    drawn: Drawn
    times: np.ndarray

    @cached_property
    def known(self) -> np.ndarray:
        """The event times that are known."""
        found: np.ndarray = self.times[self.times > NEVER]
        return found

    def kept(self, keep: np.ndarray, **changes: object) -> Found:
        """The same with some of the records only; where they lie follows from them."""
        raw = self.drawn.raw.filter(pa.array(keep))
        span = _narrowed(self.drawn.span, raw)
        drawn = replace(self.drawn, raw=raw, span=span, begins=False, **changes)  # type: ignore[arg-type]
        return Found(drawn=drawn, times=self.times[keep])

    @property
    def told(self) -> Drawn:
        """The records, with what is known of their event times."""
        known = self.known
        if not len(known):
            return self.drawn
        covered = replace(self.drawn.coverage, first=int(known.min()), last=int(known.max()))
        return replace(self.drawn, coverage=covered)


class Reader:
    """Reads a source forward from a position, until a limit is reached.

    Parameters
    ----------
    until
        When the time is up, on the monotonic clock.
    check
        Called before each step; raises if the drawing was cancelled.
    """

    def __init__(
        self,
        source: Source,
        start: Position,
        limits: Limits,
        until: float,
        check: Callable[[], None],
    ) -> None:
        self._source = source
        self._check = check
        self._limits = limits
        self._until = until
        self.start = dict(start)
        self.position = dict(start)
        self.pieces: list[pa.Table] = []
        self.slices: list[Slice] = []
        self.rows = self.nbytes = 0

    @property
    def reached(self) -> str:
        """The limit that was reached: ``rows``, ``bytes``, ``seconds``, or nothing."""
        if self.rows >= self._limits.rows:
            return "rows"
        if self.nbytes >= self._limits.nbytes:
            return "bytes"
        return "seconds" if time.monotonic() >= self._until else ""

    def step(self, stops: Position) -> bool:
        """Read some records that lie before `stops`; say whether there were any."""
        self._check()
        limits = self._limits
        rows, nbytes = min(limits.rows - self.rows, _READ), limits.nbytes - self.nbytes
        span = self._cut(stops, Limit(rows=rows, nbytes=nbytes))
        if not span:
            return False
        piece = self._source.read(span)
        self.pieces.append(piece)
        self.slices += span.slices
        self.position = advance(self.position, span)
        self.rows += piece.num_rows
        self.nbytes += piece.nbytes
        return True

    def _cut(self, stops: Position, limit: Limit) -> Span:
        """Choose the next span; what lies behind the stops may not take the place of the rest."""
        position = self.position
        for _ in range(_AGAIN):
            found = self._source.cut(position, limit)
            span = _within(found, stops)
            if span or not found:
                return span
            latest = self._source.ends().latest
            over = {p: at for p, at in latest.items() if self.position.get(p, 0) >= stops.get(p, 0)}
            position = {**self.position, **over}
        return Span()


class Draw:
    """One stream that is being drawn from.

    Parameters
    ----------
    declared
        What the specification says of the stream.
    opened
        The stream, opened for this alone.
    until, check
        See `Reader`.
    """

    def __init__(
        self,
        name: str,
        declared: Stream,
        opened: OpenStream,
        around: Surroundings,
        session: Session,
        limits: Limits,
        until: float,
        check: Callable[[], None],
    ) -> None:
        self.name = name
        self.declared = declared
        self.source = opened.source
        self.schema = opened.schema
        self._read_as = opened.declared.format
        self.limits = limits
        self.fields = Fields(
            name=name,
            declared=opened.declared,
            schema=opened.schema,
            decoded=opened.source.traits.decoded,
            around=around,
            session=session,
        )
        self._until = until
        self._check = check

    def reader(self, start: Position, rows: int | None = None) -> Reader:
        """Give a reader that keeps the limits; of at most `rows` records."""
        limits = self.limits if rows is None else replace(self.limits, rows=rows)
        return Reader(self.source, start, limits, self._until, self._check)

    def read(self, start: Position, stops: Position, *, rows: int | None = None) -> Found:
        """Read from one position to another, or until a limit is reached."""
        ends = self.source.ends()
        reader = self.reader(start, rows)
        reach = replace(ends, latest={p: stops.get(p, 0) for p in ends.latest})
        truncated = ""
        while backlog(reach, reader.position) and not truncated and reader.step(stops):
            truncated = reader.reached if backlog(reach, reader.position) else ""
        return self.found(reader, ends, truncated)

    def latest(self, rows: int) -> Found:
        """Read the latest records, spread over the partitions."""
        start = self.source.seek(rows)
        # what comes while we look is left out, except that offsets may hold several records
        found = self.read(start, self.source.ends().latest, rows=rows + _READ)
        fitting = found.drawn.raw.num_rows // 2
        if found.drawn.truncated == "bytes" and fitting:
            fewer = self.latest(fitting)
            return replace(fewer, drawn=replace(fewer.drawn, truncated="bytes"))
        excess = found.drawn.raw.num_rows > rows
        if excess:
            found = found.kept(newest(found.drawn, rows))
        drawn = found.drawn
        more = "" if drawn.begins and not excess else "rows"
        return replace(found, drawn=replace(drawn, truncated=drawn.truncated or more))

    def found(self, reader: Reader, ends: Ends, truncated: str = "") -> Found:
        """Put together what a reader has read."""
        pieces = reader.pieces
        raw = pa.concat_tables(pieces).unify_dictionaries() if pieces else _NONE.empty_table()
        stops = reader.position
        drawn = self.drawn(
            raw,
            span=_joined(reader.slices),
            partitions=tuple(ends.latest),
            reach=dict(stops),
            begins=self._begins(reader.start, ends),
            ends=ends.closed and all(stops.get(p, 0) >= end for p, end in ends.latest.items()),
            truncated=truncated,
        )
        return Found(drawn=drawn, times=self.fields.times(raw))

    def _begins(self, start: Position, ends: Ends) -> bool:
        """Whether no record lies before a position."""
        later = [p for p, first in ends.earliest.items() if start.get(p, first) > first]
        if self.source.traits.unit != "bytes":
            return not later
        # bytes before the first record need not be a record: a header, an empty line
        return all(self._first(p, ends) >= start[p] for p in later)

    def _first(self, partition: str, ends: Ends) -> int:
        """Where the first record of a partition begins."""
        only = {**ends.latest, partition: ends.earliest[partition]}
        span = self.source.cut(only, Limit(rows=1))
        mine = Span(tuple(each for each in span if each.partition == partition))
        if not mine:
            return ends.latest[partition]
        return int(self.source.read(mine)["_offset"][0].as_py())

    def drawn(self, raw: pa.Table, **known: object) -> Drawn:
        """Make of records what a sample holds of them."""
        traits = self.source.traits
        return Drawn(
            raw=raw,
            decoded=traits.decoded,
            schema=self.schema,
            apart=traits.apart,
            origin=origin_of(self.declared),
            stream=self.declared,
            format=None if self._read_as == self.declared.format else self._read_as,
            coverage=Coverage(looked_at=raw.num_rows),
            **known,  # type: ignore[arg-type]
        )


class Draws(Mapping[str, Draw]):
    """The streams of a job, each opened when it is first asked for.

    Attributes
    ----------
    notes
        What is worth telling of the sample as a whole.
    """

    def __init__(
        self,
        spec: JobSpec,
        around: Surroundings,
        limits: Limits,
        stack: ExitStack,
        check: Callable[[], None],
    ) -> None:
        self.check = check
        self.spec = spec
        self.limits = limits
        self.around = around
        self.notes: list[str] = []
        self._stack = stack
        self._open: dict[str, Draw] = {}
        self._until = time.monotonic() + limits.seconds

    @cached_property
    def session(self) -> Session:
        """A session for decoding."""
        session = self.around.instance.session()
        self._stack.callback(session.close)
        return session

    @property
    def time_is_up(self) -> bool:
        """Whether to stop with what there is."""
        return time.monotonic() >= self._until

    def __getitem__(self, name: str) -> Draw:
        if name not in self._open:
            declared = self.spec.streams[name]
            opened = open_stream(name, declared, self.around, self.session)
            self._stack.callback(opened.source.close)
            shapes_of(self.spec, {name: opened.schema})
            self._open[name] = Draw(
                name,
                declared,
                opened,
                self.around,
                self.session,
                self.limits,
                self._until,
                self.check,
            )
        return self._open[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.spec.streams)

    def __len__(self) -> int:
        return len(self.spec.streams)


class How(Protocol):
    """A way to draw the records of a job's streams."""

    def draw(self, draws: Draws) -> Mapping[str, Drawn]:
        """Draw them, of every stream."""
        ...


def draw(
    spec: JobSpec, how: How, around: Surroundings, limits: Limits, work: Work | None = None
) -> Sample:
    """Draw a sample of all streams of a job; their sources are opened for this alone.

    Raises
    ------
    Interrupted
        If it was cancelled.
    StreamopsError
        If a source cannot be read, or has no event time where one is declared.
    """
    at, begun, work = around.now(), time.perf_counter(), work or Work()
    with ExitStack() as stack:
        draws = Draws(spec, around, limits, stack, work.check)
        stack.enter_context(work.going_on(draws.session))
        streams = how.draw(draws)
        told = ", ".join([str(how), *draws.notes])
    took = time.perf_counter() - begun
    timed = {name: replace(streams[name], seconds=took) for name in spec.streams}
    return Sample(streams=timed, how=told, at=at, limits=limits)


def _within(span: Span, stops: Position) -> Span:
    """What of a span lies before a position."""
    slices = (replace(s, stop=min(s.stop, stops.get(s.partition, s.start))) for s in span)
    return Span(tuple(s for s in slices if s.stop > s.start))


def _narrowed(span: Span, raw: pa.Table) -> Span:
    """The span from the first record that is left in each partition."""
    stops: dict[str, int] = {s.partition: s.stop for s in span}
    names = raw["_partition"].cast(pa.string())
    grouped = pa.table({"p": names, "o": raw["_offset"]}).group_by("p").aggregate([("o", "min")])
    starts = dict(zip(grouped["p"].to_pylist(), grouped["o_min"].to_pylist(), strict=True))
    return Span(tuple(Slice(p, starts[p], stop) for p, stop in stops.items() if p in starts))


def _joined(slices: list[Slice]) -> Span:
    """What was read, piece after piece, as one span."""
    whole: dict[str, Slice] = {}
    for each in slices:
        start = whole[each.partition].start if each.partition in whole else each.start
        whole[each.partition] = replace(each, start=start)
    return Span(tuple(whole.values()))
