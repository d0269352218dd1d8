"""The rows of one stream in one batch, and what became of those that are not among them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.model.batch import Decoded

__all__ = ["REJECTS", "Inflow", "microseconds", "reject_table", "row_texts"]

REJECTS = pa.schema(
    [
        ("batch", pa.int64()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("stage", pa.string()),
        ("kind", pa.string()),
        ("reason", pa.string()),
        ("stream", pa.string()),
        ("partition", pa.string()),
        ("offset", pa.int64()),
        ("raw", pa.binary()),
    ]
)
_FOREVER = 2**62
_MICROSECOND = pa.timestamp("us")


def reject_table(
    *,
    stage: str,
    kind: str,
    reasons: Sequence[str],
    raws: Sequence[bytes | None],
    stream: str | None = None,
    partitions: Sequence[str | None] | None = None,
    offsets: Sequence[int | None] | None = None,
) -> pa.Table:
    """Build rejects; batch number and time are filled in at the commit."""
    n = len(reasons)
    nothing: list[None] = [None] * n
    columns = [
        nothing,
        nothing,
        [stage] * n,
        [kind] * n,
        list(reasons),
        [stream] * n,
        list(partitions or nothing),
        list(offsets or nothing),
        list(raws),
    ]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, REJECTS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=REJECTS)


def row_texts(table: pa.Table) -> list[bytes]:
    """Write rows as JSON, also times that Python's calendar does not reach."""
    columns = {}
    for name, values in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_timestamp(values.type):
            stamps = values.cast(pa.timestamp("us", tz=values.type.tz), safe=False)
            numbers = stamps.cast(pa.int64()).to_pylist()
            columns[name] = [None if n is None else str(np.datetime64(n, "us")) for n in numbers]
        else:
            columns[name] = values.to_pylist()
    rows = zip(*columns.values(), strict=True)
    return [json.dumps(dict(zip(columns, row, strict=True)), default=str).encode() for row in rows]


@dataclass(frozen=True, kw_only=True)
class Inflow:
    """What a batch has of one stream.

    Parameters
    ----------
    stream
        The stream's name.
    table
        Its rows, one column per field, in order of arrival.
    row
        For each row its number in `raw`.
    raw
        The records as the source gave them.
    rejects
        What was taken out, and why.
    latest
        Per partition, the largest event time seen, microseconds since the epoch.
    earliest
        The smallest event time, or None.
    partition
        The partition of all records, if it is known that they come from one.
    """

    stream: str
    table: pa.Table
    row: pa.ChunkedArray | pa.Array
    raw: pa.Table
    rejects: tuple[pa.Table, ...] = ()
    latest: dict[str, int] = field(default_factory=dict)
    earliest: int | None = None
    partition: str | None = None

    @classmethod
    def decoded(
        cls, stream: str, raw: pa.Table, decoded: Decoded, partition: str | None = None
    ) -> Inflow:
        """Take over what a format made of `raw`."""
        flow = cls(
            stream=stream,
            table=decoded.rows.drop_columns(["_row"]),
            row=decoded.rows["_row"],
            raw=raw,
            partition=partition,
        )
        bad = decoded.rejects
        if not bad.num_rows:
            return flow
        rows, reasons = bad["_row"].to_numpy(), bad["reason"].to_pylist()
        return replace(flow, rejects=(flow._taken(rows, reasons, stream, "decode"),))

    def rejected_at(
        self, places: np.ndarray, reasons: Sequence[str], stage: str, kind: str
    ) -> pa.Table:
        """Make rejects of rows, with their positions and raw bytes; the rows stay.

        Parameters
        ----------
        places
            Their places in `table`, ascending.
        """
        rows = self.row.take(pa.array(places)).to_numpy()
        return self._taken(rows, reasons, stage, kind, places)

    def without(self, places: np.ndarray, reasons: Sequence[str], stage: str, kind: str) -> Inflow:
        """Take rows out as rejects.

        Parameters
        ----------
        places
            Their places in `table`, ascending.
        """
        rejects = self.rejected_at(places, reasons, stage, kind)
        keep = np.ones(self.table.num_rows, dtype=bool)
        keep[places] = False
        mask = pa.array(keep)
        return replace(
            self,
            table=self.table.filter(mask),
            row=self.row.filter(mask),
            rejects=(*self.rejects, rejects),
        )

    def _taken(
        self,
        rows: np.ndarray,
        reasons: Sequence[str],
        stage: str,
        kind: str,
        places: np.ndarray | None = None,
    ) -> pa.Table:
        raw = self.raw.take(pa.array(rows))
        if "_raw" in raw.column_names:
            content = raw["_raw"].cast(pa.binary()).to_pylist()
        else:
            content = row_texts(raw if places is None else self.table.take(pa.array(places)))
        return reject_table(
            stage=stage,
            kind=kind,
            reasons=reasons,
            raws=content,
            stream=self.stream,
            partitions=raw["_partition"].cast(pa.string()).to_pylist(),
            offsets=raw["_offset"].to_pylist(),
        )

    def timed(self, column: str, latest_allowed: int | None) -> Inflow:
        """Note the event times; rows whose event time is no use become rejects.

        Parameters
        ----------
        column
            The event-time column.
        latest_allowed
            Event times above this are rejects (microseconds); None allows all finite ones.
        """
        flow = self
        limit = _FOREVER - 1 if latest_allowed is None else latest_allowed
        bounds = _bounds(flow.table[column])
        if bounds is None or bounds[1] > limit or bounds[0] <= -_FOREVER:
            flow = self._guarded(column, limit)
            bounds = _bounds(flow.table[column])
        if bounds is None:
            return flow
        return replace(flow, earliest=bounds[0], latest=flow.latest_of_each(column, bounds[1]))

    def microseconds(self, column: str) -> np.ndarray:
        """The event times, microseconds since the epoch; only after `timed`."""
        us: np.ndarray = microseconds(self.table[column]).to_numpy()
        return us

    def partitions(self) -> pa.ChunkedArray:
        """Which partition each row came from."""
        return self.raw["_partition"].cast(pa.string()).take(self.row)

    def latest_of_each(self, column: str, latest: int) -> dict[str, int]:
        """Per partition, the largest event time (microseconds); `latest` is that of all of them."""
        if self.partition is not None:
            return {self.partition: latest}
        partitions = self.raw["_partition"]
        first = partitions[0].as_py()
        if _all_are(partitions, first):
            return {first: latest}
        return _by_partition(self, microseconds(self.table[column]), "max")

    def earliest_of_each(self, column: str) -> dict[str, int]:
        """Per partition, the smallest event time (microseconds) among the rows."""
        return _by_partition(self, microseconds(self.table[column]), "min")

    def _guarded(self, column: str, limit: int) -> Inflow:
        us = microseconds(self.table[column])
        values = us.to_pandas().to_numpy(dtype="float64", na_value=np.nan)
        bad = np.isnan(values) | (values > limit) | (values <= -_FOREVER)
        # float64 is exact only to 2**53: decide the rows near the limit on the integers
        exact = pc.fill_null(pc.greater(us, limit), True).to_numpy(zero_copy_only=False)
        bad |= exact
        places = np.flatnonzero(bad)
        stamps = self.table[column].take(pa.array(places))
        reasons = [f"{column}: {_time_fault(value)}" for value in microseconds(stamps).to_pylist()]
        return self.without(places, reasons, self.stream, "event time")


