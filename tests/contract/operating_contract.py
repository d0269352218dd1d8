"""Operating jobs through any door: what an action does, refuses, plans and leaves in the history.

`door_contract` has every call, with what it takes and gives; here is what comes of them. A suite is
a class that inherits `OperatingContract` and has a fixture `door`: an empty workspace without an
allocation.
"""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

import streamops_nb as so
from streamops_nb.model.lifecycle import Action, Status, allowed
from streamops_nb.plan import specfile
from tests.ops.operated import appended, plant, until

__all__ = ["OperatingContract"]

START = datetime(2026, 1, 1, tzinfo=UTC)


def rows(begin: int, end: int) -> list[dict[str, Any]]:
    """A row a second."""
    return [
        {"ts": START + timedelta(seconds=second), "device": "d", "temp": 1.0}
        for second in range(begin, end)
    ]


def statuses(door: Any) -> dict[str, str]:
    """Where all jobs stand."""
    return {name: str(job.status) for name, job in door.jobs.items()}


def windowed(door: Any) -> so.Job:
    """A job that has read 25 seconds: two windows are closed, the third is kept as state."""
    door.resources.request(1)
    door.stream("log").append(rows(0, 25))
    job = door.save(appended("a", start={"at": "earliest"}))
    job.start()
    until(lambda: len(job.output) == 2)
    return job


