"""Ways to draw a sample: a closed family of values."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from streamops_nb.engine.preview.draw import Draw, Draws, Found, Reader
from streamops_nb.engine.preview.meeting import latest_since, met
from streamops_nb.engine.preview.sample import Drawn
from streamops_nb.engine.preview.strata import latest_of_strata
from streamops_nb.engine.reading import backlog
from streamops_nb.model.batch import Position, Slice, Span
from streamops_nb.model.duration import duration_text
from streamops_nb.model.wording import number_of

__all__ = ["Between", "Last", "Latest", "Next", "Places", "Spans"]

_LOOK = 0.05
"""Seconds between two looks at sources that have nothing new."""


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest records, spread over the partitions; of all streams over the same event times.

    Parameters
    ----------
    strata
        A column of which as many values as possible are to be among them.
    """

    rows: int = 1_000
    strata: str = ""

    def draw(self, draws: Draws) -> Mapping[str, Drawn]:
        """See `How.draw`."""
        rows = min(self.rows, draws.limits.rows)
        if self.strata:
            return met(draws, latest_of_strata(draws, self.strata, rows))
        return met(draws, {name: draw.latest(rows) for name, draw in draws.items()})

    def __str__(self) -> str:
        return f"latest {number_of(self.rows)}"


@dataclass(frozen=True, slots=True)
class Last:
    """The latest records of a length of time; by event time where there is one.

    Parameters
    ----------
    strata
        As of `Latest`.
    """

    length: timedelta
    strata: str = ""

    def draw(self, draws: Draws) -> Mapping[str, Drawn]:
        """See `How.draw`."""
        return latest_since(draws, self.length, self.strata)

    def __str__(self) -> str:
        return f"last {duration_text(self.length)}"


@dataclass(frozen=True, slots=True)
class Next:
    """The next records, as they come in."""

    rows: int = 1_000

    def draw(self, draws: Draws) -> Mapping[str, Drawn]:
        """See `How.draw`."""
        rows = min(self.rows, draws.limits.rows)
        readers = {name: d.reader(d.source.seek(0), rows) for name, d in draws.items()}
        open_ = dict(readers)
        while open_:
            came = False
            for name, reader in list(open_.items()):
                ends = draws[name].source.ends()
                came |= reader.step(ends.latest)
                over = ends.closed and all(
                    reader.position.get(p, at) >= at for p, at in ends.latest.items()
                )
                if over or reader.reached in ("rows", "bytes"):
                    del open_[name]
            if draws.time_is_up:
                break
            if open_ and not came:
                time.sleep(_LOOK)
        if open_:
            draws.notes.append(f"waited {draws.limits.seconds:g} s")
        return {name: _waited(draws[name], reader).told for name, reader in readers.items()}

    def __str__(self) -> str:
        return f"next {number_of(self.rows)}"


def _waited(draw: Draw, reader: Reader) -> Found:
    """What came until a limit was reached; that the time is up leaves out only what was there."""
    ends, reached = draw.source.ends(), reader.reached
    if reached == "seconds" and not backlog(ends, reader.position):
        reached = ""
    return draw.found(reader, ends, reached)


Point = datetime | Mapping[str, Position] | None


@dataclass(frozen=True, slots=True)
class Between:
    """The records from one point to another.

    Parameters
    ----------
    since, until
        A time, which every source finds as it does for a start point; positions per stream; or
        nothing: from the earliest, up to the latest record.
    """

    since: Point = None
    until: Point = None

    def draw(self, draws: Draws) -> Mapping[str, Drawn]:
        """See `How.draw`."""
        return {name: self._read(draw).told for name, draw in draws.items()}

    def _read(self, draw: Draw) -> Found:
        ends = draw.source.ends()
        start = self._at(self.since, draw, ends.earliest)
        return draw.read(start, self._at(self.until, draw, ends.latest))

    @staticmethod
    def _at(point: Point, draw: Draw, default: Position) -> Position:
        if point is None:
            return default
        if isinstance(point, datetime):
            return draw.source.seek(point)
        return {**default, **point.get(draw.name, {})}

    def __str__(self) -> str:
        parts = [
            f"{word} {_text(p)}"
            for word, p in (("from", self.since), ("to", self.until))
            if p is not None
        ]
        return " ".join(parts) or "everything"


@dataclass(frozen=True, slots=True)
class Spans:
    """The records of spans: what a batch read.

    Parameters
    ----------
    what
        In words, what they are.
    """

    spans: Mapping[str, Span]
    what: str

    def draw(self, draws: Draws) -> Mapping[str, Drawn]:
        """See `How.draw`."""
        return {name: self._read(draw).told for name, draw in draws.items()}

    def _read(self, draw: Draw) -> Found:
        span = self.spans.get(draw.name, Span())
        start = {**draw.source.ends().latest, **{s.partition: s.start for s in span}}
        return draw.read(start, {s.partition: s.stop for s in span})

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True, slots=True)
class Places:
    """Single records, such as rejects, by stream, partition and offset.

    Parameters
    ----------
    records
        Per stream ``partition``, ``offset`` and ``raw``, as rejects are kept. Of a stream whose
        source gives fields the records are read again; else `raw` is what it had given.
    what
        In words, what they are.
    """

    records: Mapping[str, pa.Table] = field(hash=False)
    what: str

    def draw(self, draws: Draws) -> Mapping[str, Drawn]:
        """See `How.draw`."""
        return {name: self._found(draw).told for name, draw in draws.items()}

    def _found(self, draw: Draw) -> Found:
        records = self.records.get(draw.name)
        if records is None or not records.num_rows:
            return draw.found(draw.reader({}), draw.source.ends())
        records = records.slice(0, draw.limits.rows).sort_by(
            [("partition", "ascending"), ("offset", "ascending")]
        )
        if draw.source.traits.decoded:
            raw = self._read_again(draw, records)
        else:
            columns = {"_partition": "partition", "_offset": "offset", "_raw": "raw"}
            raw = pa.table({ours: records[theirs] for ours, theirs in columns.items()})
        return Found(drawn=draw.drawn(raw), times=draw.fields.times(raw))

    @staticmethod
    def _read_again(draw: Draw, records: pa.Table) -> pa.Table:
        times = Counter(
            zip(records["partition"].to_pylist(), records["offset"].to_pylist(), strict=True)
        )
        pieces = []
        for (partition, at), n in times.items():
            piece = draw.source.read(Span((Slice(partition, at, at + 1),)))
            # several rows of one record were rejected, or one that was read in several runs
            pieces += [piece] * (n if piece.num_rows == 1 else 1)
        return pa.concat_tables(pieces).unify_dictionaries()

    def __str__(self) -> str:
        return self.what


def _text(point: Any) -> str:
    if isinstance(point, datetime):
        return point.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    ranges = (
        f"{name} {', '.join(f'{p}@{at}' for p, at in w.items())}" for name, w in point.items()
    )
    return "; ".join(ranges)
