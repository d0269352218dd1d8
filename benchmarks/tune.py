"""From the move of a slider to the frame that shows it."""

from __future__ import annotations

import statistics
import tempfile
import time
from typing import Any

import streamops_nb as so
from benchmarks.options import Options
from benchmarks.table import Table

__all__ = ["run"]

_TARGET = 150.0
_MOVES = 60
_ROWS = 10_000


def run(options: Options) -> Table:
    """Move the slider of ``job.tune()``, wait until its result is shown, and measure."""
    rows, moves = options.scaled(_ROWS, 500), options.scaled(_MOVES, 5)
    with tempfile.TemporaryDirectory() as folder, so.connect(folder) as workspace:
        job = workspace.save(_spec())
        tune = job.tune(rows=rows)
        tune.set(threshold=41).settle()
        took = []
        for move in range(moves):
            begun = time.perf_counter()
            tune.set(threshold=42 + move % 30)
            tune.settle()
            took.append(1_000 * (time.perf_counter() - begun))
        tune.close()
    p50, p95 = statistics.median(took), sorted(took)[int(0.95 * len(took))]
    return Table(
        name="tune",
        title="Tuning",
        text=(
            f"From the move of a slider of `job.tune()` until rows, difference and chart of "
            f"{rows:,} rows in two stages, one windowed, have been set in the widgets; {moves} "
            "moves, each to another value; 20 ms of each are the wait for a later move."
        ),
        columns=("milliseconds, p50", "p95", "target: under"),
        rows=[[f"{p50:.0f}", f"{p95:.0f}", f"{_TARGET:.0f}"]],
        raw={"milliseconds": took},
    )


def _spec() -> dict[str, Any]:
    source = {
        "type": "simulator",
        "devices": 100,
        "rate": 500,
        "total": 200_000,
        "start": "2024-01-01T00:00:00Z",
        "seed": 7,
    }
    schema = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "line": "VARCHAR", "temp": "DOUBLE"}
    stream = {"source": source, "schema": schema, "event_time": "ts", "watermark_delay": "2s"}
    return {
        "name": "hot",
        "streams": {"readings": stream},
        "params": {"threshold": {"type": "DOUBLE", "default": 40.0, "min": 0, "max": 100}},
        "query": "WITH hot AS (SELECT ts, line, temp FROM readings WHERE temp > $threshold) "
        "SELECT window_start, window_end, line, count(*) AS n, avg(temp) AS mean "
        "FROM tumble(hot, ts, INTERVAL 1 SECOND) GROUP BY ALL",
    }
