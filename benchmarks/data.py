"""Seeded readings of 1,000 devices, made once and kept in a cache folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["ROW_GROUP", "json_values", "readings"]

_DEVICES = 1_000
_RATE = 10_000  # events per second of event time: each device ten times a second
_DISORDER = 2_000_000  # microseconds
ROW_GROUP = 100_000
_SEED = 1
_VERSION = 1  # count up when the data change


def readings(folder: Path, rows: int, kind: str) -> Path:
    """Give the file of the first `rows` readings, making it if it is not in the cache.

    Parameters
    ----------
    folder
        The cache.
    kind
        ``jsonl``, ``parquet``.
    """
    path = folder / f"readings-v{_VERSION}-{rows}.{kind}"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".tmp")
    table = _table(rows)
    if kind == "parquet":
        pq.write_table(table, aside, row_group_size=ROW_GROUP)
    else:
        _write_jsonl(table, aside)
    aside.rename(path)
    return path


def _table(rows: int) -> pa.Table:
    draw = np.random.default_rng(_SEED)
    beginning = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
    times = beginning + np.arange(rows, dtype=np.int64) * (1_000_000 // _RATE)
    arrival = times + draw.integers(0, _DISORDER, rows)
    times = times[np.argsort(arrival, kind="stable")]
    names = pa.array([f"d{number:04d}" for number in range(_DEVICES)])
    return pa.table(
        {
            "ts": pa.array(times).cast(pa.timestamp("us", tz="UTC")),
            "device": names.take(pa.array(draw.integers(0, _DEVICES, rows))),
            "temp": np.round(draw.normal(50, 15, rows), 2),
            "load": draw.integers(0, 1_000, rows),
        }
    )


def _write_jsonl(table: pa.Table, path: Path) -> None:
    with duckdb.connect() as connection, path.open("wb") as out:
        connection.execute("SET TimeZone='UTC'").fetchall()
        for values in json_values(connection, table):
            out.write(b"\n".join(values) + b"\n")


def json_values(connection: duckdb.DuckDBPyConnection, table: pa.Table) -> Iterator[list[bytes]]:
    """Write the rows of a table as JSON objects, some 100,000 at a time."""
    for start in range(0, table.num_rows, ROW_GROUP):
        connection.register("_part", table.slice(start, ROW_GROUP))
        rows = connection.execute(
            "SELECT CAST(to_json({ts: strftime(ts, '%Y-%m-%dT%H:%M:%S.%fZ'), device: device, "
            "temp: temp, load: load}) AS VARCHAR) FROM _part"
        ).fetchall()
        yield [value.encode() for (value,) in rows]
