"""A process whose disk gets full: it cannot write files beyond a size until it makes room.

``python cramped.py FOLDER SINK`` runs a job into the sink (JSON), lets the disk be full when the
job's second batch is written, lifts that, starts the job again if it failed, and prints what it
has seen.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamops_nb.model.events import BatchCommitted, ErrorRaised
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.workspace import Workspace, connect

FIRST, ALL = 100, 40_000
ROOM = 1_500_000
"""Bytes; more than the catalog has, less than the second batch, whose texts cannot be packed."""


def main(folder: Path, sink: dict[str, Any]) -> None:
    chance = random.Random(1)
    records = [json.dumps({"id": n, "text": chance.randbytes(64).hex()}) for n in range(ALL)]
    with connect(folder, memory="512MB") as workspace:
        workspace.resources.ensure()
        (folder / "in").mkdir()
        (folder / "in" / "1.jsonl").write_text("\n".join(records[:FIRST]) + "\n")
        # a name that begins with an underscore is passed over until it is whole
        (folder / "in" / "_2.jsonl").write_text("\n".join(records[FIRST:]) + "\n")
        workspace.save(spec(sink))
        workspace.start("writer")
        until(workspace, lambda: rows_out(workspace) == FIRST)
        resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
        (folder / "in" / "_2.jsonl").rename(folder / "in" / "2.jsonl")
        trouble = {Status.RETRYING, Status.FAILED}
        until(workspace, lambda: workspace.state("writer").observed in trouble)
        reason = workspace.state("writer").reason
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if workspace.state("writer").observed is Status.FAILED:
            workspace.start("writer")
        until(workspace, lambda: rows_out(workspace) >= ALL)
        batches = [e.batch for e in workspace.events("writer") if isinstance(e, ErrorRaised)]
        until(workspace, lambda: workspace.state("writer").observed is Status.RUNNING)
    told = {"reason": reason, "batches": batches}
    sys.stdout.write(json.dumps(told))


def spec(sink: dict[str, Any]) -> dict[str, Any]:
    stream = {
        "source": {"type": "files", "path": "in"},
        "schema": {"id": "BIGINT", "text": "VARCHAR"},
    }
    return {
        "name": "writer",
        "streams": {"records": stream},
        "query": "SELECT id, text FROM records",
        "sink": sink,
        "trigger": {"interval": "20ms"},
        "start": {"at": "earliest"},
    }


def rows_out(workspace: Workspace) -> int:
    events = workspace.events("writer")
    return sum(event.rows_out for event in events if isinstance(event, BatchCommitted))


def until(workspace: Workspace, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited too long: {workspace.state('writer')}")
        time.sleep(0.02)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
