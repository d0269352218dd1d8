"""Memory of a job over few and over many rows."""

from __future__ import annotations

from typing import Any

from benchmarks.fresh import run_fresh
from benchmarks.options import Options, seconds
from benchmarks.table import Table

__all__ = ["run"]

_FEW, _MANY = 5_000_000, 50_000_000
_TARGET = 1.2
_QUERIES = {
    "10 s tumbling count, avg, max per device": """
        SELECT window_start, window_end, device,
               count(*) AS n, avg(temp) AS mean, max(temp) AS top
        FROM tumble(readings, ts, INTERVAL 10 SECONDS)
        GROUP BY ALL""",
    "filter and projection": """
        SELECT ts, device, temp * 1.8 + 32 AS fahrenheit FROM readings WHERE temp > 60""",
}


def run(options: Options) -> Table:
    """Run jobs over the simulated plant, few rows and ten times as many."""
    few, many = (options.scaled(n, n // 100) for n in (_FEW, _MANY))
    rows, raw = [], {}
    for title, query in _QUERIES.items():
        small, large = (
            run_fresh(
                "benchmarks.job",
                spec=_spec(query, total),
                workspace=str(options.data / "bench.streamops"),
            )
            for total in (few, many)
        )
        assert (small["rows_in"], large["rows_in"]) == (few, many)
        raw[title] = [small, large]
        rows.append(_row(title, small, large))
    return Table(
        name="memory",
        title="Memory",
        text=(
            f"The most resident memory of the whole process, for a job over {few:,} and over "
            f"{many:,} records of the simulated plant (1,000 devices, 10,000 records a second, "
            "some late, silent or broken), JSON, into a table."
        ),
        columns=(
            "work", f"{few:,} rows", f"{many:,} rows", "ratio", "target: at most",
            "seconds", "output rows", "largest state",
        ),
        rows=rows,
        raw=raw,
    )  # fmt: skip


def _spec(query: str, total: int) -> dict[str, Any]:
    stream = {
        "source": {"type": "simulator", "devices": 1_000, "rate": 10_000, "total": total},
        "schema": {
            "ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE",
        },
        "event_time": "ts",
        "watermark_delay": "5s",
    }  # fmt: skip
    return {"name": "bench", "streams": {"readings": stream}, "query": query}


def _row(title: str, small: dict[str, Any], large: dict[str, Any]) -> list[str]:
    return [
        title,
        f"{small['peak'] / 2**20:.0f} MiB",
        f"{large['peak'] / 2**20:.0f} MiB",
        f"{large['peak'] / small['peak']:.2f}",
        f"{_TARGET:.2f}",
        seconds(large["seconds"]),
        f"{large['rows_out']:,}",
        f"{large['largest_state']:,}",
    ]
