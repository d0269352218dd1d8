"""The Nexmark streams as files, which the job specs read."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv

from benchmarks.nexmark.generator import Nexmark, side_input
from streamops_nb.db import ident, literal

__all__ = ["write_files"]


def write_files(folder: Path, events: Nexmark) -> None:
    """Write ``person.jsonl``, ``auction.jsonl``, ``bid.jsonl`` and ``side_input.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'").fetchall()
        for name, table in events.streams().items():
            connection.register("_stream", table)
            columns = ", ".join(
                _iso(field.name) if pa.types.is_timestamp(field.type) else ident(field.name)
                for field in table.schema
            )
            path = literal(str(folder / f"{name}.jsonl"))
            connection.execute(
                f"COPY (SELECT {columns} FROM _stream) TO {path} (FORMAT json)"
            ).fetchall()
    pyarrow.csv.write_csv(side_input(), folder / "side_input.csv")


def _iso(column: str) -> str:
    return f"strftime({ident(column)}, '%Y-%m-%dT%H:%M:%S.%fZ') AS {ident(column)}"
