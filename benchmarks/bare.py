"""Measured in a child: the least that reads a topic - consume, decode with DuckDB, throw away."""

from __future__ import annotations

import time
from typing import Any

import duckdb
import pyarrow as pa
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from benchmarks.works import COLUMNS
from streamops_nb.db import struct_type

__all__ = ["measure"]

_AT_ONCE = 50_000
_CHUNK = 25_000  # chunks are decoded on all cores


def measure(servers: str, topic: str, partitions: int, rows: int) -> dict[str, Any]:
    """Consume and decode the first `rows` records of a topic."""
    begun, used = time.perf_counter(), time.process_time()
    consumer = Consumer(
        {"bootstrap.servers": servers, "group.id": "bare", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(partitions)])
    connection = duckdb.connect()
    connection.execute("SET TimeZone='UTC'").fetchall()
    done = 0
    while done < rows:
        messages = consumer.consume(_AT_ONCE, 0.1)
        values = [value for message in messages if (value := message.value()) is not None]
        if values:
            assert len(_decoded(connection, values)) == len(values)
        done += len(values)
    took, used = time.perf_counter() - begun, time.process_time() - used
    consumer.close()
    return {"seconds": took, "cpu": used}


def _decoded(connection: duckdb.DuckDBPyConnection, values: list[bytes]) -> pa.Table:
    raw = pa.array(values, pa.string())
    parts = [raw.slice(start, _CHUNK) for start in range(0, len(raw), _CHUNK)]
    connection.register("_raw", pa.table({"raw": pa.chunked_array(parts)}))
    decode = f"unnest(from_json(raw, {struct_type(COLUMNS)}))"
    return connection.sql(f"SELECT {decode} FROM _raw").to_arrow_table()
