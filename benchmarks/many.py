"""Many jobs at one small batch a second."""

from __future__ import annotations

from typing import Any

from benchmarks.fresh import run_fresh
from benchmarks.options import Options, seconds
from benchmarks.table import Table

__all__ = ["run"]

_JOBS = 300
_SECONDS = 60
_TARGET = 0.250
_QUERIES = {
    "filter and projection": "SELECT ts, device, temp FROM readings WHERE temp > 40",
    "10 s tumbling count, avg, max per device": """
        SELECT window_start, window_end, device,
               count(*) AS n, avg(temp) AS mean, max(temp) AS top
        FROM tumble(readings, ts, INTERVAL 10 SECONDS)
        GROUP BY ALL""",
}


def run(options: Options) -> Table:
    """Run many jobs side by side and look at the longest batches."""
    jobs, length = options.scaled(_JOBS, 20), options.scaled(_SECONDS, 3)
    rows, raw = [], {}
    for title, query in _QUERIES.items():
        result = run_fresh(
            "benchmarks.many_jobs",
            spec=_spec(query),
            workspace=str(options.data / "bench.streamops"),
            jobs=jobs,
            warm_up=min(10, length),
            seconds=length,
        )
        raw[title] = result
        rows.append(_row(title, jobs, result))
    return Table(
        name="many",
        title="Many jobs",
        text=(
            f"{jobs} jobs in one engine with two threads per core for {length} s, each with a file "
            "of its own and a simulated source of 20 JSON records a second, one batch a second. A "
            "batch's time is that of the whole step: finding out what is there, reading, "
            "decoding, query, output, commit. The pace is held if there is one batch per job and "
            "second, and none comes late."
        ),
        columns=(
            "work", "batches per job and second", "p50", "p99", "target: p99 under", "longest",
            "p99 of coming late", "share of a core", "memory", "starting all jobs",
        ),
        rows=rows,
        raw=raw,
    )  # fmt: skip


def _spec(query: str) -> dict[str, Any]:
    stream = {
        "source": {"type": "simulator", "devices": 10, "rate": 20, "broken": 0},
        "schema": {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"},
        "event_time": "ts",
        "watermark_delay": "2s",
    }
    return {"streams": {"readings": stream}, "query": query, "trigger": {"interval": "1s"}}


def _row(title: str, jobs: int, result: dict[str, Any]) -> list[str]:
    return [
        title,
        f"{result['batches'] / jobs / result['elapsed']:.2f}",
        seconds(result["p50"]),
        seconds(result["p99"]),
        seconds(_TARGET),
        seconds(result["longest"]),
        seconds(result["due_p99"]),
        f"{result['cpu'] / result['elapsed']:.0%}",
        f"{result['peak'] / 2**20:.0f} MiB",
        seconds(result["setup"]),
    ]
