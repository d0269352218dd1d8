"""A simulated plant as a source: no network, no files, any span readable again and again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from streamops_nb.model.batch import Ends, Position, Slice, Span
from streamops_nb.model.errors import SourceError
from streamops_nb.sources import base
from streamops_nb.sources.instant import Instant, micros
from streamops_nb.sources.plant import Plant

__all__ = ["SimulatorSettings", "SimulatorSource"]

_BEGINNING = datetime(2025, 1, 1, tzinfo=UTC)
# so that the stages after decoding find work for more than one core
_CHUNK = 25_000
# a clock may be set back a little without anybody's fault
_SLACK = 3_600


class SimulatorSettings(base.Settings):
    """Settings of the simulated plant.

    Parameters
    ----------
    kind
        Only ``plant`` so far.
    devices, rate, seed
        How many devices, how many records per second all together, which plant.
    late, silent, broken
        Share of the time during which a device sends 2 to 256 seconds late, or nothing at all;
        share of the records that are broken: half a record, no JSON at all, text for a number, an
        impossible date, or a ``vibration`` of ``NaN``.
    total
        End after so many records, which are then all there at once; null goes on for ever.
    start
        When the plant began: record k arrives k / rate seconds later. Null means 2025-01-01, so
        that offsets depend on the clock only and a restart goes on where it was.
    partitions
        The devices are dealt out to so many partitions.
    """

    kind: Literal["plant"] = "plant"
    devices: int = Field(default=100, ge=1, le=100_000)
    rate: float = Field(default=500, ge=0.001, le=10_000_000)
    seed: int = Field(default=1, ge=0, lt=2**63)
    late: float = Field(default=0.02, ge=0, le=1)
    silent: float = Field(default=0.02, ge=0, le=1)
    broken: float = Field(default=0.01, ge=0, le=1)
    total: int | None = Field(default=None, ge=0)
    start: Instant | None = None
    partitions: int = Field(default=1, ge=1, le=1_000)

    @model_validator(mode="after")
    def _every_partition_has_a_device(self) -> Self:
        if self.devices < self.partitions:
            raise ValueError(
                f"{self.partitions} partitions need at least as many devices, not {self.devices}"
            )
        return self


class SimulatorSource:
    """The plant of `streamops_nb.sources.plant`, arriving at a steady rate.

    The records are JSON with the fields ``ts, device, line, temp, vibration, energy, status``.
    Record g of the plant belongs to partition g modulo `partitions`; partition p's offset k is
    record ``k * partitions + p``.
    """

    Settings: ClassVar[type[base.Settings]] = SimulatorSettings

    def __init__(self, settings: SimulatorSettings, context: base.Context) -> None:
        self._settings = settings
        self._now = context.now
        self._origin = micros(settings.start or _BEGINNING)
        # records per 1000 seconds: whole numbers keep times exact for any offset
        self._rate = round(settings.rate * 1_000)
        self._plant = Plant(
            seed=settings.seed,
            devices=settings.devices,
            partitions=settings.partitions,
            late=settings.late,
            silent=settings.silent,
            broken=settings.broken,
        )
        self.traits = base.Traits(
            decoded=False, apart=settings.partitions > 1, bounded=settings.total is not None
        )

    def ends(self) -> Ends:
        """See `streamops_nb.sources.base.Source.ends`."""
        latest = self._split(self._latest())
        return Ends(earliest=dict.fromkeys(latest, 0), latest=latest, closed=self.traits.bounded)

    def seek(self, to: datetime | int) -> Position:
        """See `streamops_nb.sources.base.Source.seek`; times are times of arrival."""
        latest = self._latest()
        number = latest - to if isinstance(to, int) else self._arrived(micros(to) - 1)
        return self._split(min(max(number, 0), latest))

    def cut(self, position: Position, limit: base.Limit) -> Span:
        """See `streamops_nb.sources.base.Source.cut`."""
        latest = self.ends().latest
        for partition, stop in latest.items():
            self._check(partition, position.get(partition, 0), stop)
        budget = max(1, min(limit.rows, limit.nbytes // self._plant.width))
        # who is furthest behind comes first, so that every partition gets its turn
        order = sorted(latest, key=lambda p: (position.get(p, 0), int(p)))
        slices = []
        for place, partition in enumerate(order):
            start = position.get(partition, 0)
            fair = -(-budget // (len(order) - place))
            taken = min(latest[partition] - start, fair)
            if taken > 0:
                slices.append(Slice(partition, start, start + taken))
                budget -= taken
        return Span(tuple(slices))

    def read(self, span: Span) -> pa.Table:
        """See `streamops_nb.sources.base.Source.read`."""
        schema = pa.schema({"_partition": pa.string(), "_offset": pa.int64(), "_raw": pa.binary()})
        return pa.Table.from_batches(
            (batch for part in span for batch in self._batches(part, schema)), schema=schema
        )

    def close(self) -> None:
        """See `streamops_nb.sources.base.Source.close`."""

    def _batches(self, part: Slice, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        partition = int(part.partition)
        for start in range(part.start, part.stop, _CHUNK):
            stop = min(start + _CHUNK, part.stop)
            offset = np.arange(start, stop, dtype=np.int64)
            arrival = self._arrival(offset * self._settings.partitions + partition)
            raw = self._plant.records(partition, start, stop, arrival, self._origin)
            names = pa.repeat(pa.scalar(part.partition), stop - start)
            yield pa.record_batch([names, pa.array(offset), raw], schema=schema)

    def _arrival(self, number: Any) -> Any:
        """Give the microseconds since the origin at which records arrive."""
        # in two steps, because number * 10**9 would leave 64 bits after a year at 500 a second
        whole, rest = np.divmod(number, self._rate)
        return whole * 1_000_000_000 + rest * 1_000_000_000 // self._rate

    def _arrived(self, at: int) -> int:
        """Count the records that have arrived at a time (microseconds since the epoch)."""
        elapsed = at - self._origin
        # record g has arrived when floor(g * 10**9 / rate) <= elapsed
        return 0 if elapsed < 0 else -(-(elapsed + 1) * self._rate // 1_000_000_000)

    def _latest(self) -> int:
        total = self._settings.total
        return self._arrived(int(self._now() * 1_000_000)) if total is None else total

    def _split(self, number: int) -> dict[str, int]:
        """Give each partition its share of the first `number` records."""
        parts = self._settings.partitions
        return {str(p): (number - p + parts - 1) // parts for p in range(parts)}

    def _check(self, partition: str, start: int, stop: int) -> None:
        ahead = (start - stop) * self._settings.partitions / self._settings.rate
        if start < 0 or (ahead > _SLACK if self._settings.total is None else start > stop):
            raise SourceError(
                f"simulator: position {start} of partition {partition} lies beyond the end of the "
                f"simulated plant ({stop}): its rate, start, total or partitions were changed, or "
                "the clock was set back - reset the position",
                retryable=False,
            )