class OperatingContract:
    """What a user may rely on, from wherever the workspace is operated."""

    @pytest.fixture
    def door(self) -> Any:
        raise NotImplementedError

    # ---------------------------------------------------------------- jobs

    def test_an_empty_workspace_is_empty(self, door: Any) -> None:
        assert (door.jobs, door.views(), door.select(), len(door.table())) == ({}, [], [], 0)
        assert door.resources.status().status == "NONE"
        with pytest.raises(so.Refused, match="save one first"):
            door.job("a")

    def test_a_job_is_saved_and_found_as_it_was_written(self, door: Any) -> None:
        spec = specfile.load(plant("a", tags=["north"], owner="eve"))
        job = door.save(spec, author="ann", comment="first")
        assert (job.name, job.spec, job.status) == ("a", spec, Status.PUBLISHED)
        assert door.job("a").spec == spec
        listed = door.table()[["job", "status", "owner", "author", "tags", "version"]]
        assert listed.to_numpy().tolist() == [["a", "PUBLISHED", "eve", "ann", "north", 1]]
        assert door.select(tags="north", status="PUBLISHED", owner="eve") == ["a"]
        assert door.select(status=Status.RUNNING) == []

    def test_a_wrong_specification_is_refused_with_every_fault_and_nothing_is_saved(
        self, door: Any
    ) -> None:
        wrong = plant("a", query="SELECT nothing FROM r") | {"pause_limt": "1h", "tags": 7}
        with pytest.raises(so.SpecRefused) as refused:
            door.save(wrong)
        assert len(refused.value.faults) >= 2
        assert "pause_limit" in str(refused.value)
        assert door.jobs == {}

    @pytest.mark.parametrize("name", ["b", "../a", "a; DROP TABLE jobs", "x" * 10_000, ""])
    def test_an_unknown_name_is_refused_wherever_it_is_given(self, door: Any, name: str) -> None:
        door.save(plant("a"))
        for ask in (door.job, door.start, door.pause, door.stop, door.view, door.history,
                    door.versions, door.config, door.delete):  # fmt: skip
            with pytest.raises(so.Refused) as refused:
                ask(name)
            assert len(str(refused.value)) < 500
        assert statuses(door) == {"a": "PUBLISHED"}

    def test_a_job_that_runs_or_is_read_is_not_deleted(self, door: Any) -> None:
        job = windowed(door)
        stream = {"source": {"type": "job", "job": "a"}, "schema": {"n": "BIGINT"}}
        door.save({"name": "b", "streams": {"s": stream}, "query": "SELECT n FROM s"})
        with pytest.raises(so.Refused, match="a: it is RUNNING"):
            door.delete("a")
        job.stop()
        with pytest.raises(so.Refused, match="its output is read by b"):
            door.delete("a")
        assert door.delete(["a", "b"]) == ["a", "b"]
        assert door.jobs == {}

    # ---------------------------------------------------------------- life

    def test_a_paused_job_keeps_its_state_and_goes_on_and_nothing_is_lost_or_doubled(
        self, door: Any
    ) -> None:
        job = windowed(door)
        assert (job.status, door.state("a").desired) == (Status.RUNNING, Status.RUNNING)
        job.pause(why="lunch")
        assert (job.status, job.view.state_rows > 0) == (Status.PAUSED, True)
        assert door.resources.status().free == 1
        door.stream("log").append(rows(25, 61))
        job.start()
        until(lambda: len(job.output) >= 6)
        job.pause()
        assert job.output.df()["n"].tolist() == [10] * 6

    def test_a_stopped_job_drops_its_state_and_goes_on_from_its_stop_point(self, door: Any) -> None:
        job = windowed(door)
        job.stop()
        assert (job.status, job.view.state_rows, len(job.output)) == (Status.STOPPED, 0, 2)
        door.stream("log").append(rows(25, 61))
        job.start()
        until(lambda: len(job.output) >= 5)
        job.stop()
        # the window from 20 s on was cut off by the stop: it is dropped, not emitted as if whole
        assert job.output.df()["n"].tolist() == [10] * 5
        assert job.view.cut_off == 1

    def test_a_reset_chooses_where_the_next_start_reads_from(self, door: Any) -> None:
        job = windowed(door)
        job.pause()
        with pytest.raises(so.MoveRefused, match="drop_state=True"):
            job.reset("earliest")
        job.reset("earliest", drop_state=True)
        assert job.status is Status.PAUSED
        job.start()
        until(lambda: len(job.output) >= 4)
        assert job.output.df()["n"].tolist() == [10] * 4

    def test_a_job_whose_input_ends_is_finished(self, door: Any) -> None:
        door.resources.request(1)
        job = door.save(plant("a", source={"total": 50}, start={"at": "earliest"}))
        job.start()
        assert job.wait(60) is Status.FINISHED
        assert (job.view.rows_in, door.resources.status().free) == (50, 1)

    def test_a_status_refuses_what_it_does_not_allow_and_says_what_it_does(self, door: Any) -> None:
        door.resources.request(1)
        job = door.save(plant("a"))
        verbs = {
            Action.PAUSE: job.pause,
            Action.STOP: job.stop,
            Action.FORCE_STOP: lambda: job.stop(force=True),
            Action.RESET_POSITION: lambda: job.reset("latest"),
            Action.START: job.start,
        }

        def check(status: Status) -> None:
            assert job.status is status
            for action in verbs.keys() - allowed(status):
                with pytest.raises(so.MoveRefused, match=f"^a: .*it is {status}.* - allowed now: "):
                    verbs[action]()
                assert job.status is status

        check(Status.PUBLISHED)
        job.start()
        check(Status.RUNNING)
        job.pause()
        check(Status.PAUSED)
        job.stop()
        check(Status.STOPPED)

    # ---------------------------------------------------------------- many at once

    def test_a_plan_says_all_and_does_nothing(self, door: Any) -> None:
        door.resources.request(1)
        for name, cu in (("a", 0.7), ("b", 0.2), ("c", 0.5)):
            door.save(plant(name, cu=cu))
        before = len(door.history())
        plan = door.start(["a", "b", "c"], plan=True)
        assert plan.df[["job", "status", "allowed", "cu"]].to_numpy().tolist() == [
            ["a", "PUBLISHED", True, 0.7],
            ["b", "PUBLISHED", True, 0.2],
            ["c", "PUBLISHED", False, 0.0],
        ]
        assert plan.df["free_after"].round(9).tolist() == [0.3, 0.1, 0.1]
        assert "held by a 0.7, b 0.2" in plan.df["why"][2]
        assert (statuses(door), len(door.history())) == (
            {"a": "PUBLISHED", "b": "PUBLISHED", "c": "PUBLISHED"}, before,
        )  # fmt: skip

    def test_several_jobs_are_started_all_or_none_or_as_many_as_can(self, door: Any) -> None:
        door.resources.request(1)
        for name, cu in (("a", 0.7), ("b", 0.2), ("c", 0.5)):
            door.save(plant(name, cu=cu, tags=["these"]))
        with pytest.raises(so.ResourcesRefused):
            door.start(tags="these")
        assert set(statuses(door).values()) == {"PUBLISHED"}
        done = door.start(tags="these", best_effort=True)
        assert [(o.job, o.done, str(o.status)) for o in done] == [
            ("a", True, "RUNNING"), ("b", True, "RUNNING"), ("c", False, "PUBLISHED"),
        ]  # fmt: skip
        door.pause(status="RUNNING")
        assert statuses(door) == {"a": "PAUSED", "b": "PAUSED", "c": "PUBLISHED"}
        with pytest.raises(so.MoveRefused, match="c: no stop while it is PUBLISHED"):
            door.stop(["a", "c"])
        assert statuses(door)["a"] == "PAUSED"
        door.start(["b", "c"])  # a paused one together with a new one
        assert door.resources.status().booking.held == {"b": 0.2, "c": 0.5}
        door.stop(["a", "b", "c"])
        assert set(statuses(door).values()) == {"STOPPED"}

    def test_a_plan_names_jobs_that_would_starve_and_the_end_of_a_pause(self, door: Any) -> None:
        windowed(door)
        stream = {"source": {"type": "job", "job": "a"}, "schema": {"n": "BIGINT"}}
        door.save({"name": "b", "streams": {"s": stream}, "query": "SELECT n FROM s"})
        door.start("b")
        plan = door.pause("a", plan=True).df
        assert plan["starves"].tolist() == ["b"]
        left = plan["pause_until"][0] - pd.Timestamp.now(UTC)
        assert timedelta(hours=23) < left <= timedelta(hours=24, minutes=5)

    def test_a_forecast_says_what_each_start_point_means_and_does_nothing(self, door: Any) -> None:
        door.resources.request(1)
        job = door.save(plant("a", source={"total": 5_000}, start={"at": "earliest"}))
        told = job.start(plan=True)
        assert told.df[["start", "records"]].to_numpy().tolist() == [
            ["as specified: earliest", 5_000], ["latest", 0], ["earliest", 5_000],
        ]  # fmt: skip
        assert (told.verdict.allowed, told.verdict.cu) == (True, 0.1)
        assert (job.status, job.view.run) == (Status.PUBLISHED, 0)

    # ---------------------------------------------------------------- resources

    def test_resources_are_requested_held_and_never_scaled_below_use(self, door: Any) -> None:
        job = door.save(plant("a", cu=0.5))
        with pytest.raises(so.ResourcesRefused, match="request them first"):
            job.start()
        assert door.resources.request(1, why="a look").status == "ALLOCATED"
        job.start()
        status = door.resources.status()
        assert (status.allocated, status.reserved, status.free) == (1.0, 0.5, 0.5)
        for wrong in (lambda: door.resources.request(0.4), door.resources.release):
            with pytest.raises(so.ResourcesRefused, match=r"0\.5 CU are held by a 0\.5"):
                wrong()
        with pytest.raises(so.ResourcesRefused, match="can be allocated"):
            door.resources.request(1e6)
        job.pause()
        door.resources.release()
        assert door.resources.status().status == "NONE"

    # ---------------------------------------------------------------- configuration

    def test_versions_are_compared_rolled_back_and_the_one_that_runs_is_told(
        self, door: Any
    ) -> None:
        door.resources.request(1)
        job = door.save(plant("a"), author="ann", comment="first")
        job.start()
        door.save(plant("a", cu=0.2), author="bob")
        found = job.versions()[["version", "author", "comment", "running"]]
        assert found.to_numpy().tolist() == [[1, "ann", "first", True], [2, "bob", "", False]]
        assert job.pending == "version 1 runs until it is started again, version 2 waits"
        assert job.diff().df.to_numpy().tolist() == [["resources.cu", 0.1, 0.2]]
        job.roll_back(1)
        assert (job.view.version, job.spec.resources.cu) == (3, 0.1)

    def test_what_is_exported_imports_equal_and_secrets_stay_references(
        self, door: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TOKEN", "hunter2")
        stream = {"source": {"type": "files", "path": "${env:TOKEN}"}, "schema": {"x": "BIGINT"}}
        door.save({"name": "a", "streams": {"r": stream}, "query": "SELECT x FROM r"})
        door.save(plant("b"))
        specs = {name: job.spec for name, job in door.jobs.items()}
        bundle = door.export()
        assert sorted(zipfile.ZipFile(io.BytesIO(bundle)).namelist()) == ["a.yaml", "b.yaml"]
        assert b"hunter2" not in bundle
        assert json.loads(door.export("b", format="json"))["name"] == "b"
        door.delete(["a", "b"])
        assert [job.name for job in door.import_(bundle)] == ["a", "b"]
        assert {name: job.spec for name, job in door.jobs.items()} == specs
        with pytest.raises(so.Refused, match="there is a job of that name"):
            door.import_(bundle, same_name="refuse")

    def test_an_import_that_points_outside_is_refused_whole(self, door: Any) -> None:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as bundle:
            bundle.writestr("good.yaml", specfile.dump(specfile.load(plant("good"))))
            bundle.writestr("../../bad.yaml", "name: bad")
        with pytest.raises(so.Refused, match="points outside"):
            door.import_(made.getvalue())
        assert door.jobs == {}

    # ---------------------------------------------------------------- history

    def test_the_history_has_every_action_with_its_line_and_every_change(self, door: Any) -> None:
        door.resources.request(1)
        job = door.save(plant("a"))
        job.start(at="latest", why="go")
        with pytest.raises(so.MoveRefused):
            job.start()
        job.stop()
        told = job.history()
        assert {"at", "job", "who", "action", "why", "result", "line"} <= set(told.columns)
        acted = told[told["line"].str.startswith("ws.") & ~told["action"].str.startswith("save")]
        assert acted["line"].tolist() == [
            "ws.start('a', at='latest')", "ws.start('a')", "ws.stop('a')",
        ]  # fmt: skip
        assert acted["result"].str.startswith("done").tolist() == [True, False, True]
        changes = told["action"][told["action"].str.contains("→")].tolist()
        assert changes == [
            "PUBLISHED → STARTING", "STARTING → RUNNING", "RUNNING → STOPPING",
            "STOPPING → STOPPED",
        ]  # fmt: skip
