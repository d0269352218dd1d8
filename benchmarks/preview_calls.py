"""Measured in a child: previews of one query, over a pinned sample or drawing one each time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from streamops_nb.db import load_sql
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.workspace import Workspace, connect

__all__ = ["measure"]

_NAME = "bench"


def measure(
    spec: dict[str, Any], workspace: str, rows: int, calls: int, fresh: bool = False
) -> dict[str, Any]:
    """Preview a job again and again.

    Parameters
    ----------
    rows
        Of the sample.
    calls
        How often, after three calls that do not count.
    fresh
        Whether each call draws a sample, too.

    Returns
    -------
    dict
        In seconds, of each call: ``calls`` (to the DataFrames of the output and all stages),
        ``duckdb`` (loading, running, fetching as Arrow), ``bare`` (the query alone over the same
        rows, as Arrow), and both with DataFrames: ``framed``, ``bare_framed``.
    """
    with connect(Path(workspace), memory="1GB") as place:
        place.save({"name": _NAME, **spec})
        sample = None if fresh else place.preview(_NAME, rows=rows).sample
        kinds = ("calls", "duckdb", "bare", "framed", "bare_framed")
        took: dict[str, list[float]] = {kind: [] for kind in kinds}
        for number in range(calls + 3):
            begun = time.perf_counter()
            preview = _preview(place, rows, sample)
            made = time.perf_counter()
            _frames(preview)
            seconds = time.perf_counter() - begun
            assert preview.rejects.empty
            duckdb = sum(preview.result.seconds[p] for p in ("load", "run"))
            bare, framed = _bare(spec["query"], preview.result.flows["readings"].inflow.table)
            if number >= 3:
                values = (seconds, duckdb, bare, duckdb + begun + seconds - made, framed)
                for kind, value in zip(kinds, values, strict=True):
                    took[kind].append(value)
        assert preview.sample.rows == rows
        return took


def _preview(place: Workspace, rows: int, sample: Any) -> Preview:
    if sample is None:
        return place.preview(_NAME, rows=rows, nbytes="256MiB")
    return place.preview(_NAME, sample=sample)


def _frames(preview: Preview) -> None:
    assert not preview.df.empty
    for stage in preview.stages.values():
        assert stage.df is not None


_connections: list[duckdb.DuckDBPyConnection] = []


def _bare(query: str, rows: pa.Table) -> tuple[float, float]:
    """Run the query over a table that DuckDB has already, to Arrow and to a DataFrame."""
    if not _connections:
        _connections.append(duckdb.connect(config={"threads": 2}))
        _connections[0].execute("SET TimeZone='UTC'").fetchall()
        _connections[0].execute(load_sql("streamops_nb.plan", "macros.sql")).fetchall()
    connection = _connections[0]
    connection.register("_rows", rows)
    connection.execute("CREATE OR REPLACE TABLE readings AS FROM _rows").fetchall()
    begun = time.perf_counter()
    connection.sql(query).to_arrow_table()
    fetched = time.perf_counter()
    connection.sql(query).df()
    return fetched - begun, time.perf_counter() - fetched
