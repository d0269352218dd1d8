"""Measured in a child: plain DuckDB over a file as one batch, into a table of a database file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.works import COLUMNS, WORKS
from streamops_nb.db import literal, struct_type

__all__ = ["measure"]


def measure(work: str, path: str, database: str) -> dict[str, Any]:
    """Run the plain SQL of a work and write the table ``result``."""
    Path(database).unlink(missing_ok=True)
    begun, used = time.perf_counter(), time.process_time()
    connection = duckdb.connect(database)
    _run(connection, "SET TimeZone='UTC'")
    _run(connection, "SET enable_progress_bar=false")
    _run(connection, f"SET preserve_insertion_order={WORKS[work].ordered}")
    select = WORKS[work].plain.format(source=source_of(path))
    _run(connection, f"CREATE TABLE result AS {select}")
    connection.close()
    return {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - used}


def source_of(path: str) -> str:
    """Give the table function that reads a file of readings."""
    if path.endswith(".parquet"):
        return f"read_parquet({literal(path)})"
    columns = struct_type(COLUMNS)[1:-1]
    return f"read_ndjson({literal(path)}, columns = {columns.replace(chr(34), chr(39))})"


def _run(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    connection.execute(sql).fetchall()
