"""From the records of a sample to rows with event time: what a job would make of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.db import Session
from streamops_nb.engine.assembly import format_maker, timing_of
from streamops_nb.engine.inflow import Inflow
from streamops_nb.engine.inlet import Timing, decoded_inflow, empty_inflow
from streamops_nb.engine.preview.sample import Drawn
from streamops_nb.engine.watermark import FOREVER, NEVER, StreamClock
from streamops_nb.model.spec import Stream

__all__ = ["Flow", "decode"]


@dataclass(frozen=True, kw_only=True)
class Flow:
    """The rows of one stream in a preview. All times are microseconds since the epoch.

    Parameters
    ----------
    inflow
        The rows, and what was taken out.
    timing
        Its event time, if it has one.
    watermark
        The stream's watermark after the last row.
    cut
        Windows that begin before this may have lost rows that lie before the sample.
    before
        For each row the watermark just before it came, if every row were a batch of its own; None
        if no row comes after its watermark.
    """

    inflow: Inflow
    timing: Timing | None
    watermark: int
    cut: int
    before: np.ndarray | None = None

    def with_inflow(self, inflow: Inflow, gone: np.ndarray) -> Flow:
        """The same with other rows: those at the places `gone` were taken out."""
        before = None if self.before is None else np.delete(self.before, gone)
        return replace(self, inflow=inflow, before=before)


def decode(
    name: str,
    stream: Stream,
    drawn: Drawn,
    *,
    now: int,
    session: Session,
    environ: Mapping[str, str],
) -> Flow:
    """Decode a stream's records and read their event times.

    Parameters
    ----------
    stream
        What the specification says of it, which need not be what it said when they were drawn.
    now
        When the sample was drawn, microseconds since the epoch.
    session
        A session of a sealed database.
    """
    schema = stream.fields or dict(drawn.schema)
    if drawn.raw.num_rows:
        if drawn.format is not None:
            stream = stream.model_copy(update={"format": drawn.format})
        make = format_maker(name, stream, environ, decoded=drawn.decoded)
        inflow = decoded_inflow(name, drawn.raw, make(schema), session)
    else:
        inflow = empty_inflow(name, schema, session)
    timing = timing_of(stream)
    if timing is None:
        end = FOREVER if drawn.ends else NEVER
        return Flow(inflow=inflow, timing=None, watermark=end, cut=NEVER)
    if inflow.table.num_rows:
        allowed = None if timing.ahead is None else now + timing.ahead
        inflow = inflow.timed(timing.column, allowed)
    return Flow(
        inflow=inflow,
        timing=timing,
        watermark=_watermark(inflow, timing, drawn, now),
        cut=max(_cut(inflow, timing, drawn), drawn.cut),
        before=_before(inflow, timing, apart=drawn.apart),
    )


def _watermark(inflow: Inflow, timing: Timing, drawn: Drawn, now: int) -> int:
    clock = StreamClock(timing.delay, None, drawn.apart)
    if drawn.ends:
        return clock.end()
    if timing.idle is None:
        clock.meet(drawn.partitions, now)
    for partition, latest in inflow.latest.items():
        clock.observe(partition, latest, now)
    return clock.advance(now)


def _cut(inflow: Inflow, timing: Timing, drawn: Drawn) -> int:
    """Just after the largest event time that can lie before the sample.

    As for a start point: rows of a partition are at most the watermark delay behind the largest
    event time before them.
    """
    if drawn.begins or not inflow.table.num_rows:
        return NEVER
    earliest = inflow.earliest_of_each(timing.column).values()
    first = max(earliest) if drawn.apart else min(earliest)
    return int(first) + timing.delay + 1


def _before(inflow: Inflow, timing: Timing, *, apart: bool) -> np.ndarray | None:
    if inflow.table.num_rows < 2:
        return None
    us = inflow.microseconds(timing.column)
    order = _arrival(inflow) if apart else None
    came = us if order is None else us[order]
    if apart:
        names = pc.dictionary_encode(inflow.partitions().combine_chunks())
        codes = names.indices.to_numpy()
        reached = _slowest(came, codes if order is None else codes[order])
    else:
        reached = np.maximum.accumulate(came)
    before = np.full(len(came), NEVER, dtype=np.int64)
    before[1:] = reached[:-1]
    known = before > NEVER
    before[known] -= timing.delay
    if order is not None:
        sorted_back = np.empty_like(before)
        sorted_back[order] = before
        before = sorted_back
    return before if bool(np.any(us < before)) else None


def _arrival(inflow: Inflow) -> np.ndarray | None:
    """The order in which rows of several partitions came, by the source's time, if it has one."""
    if "_time" not in inflow.raw.column_names:
        return None
    moments = inflow.raw["_time"].take(inflow.row).cast(pa.int64()).fill_null(0)
    return np.argsort(moments.to_numpy(), kind="stable")


def _slowest(us: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """After each row, the smallest over the partitions of the largest event time so far."""
    slowest = np.full(len(us), np.iinfo(np.int64).max, dtype=np.int64)
    for code in np.unique(codes):
        reached = np.maximum.accumulate(np.where(codes == code, us, NEVER))
        np.minimum(slowest, reached, out=slowest)
    return slowest
