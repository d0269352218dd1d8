"""A process that owns a workspace and does what it is told, until it is killed.

A wish is ``(verb, arguments, keywords)``; the answer says why it was refused, if it was, and has
the picture of all jobs. It begins with a picture, and ends when nobody wishes any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from streamops_nb.model.errors import Refused
from streamops_nb.ops.workspace import Workspace, connect
from tests.ops.operated import until

WIDTH = 64
"""Bytes of a record in the file."""

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def main(folder: Path, line: Connection) -> None:
    """Own the workspace of a folder; wishes and answers go through `line`."""
    with connect(folder, memory="512MB") as workspace, suppress(EOFError):
        answer(workspace, "", line)
        while True:
            verb, args, how = line.recv()
            refusal = ""
            try:
                do(workspace, verb, args, how)
            except Refused as error:
                refusal = type(error).__name__
            answer(workspace, refusal, line)


def do(workspace: Workspace, verb: str, args: list[Any], how: dict[str, Any]) -> None:
    if verb == "append":
        append(workspace, args)
    elif verb == "request":
        workspace.resources.request(*args)
    elif verb == "settle":
        name, count, at = args
        until(lambda: len(output(workspace, name)) >= count and position(workspace, name) >= at)
    else:
        getattr(workspace, verb)(*args, **how)


def answer(workspace: Workspace, refusal: str, line: Connection) -> None:
    booking = workspace.resources.status().booking
    jobs = {
        name: {
            "observed": workspace.state(name).observed,
            "desired": workspace.state(name).desired,
            # asked first: what is written of it may be more by then, not less
            "at": position(workspace, name),
            "kept": workspace.view(name).state_rows,
            "ids": output(workspace, name),
        }
        for name in workspace.jobs
    }
    told = {"refusal": refusal, "jobs": jobs, "held": booking.held, "allocated": booking.allocated}
    line.send(told)


def append(workspace: Workspace, numbers: Iterable[int]) -> None:
    """Append records to the log and to the file, each a second of event time after the other."""
    records = [{"id": n, "ts": _BEGIN + timedelta(seconds=n)} for n in numbers]
    workspace.stream("log").append(records)
    with (workspace.folder / "log.jsonl").open("a", encoding="utf-8") as file:
        for record in records:
            line = json.dumps({**record, "ts": str(record["ts"])})
            file.write(f"{line:<{WIDTH - 1}}\n")


def position(workspace: Workspace, name: str) -> int:
    """The offset of the next record that a job reads, 0 before it has one."""
    backend = workspace._core.backend
    if not backend.job_path(name).exists():
        return 0
    with backend.job_file(name) as file:
        return sum(file.open().positions.get("r", {}).values())


def output(workspace: Workspace, name: str) -> list[int]:
    """What a job has written, in the order of its batches."""
    if not (workspace.folder / "jobs" / f"{name}.db").exists():
        return []
    query = f"SELECT id FROM {workspace.output(name)} ORDER BY _batch, id"
    return list(workspace.read(query)["id"].to_pylist())
