"""Jobs are listed and deleted, a workspace is backed up while it runs, restored, upgraded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

import streamops_nb as so
from streamops_nb.model.events import BatchCommitted
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops import upkeep
from streamops_nb.ops.workspace import Workspace
from streamops_nb.plan import specfile
from tests.ops.operated import appended, opened, plant, until

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "w") as one:
        yield one


def rows(begin: int, end: int) -> list[dict[str, object]]:
    return [
        {"ts": START + timedelta(seconds=second), "device": "d", "temp": 1.0}
        for second in range(begin, end)
    ]


def fed(workspace: Workspace, name: str = "a") -> None:
    """Wait until a job has read all that was appended."""
    job = workspace.job(name)
    until(lambda: job.view.total_lag == 0)


def test_jobs_are_listed_and_found_by_tag_status_owner_and_text(workspace: Workspace) -> None:
    workspace.save(plant("north_energy", tags=["plant", "energy"], owner="ann"))
    workspace.save(plant("south", tags=["plant"], owner="bob"))
    workspace.save(plant("other"))
    workspace.start("south")
    assert list(workspace.table()["job"]) == ["north_energy", "other", "south"]
    assert list(workspace.table(tags="plant")["job"]) == ["north_energy", "south"]
    assert list(workspace.table(tags=["plant", "energy"])["job"]) == ["north_energy"]
    assert list(workspace.table(status="running")["job"]) == ["south"]
    assert list(workspace.table(owner="ann")["job"]) == ["north_energy"]
    assert list(workspace.table(search="ENERG")["job"]) == ["north_energy"]
    assert workspace.select(tags="plant", status=["PUBLISHED"]) == ["north_energy"]
    with pytest.raises(so.Refused, match="the statuses are PUBLISHED"):
        workspace.table(status="going")


def test_a_deleted_job_is_gone_with_its_file_and_a_new_one_starts_from_nothing(
    workspace: Workspace,
) -> None:
    workspace.stream("log").append(rows(0, 30))
    job = workspace.save(appended("a", start={"at": "earliest"}))
    job.start()
    fed(workspace)
    with pytest.raises(so.Refused, match="a: it is RUNNING - stop it first"):
        workspace.delete("a")
    job.pause()
    with pytest.raises(so.Refused, match="it is PAUSED"):
        workspace.delete("a")
    job.stop()
    assert len(job.output)
    assert workspace.delete("a", why="no longer needed") == ["a"]
    assert "a" not in workspace.jobs
    assert [path.name for path in (workspace.folder / "jobs").iterdir()] == []
    assert list(workspace.history()["result"])[-1] == "deleted a"
    again = workspace.save(plant("a"))
    assert (again.status, again.view.version, again.spec.resources.cu) == (
        Status.PUBLISHED, 1, 0.1,
    )  # fmt: skip
    again.start()
    assert again.view.batch == 0 or again.view.rows_in < 1000


def test_a_job_that_others_read_is_only_deleted_together_with_them(workspace: Workspace) -> None:
    workspace.stream("log").append(rows(0, 30))
    workspace.save(appended("a"))
    stream = {
        "source": {"type": "job", "job": "a"},
        "schema": {"window_end": "TIMESTAMPTZ", "n": "BIGINT"},
    }
    workspace.save({"name": "b", "streams": {"s": stream}, "query": "SELECT n FROM s"})
    with pytest.raises(so.Refused, match="a: its output is read by b"):
        workspace.delete("a")
    plan = workspace.start("a") and workspace.stop("a", plan=True)
    assert plan.verdicts[0].starves == ()  # b is not active
    workspace.stop("a")
    assert workspace.delete(["a", "b"]) == ["a", "b"]


def test_stopping_a_job_says_who_would_starve(workspace: Workspace) -> None:
    workspace.stream("log").append(rows(0, 30))
    workspace.save(appended("a", start={"at": "earliest"}))
    workspace.start("a")
    fed(workspace)
    stream = {
        "source": {"type": "job", "job": "a"},
        "schema": {"window_end": "TIMESTAMPTZ", "n": "BIGINT"},
    }
    workspace.save({"name": "b", "streams": {"s": stream}, "query": "SELECT n FROM s"})
    workspace.start("b")
    assert list(workspace.pause("a", plan=True).df["starves"]) == ["b"]
    assert list(workspace.pause(["a", "b"], plan=True).df["starves"]) == ["", ""]


def test_a_deletion_that_fails_leaves_the_job_as_it_was(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.stream("log").append(rows(0, 30))
    job = workspace.save(appended("a", start={"at": "earliest"}))
    job.start()
    fed(workspace)
    job.stop()
    kept = len(job.output)

    def full(*_: object) -> None:
        raise so.StorageError("the disk is full")

    with monkeypatch.context() as during:
        during.setattr(workspace._core.catalog, "delete_jobs", full)
        with pytest.raises(so.StorageError, match="a cannot be deleted: the disk is full"):
            workspace.delete("a")
    assert len(job.output) == kept
    job.start()
    assert job.status is Status.RUNNING
    assert not list((workspace.folder / "jobs").glob("*.deleted"))


def test_a_job_named_like_a_deleted_one_keeps_its_facts_until_they_are_delivered(
    workspace: Workspace,
) -> None:
    workspace.stream("log").append(rows(0, 30))
    job = workspace.save(appended("a", start={"at": "earliest"}))
    job.start()
    fed(workspace)
    job.stop()
    workspace._core.courier.deliver()
    assert workspace._core.courier.delivered("a") > 0
    workspace.delete("a")
    assert workspace._core.courier.delivered("a") == 0


def test_a_backup_copies_a_file_anew_when_a_run_begins_while_it_is_copied(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = workspace.stream("log")
    log.append(rows(0, 30))
    job = workspace.save(appended("a", start={"at": "earliest"}))
    job.start()
    fed(workspace)
    job.stop()
    workspace._core.backend.detach_job("a")  # as after the next connect
    closed = upkeep._copy_closed

    def begun_between(file: Path, to: Path) -> None:
        closed(file, to)
        job.start(at="earliest")
        log.append(rows(30, 61))
        until(lambda: len(job.output) >= 8)  # 2 of the first run, 6 of this one

    monkeypatch.setattr(upkeep, "_copy_closed", begun_between)
    so.restore(workspace.backup(tmp_path / "b"), tmp_path / "r")
    with so.connect(tmp_path / "r", resume=False, memory="512MB") as other:
        assert len(other.job("a").output) == 8


@pytest.mark.parametrize("step", ["put aside", "forgotten"])
def test_a_deletion_that_a_crash_interrupts_is_finished_or_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with opened(tmp_path / "w") as workspace:
        workspace.stream("log").append(rows(0, 30))
        job = workspace.save(appended("a", start={"at": "earliest"}))
        job.start()
        fed(workspace)
        job.stop()
        kept = len(job.output)

        def crash(*_: object) -> None:
            raise KeyboardInterrupt

        if step == "put aside":
            monkeypatch.setattr(workspace._core.catalog, "delete_jobs", crash)
        else:
            monkeypatch.setattr(upkeep, "finish_deletions", crash)
        with pytest.raises(KeyboardInterrupt):
            workspace.delete("a")
        monkeypatch.undo()
    with opened(tmp_path / "w") as workspace:
        left = [path.name for path in (tmp_path / "w" / "jobs").iterdir()]
        if step == "put aside":
            assert len(workspace.job("a").output) == kept
        else:
            assert (list(workspace.jobs), left) == ([], [])


def test_a_backup_of_a_running_workspace_goes_on_as_from_its_last_commit(
    workspace: Workspace, tmp_path: Path
) -> None:
    log = workspace.stream("log")
    log.append(rows(0, 25))
    workspace.save(appended("a", start={"at": "earliest"}))
    workspace.save(plant("busy", start={"at": "earliest"}))
    workspace.save(plant("idle"))
    workspace.start(["a", "busy"])
    fed(workspace)
    seen: list[tuple[str, int, int]] = []
    made = workspace.backup(tmp_path / "backup", progress=lambda *step: seen.append(step))
    assert [step[0] for step in seen] == [
        "catalog.db",
        "jobs/a.db",
        "jobs/busy.db",
        "streams/log.db",
    ]
    log.append(rows(25, 100))  # not in the backup
    assert workspace.view("busy").status is Status.RUNNING

    so.restore(made, tmp_path / "restored")
    with so.connect(tmp_path / "restored", resume=False, memory="512MB") as other:
        assert other.found == {"a": Status.RUNNING, "busy": Status.RUNNING}
        assert other.job("idle").status is Status.PUBLISHED
        other.resume("a")
        other.stream("log").append(rows(25, 41))
        until(lambda: len(other.job("a").output) >= 4)
        assert sorted(other.job("a").output.df()["n"]) == [10, 10, 10, 10]
    assert not list((workspace.folder / "tmp").glob("backup*"))


def test_a_backup_goes_only_to_an_empty_folder_outside(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.save(plant("a"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(so.Refused, match="not an empty folder"):
        workspace.backup(tmp_path / "full")
    with pytest.raises(so.Refused, match="lies in the workspace"):
        workspace.backup(workspace.folder / "backup")
    (tmp_path / "file").touch()
    with pytest.raises(so.StorageError, match="failed"):
        workspace.backup(tmp_path / "file" / "below")


def test_a_backup_that_is_damaged_or_none_is_refused_and_nothing_written(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.save(plant("a"))
    workspace.start("a")
    workspace.stop("a")
    made = workspace.backup(tmp_path / "b")
    with pytest.raises(so.Refused, match="no backup of a workspace"):
        so.restore(tmp_path / "nothing", tmp_path / "r")
    with pytest.raises(so.Refused, match="not an empty folder"):
        so.restore(made, workspace.folder)
    shutil.copytree(made, tmp_path / "c")
    with (tmp_path / "c" / "catalog.db").open("r+b") as file:
        file.seek(5_000)
        file.write(b"rubbish")
    (tmp_path / "c" / "jobs" / "a.db").unlink()
    with pytest.raises(so.Refused, match=r"(?s)catalog\.db: .*damaged.*jobs/a\.db: it is missing"):
        so.restore(tmp_path / "c", tmp_path / "r")
    assert not (tmp_path / "r").exists()
    manifest = made / "backup.json"
    manifest.write_text(manifest.read_text().replace("catalog.db", "../../catalog.db"))
    with pytest.raises(so.Refused, match="points outside"):
        so.restore(made, tmp_path / "r")


FORMAT_1 = """
CREATE TABLE about (key VARCHAR, value VARCHAR);
CREATE TABLE jobs (
    name VARCHAR, author VARCHAR, version INTEGER, created_at DOUBLE, saved_at DOUBLE,
    desired VARCHAR, observed VARCHAR, since DOUBLE, reason VARCHAR, run INTEGER, copied BIGINT
);
CREATE TABLE versions (
    job VARCHAR, version INTEGER, spec VARCHAR, author VARCHAR, "at" DOUBLE, comment VARCHAR
);
CREATE TABLE events (id BIGINT, job VARCHAR, seq BIGINT, "at" DOUBLE, kind VARCHAR, body VARCHAR);
CREATE TABLE allocation (cu DOUBLE, status VARCHAR, "at" DOUBLE, who VARCHAR);
INSERT INTO about VALUES ('format', '1');
INSERT INTO jobs VALUES
    ('a', 'ann', 1, 5, 5, 'PAUSED', 'PAUSED', 1e12, '', 3, 0),
    ('b', 'ann', 1, 5, 5, 'PUBLISHED', 'PUBLISHED', 5, '', 0, 0)
