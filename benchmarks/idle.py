"""What a job costs that has nothing to do."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.fresh import run_fresh
from benchmarks.options import Options
from benchmarks.table import Table
from tests.broker import Broker, TansuBroker

__all__ = ["run"]

_JOBS = 100
_SECONDS = 30
_TARGET = 0.001
_RECORD = b'{"ts":"2025-01-01T00:00:00Z","device":"a","temp":1.5}'
_SCHEMA = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}


def run(options: Options) -> Table:
    """Measure the processor time of many idle jobs, less that of an engine without jobs."""
    jobs, length = options.scaled(_JOBS, 10), options.scaled(_SECONDS, 2)
    options.data.mkdir(parents=True, exist_ok=True)
    followed = options.data / "idle.jsonl"
    followed.write_bytes(_RECORD + b"\n")
    rows, raw = [], {}
    with (
        tempfile.TemporaryDirectory(dir=options.data) as folder,
        TansuBroker(Path(folder)) as broker,
    ):
        sources: dict[str, dict[str, Any]] = {
            "a file that does not grow": {"type": "files", "path": str(followed)},
            "a simulated plant with a record every 1,000 s": {"type": "simulator", "rate": 0.001},
            "a topic of two partitions": _topic(broker),
        }
        for title, source in sources.items():
            none, some = (
                run_fresh(
                    "benchmarks.many_jobs",
                    spec=_spec(source),
                    workspace=str(options.data / "bench.streamops"),
                    jobs=count,
                    warm_up=min(8, length),
                    seconds=length,
                )
                for count in (0, jobs)
            )
            share = (some["cpu"] - none["cpu"]) / some["elapsed"] / jobs
            raw[title] = [none, some]
            rows.append([title, f"{share:.3%}", f"{_TARGET:.1%}", f"{none['cpu'] / length:.3%}"])
    return Table(
        name="idle",
        title="Idle jobs",
        text=(
            f"Processor time of {jobs} jobs that ask their source every second and find nothing, "
            f"over {length} s, divided by their number; less that of an engine without jobs. "
            "The topic is Tansu's, a process of its own, of which nothing is counted."
        ),
        columns=("source", "share of a core per job", "target: under", "engine without jobs"),
        rows=rows,
        raw=raw,
    )


def _topic(broker: Broker) -> dict[str, Any]:
    topic = broker.topic(2)
    for partition in range(2):
        broker.produce(topic, partition, [_RECORD])
    return {"type": "kafka", "servers": broker.servers, "topic": topic}


def _spec(source: dict[str, Any]) -> dict[str, Any]:
    stream = {
        "source": source,
        "schema": _SCHEMA,
        "event_time": "ts",
        "watermark_delay": "2s",
    }
    return {
        "streams": {"readings": stream},
        "query": "SELECT window_start, window_end, count(*) AS n "
        "FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY ALL",
    }
