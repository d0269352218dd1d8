"""What every door to a workspace keeps, be it in this process, of its owner, or served.

A suite is a class that inherits `DoorContract` and has a fixture `door`: a workspace without jobs,
with CU for all.
"""

from __future__ import annotations

import inspect
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import streamops_nb as so
from streamops_nb.engine.preview.work import Work
from streamops_nb.model.events import ActionTaken, JobSaved, StatusChanged
from streamops_nb.model.lifecycle import Action, JobState, Status
from streamops_nb.ops.decision import Decision, Outcome
from streamops_nb.ops.job import Job
from streamops_nb.ops.workspace import Workspace
from tests.ops.operated import appended, plant

__all__ = ["DoorContract"]

LATEST = datetime(2024, 1, 1, tzinfo=UTC)


def frame(n: int = 20) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ts": [LATEST + timedelta(seconds=second) for second in range(n)],
            "device": [f"d{second % 3}" for second in range(n)],
            "temp": [float(second) for second in range(n)],
        }
    )


def until(door: Workspace, name: str, rows: int) -> None:
    """Wait until a job has read so many rows."""
    while door.view(name).rows_in < rows:
        time.sleep(0.02)


@pytest.mark.usefixtures("door")
class DoorContract:
    """The tests."""

    served = False
    """Whether others than the owner's user have tokens."""

    def test_a_saved_job_is_there_with_its_state_view_spec_and_events(
        self, door: Workspace
    ) -> None:
        job = door.save(plant("a", tags=["north"], owner="ann"), comment="first")
        assert isinstance(job, Job)
        assert ([*door.jobs], door.select(tags="north"), door.select(owner="bob")) == (
            ["a"],
            ["a"],
            [],
        )
        state, view = door.state("a"), door.view("a")
        assert state == JobState(since=state.since)
        assert (view.job, view.version, view.status) == ("a", 1, Status.PUBLISHED)
        assert door.views() == [view]
        assert door.spec("a") == job.spec
        assert so.Job(**plant("a", tags=["north"], owner="ann")) == job.spec
        (saved,) = door.events("a")
        assert saved == JobSaved(
            job="a", at=saved.at, version=1, author=saved.author, comment="first"
        )

    def test_a_file_is_read_where_its_name_was_said(
        self, door: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        text = door.save(plant("a")).config(defaults=False)
        Path("mine.yaml").write_text(f"{text}\ndescription: from a file\n")
        assert door.save("mine.yaml").view.version == 2
        Path("mine.yaml").write_text(text)
        assert door.save(Path("mine.yaml")).view.version == 3
        assert [job.name for job in door.import_("mine.yaml")] == ["a"]

    def test_every_fault_of_a_specification_is_told_and_nothing_is_saved(
        self, door: Workspace
    ) -> None:
        with pytest.raises(so.SpecRefused) as refused:
            door.save({**plant("a"), "quer": "x", "trigger": {"interval": "1 yard"}})
        places = [fault.where for fault in refused.value.faults]
        assert places == ["trigger.interval", "quer"]
        assert all(fault.remedy for fault in refused.value.faults)
        assert door.jobs == {}

    def test_an_unknown_job_is_refused_with_the_nearest_name(self, door: Workspace) -> None:
        door.save(plant("turbine"))
        with pytest.raises(so.Refused, match=r"there is no job `turbin` in .* `turbine`"):
            door.job("turbin")

    def test_jobs_are_started_paused_and_stopped(self, door: Workspace) -> None:
        door.save(plant("a"))
        assert door.start("a", why="test") == [
            Outcome(job="a", action="start", done=True, status=Status.RUNNING)
        ]
        with pytest.raises(so.MoveRefused, match="it is RUNNING already - allowed now: pause"):
            door.start("a")
        assert door.pause("a")[0].status is Status.PAUSED
        assert door.reset("a", "latest", drop_state=True)[0].done
        assert door.stop("a")[0].status is Status.STOPPED
        changed = [e.after for e in door.events("a") if isinstance(e, StatusChanged)]
        assert changed[:2] == [Status.STARTING, Status.RUNNING]
        actions = [e for e in door.events("a") if isinstance(e, ActionTaken)]
        assert [(e.action, e.why, e.result == "done") for e in actions] == [
            ("start", "test", True),
            ("start", "", False),
            ("pause", "", True),
            ("reset position", "", True),
            ("stop", "", True),
        ]

    def test_a_plan_says_what_would_be_done_and_does_nothing(self, door: Workspace) -> None:
        door.save(plant("a"))
        door.save(plant("b", cu=100))
        plan = door.start(["a", "b"], plan=True)
        assert isinstance(plan, Decision)
        assert (plan.action, plan.jobs) == (Action.START, ["a"])
        assert [verdict.short for verdict in plan.refused] == [True]
        assert list(plan.df["job"]) == ["a", "b"]
        with pytest.raises(so.ResourcesRefused):
            door.start("b")
        assert {state.status for state in door.views()} == {Status.PUBLISHED}

    def test_rows_go_in_and_come_out(self, door: Workspace) -> None:
        assert door.stream("log").append(frame()) == len(frame())
        assert door.stream("log").append(pa.Table.from_pandas(frame())) == len(frame())
        with pytest.raises(so.Refused):
            door.stream("log").append([{"other": 1}])
        door.save(appended("a", query="SELECT device, temp FROM r"))
        door.start("a", at="earliest")
        until(door, "a", 40)
        door.pause("a")
        out = door.job("a").output
        assert (len(out), out.df()["temp"].sum()) == (40, 2 * frame()["temp"].sum())
        found = door.sql("SELECT device, count(*) AS n FROM job_a.output GROUP BY ALL ORDER BY ALL")
        assert found.to_dict("list") == {"device": ["d0", "d1", "d2"], "n": [14, 14, 12]}
        assert door.job("a").rejects().empty

    def test_one_select_is_read_and_nothing_else(self, door: Workspace) -> None:
        with pytest.raises(so.StreamopsError):
            door.read("SELECT * FROM read_text('/etc/passwd')")

    def test_versions_are_kept_compared_and_rolled_back(self, door: Workspace) -> None:
        door.save(plant("a"))
        door.save(plant("a", query="SELECT device FROM r"), comment="narrow")
        versions = door.versions("a")
        assert list(versions["comment"]) == ["", "narrow"]
        assert versions["at"].dt.tz is not None
        change = door.diff("a")
        assert (change.before, change.after, bool(change)) == (1, 2, True)
        assert [setting for setting, _, _ in change.settings] == ["query"]
        assert door.roll_back("a", 1).view.version == 3
        assert door.spec("a") == door.spec("a", 1)
        assert door.fits("a")

    def test_configurations_go_out_and_come_back(self, door: Workspace, tmp_path: Path) -> None:
        door.save(plant("a"))
        door.save(plant("b"))
        text, bundle = door.export("a"), door.export(["a", "b"])
        assert isinstance(text, str)
        assert isinstance(bundle, bytes)
        assert door.export(["a", "b"], tmp_path / "jobs.zip") == tmp_path / "jobs.zip"
        assert (tmp_path / "jobs.zip").read_bytes() == bundle
        assert door.delete(["a", "b"]) == ["a", "b"]
        assert [job.name for job in door.import_(bundle)] == ["a", "b"]
        with pytest.raises(so.Refused, match="2 faults"):
            door.import_(tmp_path / "jobs.zip", same_name="refuse")

    def test_resources_are_said_and_changed(self, door: Workspace) -> None:
        status = door.resources.request(1.5, why="test")
        assert (status.status, status.allocated, status.free) == ("ALLOCATED", 1.5, 1.5)
        assert door.resources.status() == status
        with pytest.raises(so.ResourcesRefused, match="more than this machine has"):
            door.resources.request(1e9)
        door.resources.alarm(0.5)
        assert door.resources.status().alarm == 0.5
        assert door.resources.release().status == "NONE"
        door.resources.ensure()

    def test_the_history_says_who_did_what(self, door: Workspace) -> None:
        door.save(plant("a"))
        frame = door.history("a")
        assert list(frame["action"]) == ["save version 1"]
        assert str(frame["at"].dtype).startswith("datetime64")
        assert list(frame.columns) == list(door.history().columns)
        listed = door.table(search="A")
        assert (list(listed["job"]), list(listed["version"])) == (["a"], [1])

    def test_news_come_page_by_page_and_go_on_from_a_number(self, door: Workspace) -> None:
        at = door.news().next
        door.save(plant("a"))
        door.save(plant("b"))
        page = door.news(since=at)
        assert [event.job for event in page.events] == ["a", "b"]
        assert [e.job for e in door.news("b", since=at).events] == ["b"]
        assert door.news(since=page.next).events == ()
        followed = [e.job for p in islice(door.follow(since=at), 1) for e in p.events]
        assert followed == ["a", "b"]
        assert [e.job for p in islice(door.follow("b", since=at), 1) for e in p.events] == ["b"]

    def test_a_forecast_says_what_a_start_would_mean(self, door: Workspace) -> None:
        door.stream("log").append(frame())
        door.save(appended("a"))
        found = door.forecast("a")
        assert (found.job, found.verdict.allowed) == ("a", True)
        assert {p.start: p.records for p in found.points}["earliest"] is None or found.points
        assert found == door.job("a").start(plan=True)

    def test_a_summary_and_the_error_log_say_how_it_goes(self, door: Workspace) -> None:
        door.save(plant("a"))
        summary = door.summary("a")
        assert (summary.view, summary["job"]) == (door.view("a"), "a")
        assert str(summary).startswith("job")
        log = door.errors("a", since="1h")
        assert (len(log), log.entries) == (0, ())
        with pytest.raises(so.Refused):
            door.errors(level="loud")

    def test_a_preview_is_run_again_on_its_sample_and_compared(self, door: Workspace) -> None:
        door.stream("log").append(frame(100))
        door.save(appended("a", params={"least": {"type": "DOUBLE", "default": 0.0}},
                           query="SELECT device, temp FROM r WHERE temp >= $least"))  # fmt: skip
        first = door.job("a").preview(rows=50)
        assert (first.sample.rows, len(first.df), list(first.stages)) == (50, 50, ["result"])
        assert first.receipt.untouched
        assert "sample" in repr(first).lower() or first.spec.name in repr(first)
        second = first.run(params={"least": 80.0})
        assert (second.sample.id, len(second.df)) == (first.sample.id, 20)
        assert second.params == {"least": 80.0}
        assert first.diff(second).output == "result"
        third = door.preview("a", sample=first.sample, upto="result")
        assert third.df.equals(first.df)
        with pytest.raises(so.Refused, match="least"):
            first.run(params={"least": "warm"})

    def test_a_preview_is_saved_and_started_from_its_first_row(self, door: Workspace) -> None:
        for n in range(3):
            door.stream("log").append(frame(10 * (n + 1)))
        door.save(appended("a", params={"least": {"type": "DOUBLE", "default": 0.0}},
                           query="SELECT device, temp FROM r WHERE temp >= $least"))  # fmt: skip
        second = door.preview("a", rows=20).run(params={"least": 5.0})
        door.resources.ensure()
        job = second.start(at="sample")
        assert (job.name, job.spec.params["least"].default) == ("a", 5.0)
        assert job.status in (Status.STARTING, Status.RUNNING)
        begun = f"ws.start('a', at={{'positions': {second.positions!r}}})"
        assert begun in door.history("a")["line"].tolist()

    def test_a_preview_takes_rows_that_are_given(self, door: Workspace) -> None:
        door.save(appended("a", query="SELECT device, temp FROM r"))
        assert len(door.preview("a", data=frame(7)).df) == 7
        assert len(door.preview("SELECT * FROM t WHERE temp > 3", data={"t": frame(7)}).df) == 3

    def test_samples_are_kept_by_name(self, door: Workspace) -> None:
        door.stream("log").append(frame())
        door.save(appended("a", query="SELECT device, temp FROM r"))
        drawn = door.preview("a").sample
        assert door.samples.save("good", drawn).id == drawn.id
        assert ([*door.samples], "good" in door.samples) == (["good"], True)
        assert door.samples.load("good").id == drawn.id
        assert len(door.preview("a", sample="good").df) == 20
        door.samples.drop("good")
        assert list(door.samples.list()["name"]) == []

    def test_metrics_runs_and_rejects_are_told_in_frames(self, door: Workspace) -> None:
        door.stream("log").append(frame())
        door.save(appended("a", query="SELECT device, temp, 1 / (temp::INT - 3) AS x FROM r"))
        for _ in range(2):
            door.start("a", at="earliest")
            until(door, "a", 20)
            door.pause("a")
        assert sorted(door.runs("a")["run"]) == [1, 2]
        compared = door.compare_runs("a", 1, 2)
        assert len(compared) > 0
        metrics = door.metrics("a", since="1h")
        assert metrics["rows_in"].sum() == 40
        assert door.sql("SELECT sum(rows_in) AS n FROM metrics")["n"][0] == 40
        rejects = door.rejects("a", limit=5)
        assert list(rejects.columns) == list(door.job("a").rejects().columns)
        assert list(door.reject_counts("a").columns)
        assert door.read(f"FROM {door.reject_table('a')}").num_rows == len(door.rejects("a"))
        assert abs(door.now() - time.time()) < 60

    def test_alarms_are_set_said_and_removed(self, door: Workspace) -> None:
        rule = door.alarms.set("behind", "lag > 1000", after="10s")
        assert door.alarms.rules["behind"] == rule
        assert list(door.alarms.df["alarm"]) == list(door.alarms.rules)
        assert door.alarms.active("a") == []
        with pytest.raises(so.Refused):
            door.alarms.set("odd", metrics="(SELECT count(*) FROM read_text('/etc/passwd')) > 0")
        with pytest.raises(so.Refused):
            door.alarms.webhook("ops", "http://somewhere/?secret=1", secret="in the clear")
        door.alarms.remove("behind")
        assert "behind" not in door.alarms.rules

    def test_rejects_are_tried_again_and_healed_once(self, door: Workspace, tmp_path: Path) -> None:
        lines = frame().assign(ts=frame()["ts"].astype(str)).to_dict("records")
        (tmp_path / "w" / "in.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines))
        spec = plant("a", query="SELECT device, CAST(device AS INT) AS n FROM r")
        spec["streams"]["r"]["source"] = {"type": "files", "path": "in.jsonl", "follow": False}
        job = door.save(spec)
        door.start("a")
        assert job.wait(30) is Status.FINISHED
        tolerant = "SELECT device, TRY_CAST(device AS INT) AS n FROM r WHERE device <> 'd2'"
        first, other = job.heal(text="d1", query=tolerant), job.heal(query=tolerant)
        assert (str(first), str(other)) == ("healed 7 of 7 rejects", "healed 20 of 20 rejects")
        assert (len(first.preview.df), len(other.preview.df)) == (7, 14)
        assert job.output.df().empty
        assert first.apply(why="no numbers") == 7
        assert sorted(job.output.df()["device"]) == ["d1"] * 7
        with pytest.raises(so.Refused, match="7 of these rejects were healed before"):
            other.apply()
        again = job.heal(query=tolerant, rejects=job.rejects()[:6], changes={"tags": ["x"]})
        assert (str(again), len(job.rejects())) == ("healed 6 of 6 rejects", 13)
        assert again.export(tmp_path / "rest.jsonl").read_text() == ""
        with pytest.raises(so.Refused, match="keeps no such rejects"):
            job.heal(text="d1", query=tolerant)
        with pytest.raises(so.Refused, match="have no column `batch`"):
            job.heal(query=tolerant, rejects=frame())
        history = door.history("a")
        (told,) = history[history["action"] == "heal"].to_dict("records")
        assert (told["why"], told["result"]) == (
            "no numbers", "done: healed 7 of 7 rejects, 7 rows written",
        )  # fmt: skip

    def test_the_last_failure_is_replayed_and_exported(
        self, door: Workspace, tmp_path: Path
    ) -> None:
        (tmp_path / "w" / "in.jsonl").write_text("no JSON\n")
        spec = plant("a", errors={"policy": "fail"})
        spec["streams"]["r"]["source"] = {"type": "files", "path": "in.jsonl", "follow": False}
        job = door.save(spec)
        assert job.failure is None
        door.start("a")
        assert job.wait(30) is Status.FAILED
        capsule = job.failure
        assert capsule is not None
        assert (capsule.error.kind, capsule.sample.rows) == ("TooManyRejects", 1)
        assert len(capsule.preview().rejects) == 1
        exported = so.open_capsule(capsule.export(tmp_path / "a.capsule"))
        again = job.failure
        assert again is not None
        assert again.folder == capsule.folder
        assert (exported.error, again.error) == (capsule.error, capsule.error)

    def test_a_wrong_keyword_is_a_type_error_as_of_any_function(self, door: Workspace) -> None:
        with pytest.raises(TypeError, match="unexpected keyword argument 'hwo'"):
            door.start("a", hwo=1)

    def test_a_backup_is_made_where_it_was_asked_for(self, door: Workspace, tmp_path: Path) -> None:
        door.save(plant("a"))
        made = door.backup(tmp_path / "copy")
        assert made == (tmp_path / "copy").resolve()
        assert (made / "backup.json").is_file()

    def test_waiting_for_the_rows_of_a_preview_is_cancelled(self, door: Workspace) -> None:
        door.stream("log").append(frame())
        job, work = door.save(appended("a")), Work()
        threading.Timer(0.5, work.cancel).start()
        with pytest.raises(so.Interrupted, match="was cancelled"):
            job.preview(live=True, seconds=250, work=work)

    def test_tokens_are_made_listed_and_taken_out_where_the_workspace_is_served(
        self, door: Workspace
    ) -> None:
        if not self.served:
            for refused in (
                door.tokens.list,
                lambda: door.tokens.add("zoe", "viewer"),
                lambda: door.tokens.remove("zoe"),
            ):
                with pytest.raises(so.Refused, match="has no tokens"):
                    refused()
            return
        before = door.tokens.list().values.tolist()
        assert len(door.tokens.add("zoe", "viewer")) > 40
        assert door.tokens.list().values.tolist() == [*before, ["zoe", "viewer"]]
        door.tokens.remove("zoe")
        assert door.tokens.list().values.tolist() == before
        with pytest.raises(so.Refused, match="no token of `zoe`"):
            door.tokens.remove("zoe")
        with pytest.raises(so.Refused, match="there is no role `boss`"):
            door.tokens.add("zoe", "boss")
        told = door.history()["action"].tolist()
        assert told[-2:] == ["make token of zoe, viewer", "remove token of zoe"]


def test_the_contract_makes_every_call_of_the_table() -> None:
    from streamops_nb.wire.calls import CALLS

    text = inspect.getsource(DoorContract)
    asked: dict[str, Any] = {
        "stream.append": 'stream("log").append', "previews.run": "first.run",
        "previews.latest": '.start(at="sample")',
        "failures.packed": "job.failure",
        "heals.apply": "first.apply(", "heal": "job.heal(", "config": ".config(",
        "output": ".output", "resume": None,
    }  # fmt: skip
    missing = [
        name
        for name in CALLS
        if (sought := asked.get(name, f"door.{name}")) is not None and sought not in text
    ]
    assert missing == []
