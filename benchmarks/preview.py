"""How long one waits for a preview."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from benchmarks import data
from benchmarks.fresh import run_fresh
from benchmarks.options import Options
from benchmarks.table import Table
from benchmarks.works import COLUMNS, DELAY, WORKS
from tests.broker import QUIET, Broker, TansuBroker

__all__ = ["run"]

_CALLS = 200
_MESSAGES = 10_000_000

_STAGES = """
    WITH warm AS (SELECT ts, device, temp, load FROM readings WHERE temp > 20),
         scaled AS (SELECT *, temp * 1.8 + 32 AS fahrenheit FROM warm),
         spots AS (SELECT window_start, window_end, device, count(*) AS n,
                          avg(fahrenheit) AS mean, max(load) AS top
                   FROM tumble(scaled, ts, INTERVAL 1 SECOND) GROUP BY ALL),
         busy AS (SELECT * FROM spots WHERE n > 1)
    SELECT window_start, device, n, mean, top, rank() OVER (
             PARTITION BY window_start, window_end ORDER BY mean DESC, device) AS place
    FROM busy"""


def run(options: Options) -> Table:
    """Measure previews over files of JSON lines, and of a topic."""
    path = data.readings(options.data, 200_000, "jsonl")
    files = {"type": "files", "path": str(path), "follow": False}
    window, stages = _spec(files, WORKS["tumble"].query), _spec(files, _STAGES)
    rows, raw = [], {}
    for title, spec, count, fresh, target in (
        ("window, pinned", window, 1_000, False, "p50 20 ms"),
        ("five stages, pinned", stages, 10_000, False, ""),
        ("five stages, drawn each time", stages, 10_000, True, "p95 150 ms"),
        ("five stages, pinned", stages, 100_000, False, ""),
        ("five stages, drawn each time", stages, 100_000, True, "p95 600 ms"),
    ):
        took = _previewed(options, spec, count, fresh)
        raw[f"{title}, {count}"] = took
        shares = [_share(took, "duckdb", "bare"), _share(took, "framed", "bare_framed")]
        rows.append([title, f"{count:,}", *_quantiles(took["calls"]), target, *shares])
    cold = [_cold(path) for _ in range(options.scaled(10, 3))]
    rows.append(["first of an interpreter, window", "1,000", *_quantiles(cold), "1,500 ms", "", ""])
    took, messages = _topic(options)
    raw |= {"cold": cold, "topic": took}
    title = f"window, latest of a topic of {messages:,}"
    rows.append([title, "1,000", *_quantiles(took["calls"]), "300 ms", "", ""])
    return Table(
        name="preview",
        title="Previews",
        text=(
            f"From the call to the DataFrames of all stages, {options.scaled(_CALLS, 10)} calls in "
            "a warm process; JSON lines of four fields. The columns at the end are the time to "
            "load the rows, run all stages and fetch every stage's result as Arrow, and as "
            "DataFrames, as multiples of the time that DuckDB takes for the bare query over a "
            "table it has already, its one result fetched in the same way; the target is 2."
        ),
        columns=(
            "preview",
            "rows",
            "p50",
            "p95",
            "target",
            "DuckDB part / bare query",
            "with DataFrames",
        ),
        rows=rows,
        raw=raw,
    )


def _share(took: dict[str, Any], part: str, bare: str) -> str:
    pairs = zip(took[part], took[bare], strict=True)
    return f"{statistics.median(a / b for a, b in pairs):.2f}"


def _quantiles(took: list[float]) -> tuple[str, str]:
    ordered = sorted(took)
    places = (len(ordered) // 2, min(len(ordered) - 1, int(len(ordered) * 0.95)))
    return f"{ordered[places[0]] * 1000:.1f} ms", f"{ordered[places[1]] * 1000:.1f} ms"


def _spec(source: dict[str, Any], query: str) -> dict[str, Any]:
    stream = {
        "source": source,
        "format": "json",
        "schema": COLUMNS,
        "event_time": "ts",
        "watermark_delay": DELAY,
    }
    return {"streams": {"readings": stream}, "query": query}


def _previewed(options: Options, spec: dict[str, Any], rows: int, fresh: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=options.data) as folder:
        return run_fresh(
            "benchmarks.preview_calls",
            spec=spec,
            workspace=folder,
            rows=rows,
            calls=options.scaled(_CALLS if rows < 50_000 else _CALLS // 4, 10),
            fresh=fresh,
        )


def _cold(path: Path) -> float:
    source = {"type": "files", "path": str(path), "follow": False}
    spec = {"name": "bench", **_spec(source, WORKS["tumble"].query)}
    return float(run_fresh("benchmarks.preview_first", spec=spec)["process"])


def _topic(options: Options) -> tuple[dict[str, Any], int]:
    messages = options.scaled(_MESSAGES, 100_000)
    with (
        tempfile.TemporaryDirectory(dir=options.data) as folder,
        TansuBroker(Path(folder)) as broker,
    ):
        topic = broker.topic(2)
        _fill(broker, topic, messages, options)
        source = {"type": "kafka", "servers": broker.servers, "topic": topic}
        return _previewed(options, _spec(source, WORKS["tumble"].query), 1_000, True), messages


def _fill(broker: Broker, topic: str, messages: int, options: Options) -> None:
    """Write as many messages as asked for, over and over the same ones, then the newest alone."""
    lines = data.readings(options.data, 200_000, "jsonl").read_bytes().splitlines()
    producer = Producer({"bootstrap.servers": broker.servers, "linger.ms": 50, **QUIET})
    for number in range(messages):
        broker.send(producer, topic, number % 2, lines[number % len(lines)])
    assert producer.flush(120) == 0
    for partition in (0, 1):  # this broker tells the end by requests
        broker.produce(topic, partition, lines[:1])
    time.sleep(0.1)
