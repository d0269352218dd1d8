"""The owner is killed with clients attached, again and again: nothing is lost, nothing is twice."""

from __future__ import annotations

import contextlib
import random
import time
from pathlib import Path

import pytest

import streamops_nb as so
from streamops_nb.model.events import RunStarted
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.workspace import Workspace
from tests.ops.operated import appended
from tests.serving.processes import begun, member, owner_pid, ready

ROWS = 200


def killed_again_and_again(folder: Path, kills: int, seed: int) -> None:
    draw = random.Random(seed)
    members = {child.pid: child for child in (begun(folder), begun(folder))}
    sent: set[int] = set()
    doubtful: set[int] = set()
    try:
        with so.connect(folder, patience=60) as ws:
            started(ws)
            for kill in range(kills):
                victim = members.pop(owner_pid(folder))
                fresh = member(folder)
                append(ws, kill, sent, doubtful)
                time.sleep(draw.uniform(0, 0.3))
                victim.kill()
                victim.communicate()
                append(ws, kills + kill, sent, doubtful)
                members[fresh.pid] = ready(fresh)
                while owner_pid(folder) not in members:
                    time.sleep(0.02)
            check(ws, sent, doubtful)
    finally:
        for child in members.values():
            child.kill()
            child.communicate()


def started(ws: Workspace) -> None:
    ws.stream("log").append([{"id": 0}], {"id": "BIGINT"})
    job = appended("a", query="SELECT id FROM r")
    stream = {"source": {"type": "table", "stream": "log"}, "schema": {"id": "BIGINT"}}
    ws.save({**job, "streams": {"r": stream}})
    ws.start("a", at="earliest")


def append(ws: Workspace, number: int, sent: set[int], doubtful: set[int]) -> None:
    """Append rows; if the owner goes away during the call nobody knows whether they are in."""
    rows = range(1 + number * ROWS, 1 + (number + 1) * ROWS)
    try:
        ws.stream("log").append([{"id": row} for row in rows])
    except so.Unavailable:
        doubtful.update(rows)
    else:
        sent.update(rows)


def check(ws: Workspace, sent: set[int], doubtful: set[int]) -> None:
    wanted = {0, *sent}
    found: list[int] = []
    while not wanted <= set(found):
        assert ws.job("a").status in (Status.STARTING, Status.RUNNING, Status.RETRYING)
        time.sleep(0.1)
        with contextlib.suppress(so.Refused):  # not attached yet by a new owner
            found = list(ws.job("a").output.df()["id"])
    assert len(found) == len(set(found))
    assert set(found) <= wanted | doubtful
    runs = [event.run for event in ws.events("a") if isinstance(event, RunStarted)]
    assert runs == sorted(set(runs))


@pytest.mark.timeout(600)  # ten processes begin; on a busy machine each takes seconds
@pytest.mark.parametrize("seed", range(4))
def test_an_owner_is_killed_five_times(tmp_path: Path, seed: int) -> None:
    killed_again_and_again(tmp_path / "w", 5, seed)


@pytest.mark.soak
def test_an_owner_is_killed_a_hundred_times(tmp_path: Path) -> None:
    killed_again_and_again(tmp_path / "w", 100, 100)