def _all_are(partitions: pa.ChunkedArray, first: str) -> bool:
    """Tell whether all records come from one partition (1.7 ms for 100,000 if compared)."""
    if pa.types.is_dictionary(partitions.type):
        names = {name for chunk in partitions.chunks for name in chunk.dictionary.to_pylist()}
        if len(names) == 1:
            return True
    return bool(pc.all(pc.equal(partitions, first)).as_py())


def _by_partition(flow: Inflow, us: pa.ChunkedArray, what: str) -> dict[str, int]:
    grouped = pa.table({"p": flow.partitions(), "t": us}).group_by("p").aggregate([("t", what)])
    return dict(zip(grouped["p"].to_pylist(), grouped[f"t_{what}"].to_pylist(), strict=True))


def _bounds(stamps: pa.ChunkedArray) -> tuple[int, int] | None:
    """The smallest and the largest time, microseconds; None if one is NULL or there is none."""
    if stamps.null_count or not len(stamps):
        return None
    us = microseconds(stamps).to_numpy()
    return int(us.min()), int(us.max())


def microseconds(stamps: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give times as integers, microseconds since the epoch."""
    if stamps.type.unit != "us":
        stamps = stamps.cast(pa.timestamp("us", tz=stamps.type.tz), safe=False)
    return stamps.cast(pa.int64())


_NOW_BEFORE = (946_684_800_000_000, 4_102_444_800_000_000)  # 2000 to 2100
_SMALLER = "declare EPOCH_MS instead of EPOCH_S, or EPOCH_US instead of EPOCH_MS"


def _time_fault(us: int | None) -> str:
    if us is None:
        return "the event time is NULL"
    if abs(us) >= _FOREVER:
        return "the event time is infinite"
    stamp = np.datetime64(us, "us")
    if _NOW_BEFORE[0] <= us // 1000 <= _NOW_BEFORE[1]:
        return f"the event time {stamp} is a number of a smaller unit - {_SMALLER}"
    return f"the event time {stamp} lies too far in the future (see max_ahead)"