"""


def test_a_workspace_of_the_format_before_is_upgraded_in_place(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    spec = so.Job(**plant("a", cu=0.7, owner="eve", tags=["plant"]))
    with duckdb.connect(str(tmp_path / "w" / "catalog.db")) as old:
        for statement in FORMAT_1.split(";\n"):
            old.execute(statement)
        for name in ("a", "b"):
            values = [name, specfile.dump(spec).replace("name: a", f"name: {name}")]
            old.execute("INSERT INTO versions VALUES (?, 1, ?, 'ann', 5, '')", values)
    for _ in range(2):
        with so.connect(tmp_path / "w", resume=False) as workspace:
            frame = workspace.table()
            found = frame[["job", "status", "owner", "cu", "ran"]].to_numpy().tolist()
            assert found == [["a", "PAUSED", "eve", 0.7, 1], ["b", "PUBLISHED", "eve", 0.7, 0]]
            assert workspace.select(tags="plant") == ["a", "b"]


@pytest.mark.parametrize(
    "name", ["../a", "a/b", "a; DROP TABLE jobs", "x" * 10_000, "", "A", "job_a.output"]
)
def test_a_name_that_is_a_path_or_sql_or_endless_is_refused_everywhere(
    workspace: Workspace, name: str
) -> None:
    workspace.save(plant("a"))
    for ask in (
        workspace.job, workspace.start, workspace.pause, workspace.stop, workspace.delete,
        workspace.export, workspace.versions, workspace.history, workspace.view, workspace.output,
        lambda name: workspace.reset(name, at="latest"),
    ):  # fmt: skip
        with pytest.raises(so.Refused) as refused:
            ask(name)
        assert len(str(refused.value)) < 500
    with pytest.raises(so.SpecRefused):
        workspace.save(plant(name))
    assert list(workspace.jobs) == ["a"]


def test_the_batches_of_a_file_made_anew_are_numbered_on_also_after_a_run_without_any(
    tmp_path: Path,
) -> None:
    with opened(tmp_path / "w") as workspace:
        workspace.stream("log").append(rows(0, 30))
        job = workspace.save(appended("a", start={"at": "earliest"}))
        job.start()
        fed(workspace)
        job.pause()
        last = job.view.batch
        job.start()
        job.pause()
        assert (job.view.run, job.view.batches) == (2, 0)
    (tmp_path / "w" / "jobs" / "a.db").unlink()
    with opened(tmp_path / "w") as workspace:
        job = workspace.job("a")
        job.start()
        fed(workspace)
        job.pause()
        numbers = [e.n for e in workspace.events("a") if isinstance(e, BatchCommitted)]
        assert numbers == list(range(1, job.view.batch + 1))
        assert job.view.batch > last > 0


def test_a_corrupt_file_fails_its_own_job_with_the_way_out(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        workspace.stream("log").append(rows(0, 30))
        for name in ("paused", "stopped", "well"):
            workspace.save(appended(name, start={"at": "earliest"}))
            workspace.start(name)
            fed(workspace, name)
        workspace.pause(["paused", "well"])
        workspace.stop("stopped")
    for name in ("paused", "stopped"):
        (tmp_path / "w" / "jobs" / f"{name}.db").write_bytes(b"rubbish" * 5_000)
    with opened(tmp_path / "w") as workspace:
        for name in ("paused", "stopped"):
            with pytest.raises(so.StorageError, match=r"restore .* from a copy"):
                workspace.start(name)
            assert workspace.view(name).status is Status.FAILED
        workspace.start("well")
        assert workspace.view("well").status is Status.RUNNING
