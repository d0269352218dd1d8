"""No job starts without CU; they are requested, held, freed, never over-booked."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import streamops_nb as so
from streamops_nb.model.events import ActionTaken, Noted
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops import machine
from streamops_nb.ops.workspace import Workspace
from streamops_nb.store.records import Allocation
from tests.ops.operated import opened, plant


@pytest.fixture
def workspace(tmp_path: Path) -> Any:
    with so.connect(tmp_path / "w") as one:
        yield one


def of_workspace(workspace: Workspace, kind: type) -> list[Any]:
    return list(workspace._core.catalog.events("", kinds=[kind]).events)


def test_no_job_starts_before_resources_are_allocated(workspace: Workspace) -> None:
    job = workspace.save(plant("a"))
    with pytest.raises(so.ResourcesRefused, match=r"request them first: ws\.resources\.request"):
        job.start()
    assert job.status is Status.PUBLISHED
    workspace.resources.request(1)
    job.start()
    assert job.status is Status.RUNNING


def test_a_start_beyond_what_is_free_names_who_holds_it(workspace: Workspace) -> None:
    workspace.resources.request(1)
    for name, cu in [("a", 0.5), ("b", 0.4), ("c", 0.3)]:
        workspace.save(plant(name, cu=cu))
    with pytest.raises(so.ResourcesRefused) as refused:
        workspace.start(["a", "b", "c"])
    assert "0.3 CU are needed and 0.1 of 1 are free (held by a 0.5, b 0.4)" in str(refused.value)
    assert {view.status for view in workspace.views()} == {Status.PUBLISHED}
    done = workspace.start(["a", "b", "c"], best_effort=True)
    assert [outcome.done for outcome in done] == [True, True, False]
    assert workspace.resources.status().booking.held == {"a": 0.5, "b": 0.4}


@pytest.mark.parametrize("end", ["pause", "stop", "fail", "finish"])
def test_cu_are_free_again_when_a_job_is_over(workspace: Workspace, end: str) -> None:
    workspace.resources.request(1)
    source = {"total": 50} if end == "finish" else {}
    job = workspace.save(plant("a", cu=1, source=source, start={"at": "earliest"}))
    job.start()
    if end == "fail":
        workspace._core.backend.forget("a")
        workspace._core.states.failed("a", so.SourceError("gone"))
    elif end == "finish":
        assert job.wait(20) is Status.FINISHED
    else:
        getattr(job, end)()
    status = workspace.resources.status()
    assert (status.free, status.booking.held) == (1, {})


def test_two_threads_that_start_at_once_do_not_book_over(workspace: Workspace) -> None:
    workspace.resources.request(1)
    names = [f"job{number}" for number in range(8)]
    for name in names:
        workspace.save(plant(name, cu=0.25))
    refused = []

    def start(name: str) -> None:
        try:
            workspace.start(name)
        except so.ResourcesRefused:
            refused.append(name)

    threads = [threading.Thread(target=start, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), workspace.resources.status().free) == (4, 0)


def test_a_request_replaces_what_was_allocated_and_is_in_the_history(workspace: Workspace) -> None:
    workspace.resources.request(1, why="a first look")
    status = workspace.resources.request(2.5)
    assert (status.status, status.allocated, status.free) == ("ALLOCATED", 2.5, 2.5)
    done = of_workspace(workspace, ActionTaken)
    assert [(event.line, event.why) for event in done] == [
        ("ws.resources.request(cu=1)", "a first look"),
        ("ws.resources.request(cu=2.5)", ""),
    ]


@pytest.mark.parametrize("cu", [0, -1, float("nan"), float("inf"), "two", True, 1e9])
def test_a_request_that_cannot_be_granted_is_refused(workspace: Workspace, cu: Any) -> None:
    workspace.resources.request(1)
    with pytest.raises(so.ResourcesRefused):
        workspace.resources.request(cu)
    assert workspace.resources.status().allocated == 1


def test_the_machine_may_be_allocated_four_times_or_as_often_as_said(workspace: Workspace) -> None:
    most = 4 * machine.cores()
    workspace.resources.request(most)
    with pytest.raises(so.ResourcesRefused, match=f"up to {most} CU can be allocated"):
        workspace.resources.request(most + 1)
    assert workspace.resources.request(most + 1, over_allocation=8).most == 2 * most
    workspace.resources.request(2 * most)


def test_scaling_below_use_is_refused(workspace: Workspace) -> None:
    workspace.resources.request(2)
    workspace.save(plant("a", cu=1.5)).start()
    with pytest.raises(so.ResourcesRefused, match=r"1\.5 CU are held by a 1\.5 - release"):
        workspace.resources.request(1)
    with pytest.raises(so.ResourcesRefused, match=r"1\.5 CU are held by a 1\.5"):
        workspace.resources.release()
    workspace.pause("a")
    workspace.resources.release()
    assert workspace.resources.status().status == "NONE"
    with pytest.raises(so.ResourcesRefused, match="request them first"):
        workspace.start("a")
    assert workspace.job("a").status is Status.PAUSED


def test_an_alarm_is_noted_once_for_each_crossing(workspace: Workspace) -> None:
    workspace.resources.request(1)
    workspace.resources.alarm(0.5)
    workspace.save(plant("a", cu=0.6))
    for _ in range(2):
        workspace.start("a")
        workspace.resources.look()
        workspace.resources.look()
        workspace.pause("a")
        workspace.resources.look()
    told = of_workspace(workspace, Noted)
    assert [event.message for event in told] == ["0.6 of 1 CU are held, more than 50%"] * 2
    for share in (0.05, 1.1, "much"):
        with pytest.raises(so.ResourcesRefused, match=r"from 0\.1 to 1"):
            workspace.resources.alarm(share)


def test_the_memory_of_the_engine_follows_the_allocation(workspace: Workspace) -> None:
    def bound() -> str:
        return str(workspace.read("SELECT current_setting('memory_limit') AS m")["m"][0])

    workspace.resources.request(0.5)
    assert bound() == "1.0 GiB"
    workspace.resources.request(1)
    assert (bound(), workspace.resources.status().memory) == ("2.0 GiB", 2 * 2**30)


def test_the_rest_of_the_configuration_stays_locked(workspace: Workspace) -> None:
    for setting in ("threads = 1", "enable_external_access = true", "allowed_configs = []"):
        with pytest.raises(so.StreamopsError, match=r"locked|cannot be changed"):
            workspace.read(f"SET {setting}")


def test_memory_that_was_asked_for_stays(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        workspace.resources.request(2)
        found = workspace.read("SELECT current_setting('memory_limit') AS m")["m"][0].as_py()
        assert found == "488.2 MiB"


def test_a_request_that_a_crash_interrupted_is_completed(tmp_path: Path) -> None:
    with so.connect(tmp_path / "w") as workspace:
        workspace._core.catalog.allocate(
            Allocation(cu=2.0, status="ALLOCATING", at=workspace._core.now(), who="ann")
        )
        assert workspace.resources.status().free == 0
    with so.connect(tmp_path / "w") as workspace:
        status = workspace.resources.status()
        assert (status.status, status.allocated) == ("ALLOCATED", 2.0)


def test_the_status_reads_well(workspace: Workspace) -> None:
    assert "no CU are allocated" in repr(workspace.resources)
    workspace.resources.request(2)
    for name, cu in [("a", 0.25), ("b", 0.75)]:
        workspace.save(plant(name, cu=cu)).start()
    status = workspace.resources.status()
    assert status.df.to_dict("list") == {
        "job": ["b", "a"],
        "held": [0.75, 0.25],
        "gets": [1.5, 0.5],
    }
    assert "ALLOCATED: 2 CU, 1 held by 2 jobs, 1 free" in repr(workspace.resources)
    assert "<table" in workspace.resources._repr_html_()
