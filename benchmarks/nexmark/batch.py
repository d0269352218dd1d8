"""Measured in a child: a Nexmark query as plain DuckDB runs it, over the same files at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.nexmark.queries import spec_path
from streamops_nb.db import ident, literal, load_sql, struct_type
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan.specfile import load

__all__ = ["measure", "prepare"]


def measure(query: str, folder: str, database: str) -> dict[str, Any]:
    """Run a query and write the table ``result`` of a database file."""
    Path(database).unlink(missing_ok=True)
    spec = load(spec_path(query))
    begun, used = time.perf_counter(), time.process_time()
    with duckdb.connect(database) as connection:
        prepare(connection, spec, Path(folder))
        connection.execute(f"CREATE TABLE result AS {spec.query}").fetchall()
    return {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - used}


def prepare(connection: duckdb.DuckDBPyConnection, spec: JobSpec, folder: Path) -> None:
    """Give a plain connection the window macros and the spec's files as views."""
    connection.execute("SET TimeZone='UTC'").fetchall()
    connection.execute("SET enable_progress_bar=false").fetchall()
    connection.execute(load_sql("streamops_nb.plan", "macros.sql")).fetchall()
    for name, stream in spec.streams.items():
        path = folder / stream.source.settings["path"]
        columns = struct_type(stream.fields or {})[1:-1].replace('"', "'")
        read = f"read_ndjson({literal(str(path))}, columns = {columns})"
        connection.execute(f"CREATE VIEW {ident(name)} AS FROM {read}").fetchall()
    for name, reference in spec.references.items():
        read = f"read_csv({literal(str(folder / reference.path))})"
        connection.execute(f"CREATE VIEW {ident(name)} AS FROM {read}").fetchall()
