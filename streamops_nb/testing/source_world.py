"""What the suite of sources reads: the records behind a source, and what may happen to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa

from streamops_nb.model.batch import Position, Span, advance
from streamops_nb.sources.base import Limit, Source

__all__ = [
    "EPOCH",
    "EVERYTHING",
    "World",
    "by_partition",
    "drain",
    "everything",
    "from_time",
    "present",
    "sample_records",
]

EVERYTHING = Limit(rows=1_000_000, nbytes=1 << 30)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def sample_records(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Make records ``n, ts, device, temp`` with unique `n`, one second apart."""
    return [
        {
            "n": n,
            "ts": (EPOCH + timedelta(seconds=n)).isoformat(),
            "device": f"d{n % 7}é",
            "temp": None if n % 11 == 3 else n / 4,
        }
        for n in range(start, start + count)
    ]


class World:
    """The records behind a source, and what may happen to them."""

    records_per_offset: int = 1
    """The largest number of records that share one offset (more than 1 for append logs)."""

    def open(self) -> Source:
        """Open another source over the same records."""
        raise NotImplementedError

    def known(self) -> dict[str, list[Any]]:
        """Give the values of all records, per partition; in reading order if not `apart`."""
        raise NotImplementedError

    def values(self, source: Source, table: pa.Table) -> list[Any]:
        """Give the records of a read table in the shape of `known`."""
        if not source.traits.decoded:
            return [json.loads(raw) for raw in table["_raw"].to_pylist()]
        names = [name for name in table.column_names if not name.startswith("_")]
        return list(table.select(names).to_pylist())

    def grow(self) -> bool:
        """Add records (also to `known`); False if the source is bounded."""
        return False

    def lose(self) -> Position | None:
        """Make a position unreadable and return it; None if nothing can ever be lost."""
        return None

    def times(self) -> dict[str, list[datetime]] | None:
        """Give the source's own time of every record of `known`; None without `seek(time)`."""
        return None

    def traces(self) -> Any:
        """Give all that reading could have changed: the files, groups and offsets around."""
        folder: Path | None = getattr(self, "folder", None)
        if folder is None:
            return None
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return {str(path): sha256(path.read_bytes()).hexdigest() for path in files}

    def close(self) -> None:
        """Give back what the world holds."""


def drain(
    source: Source, position: Position, limit: Limit = EVERYTHING, *, patience: int = 10_000
) -> Iterator[tuple[Span, pa.Table]]:
    """Cut and read from `position` until nothing is left."""
    for _ in range(patience):
        span = source.cut(position, limit)
        if not span:
            return
        yield span, source.read(span)
        position = advance(position, span)
    raise AssertionError(f"{patience} spans and still not at the end: does the position advance?")


def by_partition(world: World, source: Source, tables: Sequence[pa.Table]) -> dict[str, list[Any]]:
    """Sort the values of tables by partition, in order of arrival."""
    found: dict[str, list[Any]] = {}
    for table in tables:
        names = table["_partition"].cast(pa.string()).to_pylist()
        for name, value in zip(names, world.values(source, table), strict=True):
            found.setdefault(name, []).append(value)
    return found


def everything(
    world: World, source: Source, position: Position, limit: Limit = EVERYTHING
) -> dict[str, list[Any]]:
    """Read all that is there from `position` on."""
    return by_partition(world, source, [table for _, table in drain(source, position, limit)])


def present(known: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Leave out partitions without records."""
    return {partition: values for partition, values in known.items() if values}


def from_time(
    known: dict[str, list[Any]],
    times: dict[str, list[datetime]],
    target: datetime,
    apart: bool,
) -> dict[str, list[Any]]:
    """Say what must follow `target`: per partition if apart, else in the whole log."""
    found: dict[str, list[Any]] = {}
    begun = False
    for partition, values in known.items():
        index = next((i for i, t in enumerate(times[partition]) if t >= target), None)
        if not apart and begun:
            index = 0
        begun = begun or index is not None
        found[partition] = [] if index is None else values[index:]
    return found
