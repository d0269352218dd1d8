"""Operating jobs from a shell: every verb, its output, its exit code."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import streamops_nb as so
from streamops_nb.model.lifecycle import Status
from tests.ops.operated import plant
from tests.streamops import read_json, start_streamops, streamops


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a workspace ``w`` of two jobs and 1 CU."""
    with so.connect(tmp_path / "w") as workspace:
        workspace.save(plant("a", tags=["north"]), author="ann")
        workspace.save(plant("b", cu=0.95))
        workspace.resources.request(1)
    return tmp_path


def statuses(folder: Path) -> dict[str, tuple[str, str]]:
    """What ``streamops jobs`` says: status and wanted status per job."""
    rows = read_json("jobs", "w", folder=folder)
    return {row["job"]: (row["status"], row["wanted"]) for row in rows}


def rows_in(folder: Path, job: str) -> int:
    rows = {row["job"]: row["rows_in"] for row in read_json("jobs", "w", folder=folder)}
    return int(rows[job])


def test_a_job_that_is_started_is_run_by_the_next_owner(folder: Path) -> None:
    done = streamops("start", "w", "a", "--from", "earliest", "--why", "go", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "streamops up w" in done.stdout
    assert statuses(folder)["a"] == ("STARTING", "RUNNING")
    done = streamops("up", "w", "--for", "3", folder=folder)
    assert done.returncode == 0
    assert "a: was interrupted, or to start, is RUNNING" in done.stdout
    while not (read := rows_in(folder, "a")):  # on a slow machine its first batch takes longer
        streamops("up", "w", "--for", "5", folder=folder)
    assert read > 1_000  # from the earliest record on
    assert streamops("pause", "w", "a", folder=folder).stdout == "a: PAUSED\n"
    refused = streamops("reset", "w", "a", "--from", "nowhere", folder=folder)
    assert refused.returncode == 2
    done = streamops("reset", "w", "a", "--from", "latest", "--drop-state", folder=folder)
    assert done.stdout == "a: PAUSED\n"
    assert streamops("stop", "w", "a", "--yes", folder=folder).stdout == "a: STOPPED\n"
    lines = streamops("history", "w", "a", "--lines", folder=folder).stdout.splitlines()
    assert lines[-4:] == [
        "ws.start('a', at='earliest')",
        "ws.pause('a')",
        "ws.reset('a', at='latest', drop_state=True)",
        "ws.stop('a')",
    ]
    told = read_json("history", "w", "a", folder=folder)
    assert "go" in [row["why"] for row in told]


def test_commands_go_through_the_owner_of_a_workspace_which_ends_at_a_signal(folder: Path) -> None:
    streamops("start", "w", "a", folder=folder)
    owner = start_streamops("up", "w", folder=folder)
    try:
        assert owner.stdout is not None
        owner.stdout.readline()
        for command in (["jobs", "w"], ["pause", "w", "a"], ["history", "w"], ["backup", "w", "x"]):
            done = streamops(*command, folder=folder)
            assert (done.returncode, done.stderr) == (0, "")
        assert statuses(folder)["a"] == ("PAUSED", "PAUSED")
        assert (folder / "x" / "catalog.db").is_file()
        done = streamops("start", "w", "a", folder=folder)
        assert done.stdout == "a: RUNNING\n"
        done = streamops("up", "w", folder=folder)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"is owned by process {owner.pid} on " in done.stderr
        page = streamops("serve", "w", "--page-port", "0", "--for", "1", folder=folder)
        assert (page.returncode, page.stderr) == (0, "")
        assert "Another process owns the workspace and runs its jobs.\nThe Stream" in page.stdout
    finally:
        owner.send_signal(signal.SIGTERM)
        owner.communicate(timeout=30)
        assert owner.returncode == 0
    assert statuses(folder)["a"] == ("STARTING", "RUNNING")


def test_a_plan_does_nothing_and_its_exit_code_says_whether_all_is_allowed(folder: Path) -> None:
    done = streamops("start", "w", "a", "b", "--plan", folder=folder)
    assert done.returncode == 2
    assert "0.95 CU are needed and 0.9 of 1 are free" in done.stdout
    assert streamops("start", "w", "--tag", "north", "--plan", folder=folder).returncode == 0
    assert set(statuses(folder).values()) == {("PUBLISHED", "PUBLISHED")}
    refused = streamops("start", "w", "a", "b", folder=folder)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert set(statuses(folder).values()) == {("PUBLISHED", "PUBLISHED")}
    some = streamops("start", "w", "a", "b", "--best-effort", "--json", folder=folder)
    assert some.returncode == 1
    assert [row["done"] for row in json.loads(some.stdout)] == [True, False]


def test_configurations_go_out_and_come_in(folder: Path) -> None:
    shown = streamops("view", "w", "a", folder=folder).stdout
    assert "pause_limit: 1d" in shown
    assert YAML(typ="safe").load(shown)["name"] == "a"
    assert json.loads(streamops("view", "w", "a", "--json", folder=folder).stdout)["name"] == "a"
    assert streamops("export", "w", "a", "-o", "a.yaml", folder=folder).returncode == 0
    assert streamops("export", "w", folder=folder).returncode == 2
    assert streamops("export", "w", "-o", "all.zip", folder=folder).returncode == 0
    made = read_json("import", "other", "all.zip", folder=folder)
    assert made == [{"job": "a", "version": 1}, {"job": "b", "version": 1}]
    (folder / "a.yaml").write_text(shown.replace("cu: 0.1", "cu: 0.2"))
    assert streamops("import", "w", "a.yaml", folder=folder).stdout == "a: version 2\n"
    refused = streamops("import", "w", "a.yaml", "--same-name", "refuse", folder=folder)
    assert (refused.returncode, "there is a job of that name" in refused.stderr) == (2, True)
    assert "+  cu: 0.2" in streamops("diff", "w", "a", folder=folder).stdout
    found = [row["version"] for row in read_json("versions", "w", "a", folder=folder)]
    assert found == [1, 2]


def test_resources_are_said_requested_and_released(folder: Path) -> None:
    said = read_json("resources", "w", folder=folder)
    assert (said["status"], said["allocated"], said["free"]) == ("ALLOCATED", 1.0, 1.0)
    assert streamops("resources", "w", "request", "2", folder=folder).returncode == 0
    assert streamops("resources", "w", "alarm", "0.8", folder=folder).returncode == 0
    assert read_json("resources", "w", folder=folder)["alarm"] == 0.8
    for wrong in (["request", "1000"], ["request"], ["alarm", "7"], ["grab"]):
        done = streamops("resources", "w", *wrong, folder=folder)
        assert (done.returncode, done.stdout) == (2, "")
    assert "no CU are allocated" in streamops("resources", "w", "release", folder=folder).stdout
    refused = streamops("start", "w", "a", folder=folder)
    assert refused.returncode == 2
    assert "`streamops resources w request 1`" in refused.stderr


def test_what_cannot_be_undone_is_asked_or_agreed_to(folder: Path) -> None:
    with so.connect(folder / "w") as workspace:
        workspace.start("a")
        workspace.pause("a")
    for command in (["stop", "w", "a"], ["delete", "w", "b"]):
        done = streamops(*command, folder=folder)
        assert (done.returncode, "say --yes" in done.stderr) == (2, True)
    assert streamops("delete", "w", "b", "--yes", folder=folder).stdout == "deleted: b\n"
    with so.connect(folder / "w") as workspace:
        assert {name: job.status for name, job in workspace.jobs.items()} == {"a": Status.PAUSED}


def test_a_workspace_is_backed_up_and_restored(folder: Path) -> None:
    assert streamops("backup", "w", "copy", folder=folder).returncode == 0
    assert streamops("backup", "w", "copy", folder=folder).returncode == 2
    assert streamops("restore", "copy", "again", folder=folder).returncode == 0
    assert statuses(folder) == {"a": ("PUBLISHED",) * 2, "b": ("PUBLISHED",) * 2}
    assert {row["job"] for row in read_json("jobs", "again", folder=folder)} == {"a", "b"}


@pytest.mark.parametrize(
    "command",
    [
        ["start", "w"], ["pause", "w"], ["start", "w", "aa"], ["pause", "w", "a"],
        ["start", "w", "--status", "GOING"], ["view", "w", "a", "--version", "9"],
        ["jobs", "nothing"], ["up", "nothing"], ["restore", "nothing", "x"],
        ["import", "w", "nothing.yaml"], ["history", "w", "c"],
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence_with_exit_code_2(
    folder: Path, command: list[Any]
) -> None:
    done = streamops(*command, folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    _, where = done.stderr.strip().splitlines()
    assert "Refused: `streamops error " in where
    assert "Traceback" not in done.stderr
