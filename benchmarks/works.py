"""The work that is measured: a job's query, and the best plain SQL for the same rows."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COLUMNS", "DELAY", "WORKS", "Work"]

COLUMNS = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE", "load": "BIGINT"}
"""The fields of a reading."""

DELAY = "2s"
"""The watermark delay; rows come up to so much out of order."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """One kind of work.

    Parameters
    ----------
    title
        In words.
    query
        The job's query over the stream ``readings``.
    plain
        SQL for the same rows over ``{source}``: of the ways tried, the one DuckDB is fastest with.
    ordered
        Whether plain DuckDB keeps the order of the rows; off where that is faster.
    """

    title: str
    query: str
    plain: str
    ordered: bool = True


WORKS = {
    "filter": Work(
        title="filter and projection",
        query="SELECT ts, device, temp * 1.8 + 32 AS fahrenheit FROM readings WHERE temp > 60",
        plain="SELECT ts, device, temp * 1.8 + 32 AS fahrenheit FROM {source} WHERE temp > 60",
        ordered=False,
    ),
    "tumble": Work(
        title="10 s tumbling count, avg, max of 1,000 devices",
        query="""
            SELECT window_start, window_end, device,
                   count(*) AS n, avg(temp) AS mean, max(temp) AS top
            FROM tumble(readings, ts, INTERVAL 10 SECONDS)
            GROUP BY ALL""",
        # whole numbers instead of time_bucket: a third faster
        plain="""
            SELECT make_timestamptz(slot * 10_000_000) AS window_start,
                   make_timestamptz((slot + 1) * 10_000_000) AS window_end,
                   device, n, mean, top
            FROM (SELECT epoch_us(ts) // 10_000_000 AS slot, device,
                         count(*) AS n, avg(temp) AS mean, max(temp) AS top
                  FROM {source} GROUP BY ALL)""",
    ),
    "hop": Work(
        title="60 s window hopping by 10 s, count per device",
        query="""
            SELECT window_start, window_end, device, count(*) AS n
            FROM hop(readings, ts, INTERVAL 10 SECONDS, INTERVAL 60 SECONDS)
            GROUP BY ALL""",
        # counted by 10 s first, then added up: several times as fast as six rows for one
        plain="""
            SELECT make_timestamptz((slot - back) * 10_000_000) AS window_start,
                   make_timestamptz((slot - back + 6) * 10_000_000) AS window_end,
                   device, CAST(sum(n) AS BIGINT) AS n
            FROM (SELECT epoch_us(ts) // 10_000_000 AS slot, device, count(*) AS n
                  FROM {source} GROUP BY ALL), range(6) AS hops(back)
            GROUP BY ALL""",
    ),
}
"""All work, by name."""
