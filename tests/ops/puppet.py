"""A process that owns a workspace and does what it is told, until it is killed.

A wish is ``(verb, arguments, keywords)``; the answer says why it was refused, if it was, and has
the picture of all jobs. It begins with a picture, and ends when nobody wishes any more.
"""

from __future__ import annotations

from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from streamops_nb.model.errors import Refused
from streamops_nb.ops.workspace import Workspace, connect
from tests.ops.operated import until


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
        workspace.stream("log").append([{"id": number} for number in args])
    elif verb == "request":
        workspace.resources.request(*args)
    elif verb == "settle":
        name, count = args
        until(lambda: len(output(workspace, name)) >= count)
    else:
        getattr(workspace, verb)(*args, **how)


def answer(workspace: Workspace, refusal: str, line: Connection) -> None:
    booking = workspace.resources.status().booking
    jobs = {
        name: {
            "observed": workspace.state(name).observed,
            "desired": workspace.state(name).desired,
            "ids": output(workspace, name),
        }
        for name in workspace.jobs
    }
    told = {"refusal": refusal, "jobs": jobs, "held": booking.held, "allocated": booking.allocated}
    line.send(told)


def output(workspace: Workspace, name: str) -> list[int]:
    """What a job has written, in the order of its batches."""
    if not (workspace.folder / "jobs" / f"{name}.db").exists():
        return []
    query = f"SELECT id FROM {workspace.output(name)} ORDER BY _batch, id"
    return list(workspace.read(query)["id"].to_pylist())
