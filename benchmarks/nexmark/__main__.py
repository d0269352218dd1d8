"""Write the Nexmark streams as files: ``python -m benchmarks.nexmark FOLDER``."""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb
import pyarrow.csv

from benchmarks.nexmark.generator import Nexmark, side_input


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nexmark", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=10_000, help="events per event-time second")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    events = Nexmark(given.events, rate=given.rate, seed=given.seed)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'").fetchall()
        for name, table in events.streams().items():
            path = given.folder / f"{name}.jsonl"
            connection.register("_stream", table)
            columns = ", ".join(
                f"strftime({c}, '%Y-%m-%dT%H:%M:%S.%fZ') AS {c}" if "time" in str(kind) else c
                for c, kind in zip(table.column_names, table.schema.types, strict=True)
            )
            connection.execute(f"COPY (SELECT {columns} FROM _stream) TO '{path}' (FORMAT json)")
            print(f"{path}: {table.num_rows} events")
    pyarrow.csv.write_csv(side_input(), given.folder / "side_input.csv")


if __name__ == "__main__":
    main()
