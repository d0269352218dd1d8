"""Measured in a child: an owner with the data of the benchmark; it says its processor time."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

import streamops_nb as so


def main(folder: Path, rows: int) -> None:
    with so.connect(folder, memory="2GB") as workspace:
        workspace.resources.ensure()
        ids = np.arange(rows)
        table = pa.table({"id": ids, "device": ids % 1000, "temp": ids * 0.5, "load": ids * 0.25})
        workspace.stream("log").append(table)
        fields = {"id": "BIGINT", "device": "BIGINT", "temp": "DOUBLE", "load": "DOUBLE"}
        stream = {"source": {"type": "table", "stream": "log"}, "schema": fields}
        query = "SELECT * FROM r"
        workspace.save({"name": "big", "streams": {"r": stream}, "query": query})
        workspace.start("big", at="earliest")
        while workspace.view("big").rows_out < rows:
            time.sleep(0.1)
        workspace.pause("big")
        live = {"source": {"type": "simulator", "rate": 20}, "event_time": "ts"}
        live["schema"] = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
        for number in range(5):
            job = {"name": f"live_{number}", "streams": {"r": live}, "query": query}
            workspace.save(job)
            workspace.start(job["name"])
        print("ready", flush=True)
        for _ in sys.stdin:
            print(time.process_time(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
