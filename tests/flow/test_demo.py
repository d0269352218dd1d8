"""The demo: it runs, every job does its part, and run again it goes on."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

from streamops_nb.demo.build import demo_specs, open_demo
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.workspace import connect
from streamops_nb.shell.results import newest_output, newest_rejects
from tests.streamops import read_json, streamops

Jobs = dict[str, dict[str, Any]]


def listed(folder: Path) -> Jobs:
    return {job["job"]: job for job in read_json("jobs", "demo.streamops", folder=folder)}


def played(folder: Path, *how: str) -> str:
    """Run the demo for some seconds; give what it printed."""
    page = [] if how else ["--no-page"]
    run = streamops("demo", *how, *page, "--for", "6", folder=folder)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


def fruitful(jobs: Jobs) -> bool:
    return all(job["rows_out"] for job in jobs.values()) and all(
        jobs[name]["rejects"] for name in ("hot_devices", "line_quality")
    )


def test_the_demo_runs_and_run_again_every_job_goes_on_from_its_last_commit(
    tmp_path: Path,
) -> None:
    # a day and a half of 2013 in 6 seconds, so that every window closes; more on a slow machine
    first = played(tmp_path, "--speed", "21600")
    assert "go on from their last commit" not in first
    assert first.splitlines()[1].startswith("The Stream Operation page is at http://127.0.0.1:")
    while not fruitful(before := listed(tmp_path)):
        played(tmp_path)
    assert set(before) == {spec.name for spec in demo_specs()}
    for job in before.values():
        assert job["last_error"] is None
        assert job["rows_in"] > 0
    assert before["line_quality"]["rejects"] > before["hot_devices"]["rejects"]
    assert before["hot_spells"]["rows_in"] <= before["hot_devices"]["rows_out"]

    again = played(tmp_path)
    assert "7 jobs go on from their last commit." in again
    assert "21600 times as fast" in again
    while not gone_on(after := listed(tmp_path), before):
        played(tmp_path)
    assert {name: job["last_error"] for name, job in after.items()} == dict.fromkeys(before)
    _check_outputs(tmp_path, after)


def gone_on(after: Jobs, before: Jobs) -> bool:
    return all(job["rows_in"] > before[name]["rows_in"] for name, job in after.items())


def _check_outputs(folder: Path, jobs: Jobs) -> None:
    """Nothing is doubled across the two runs, and the numbers told are those of the tables."""
    names = ("delays_by_hour", "delay_and_weather", "energy_by_device", "worst_airlines")
    with connect(folder / "demo.streamops", resume=False) as workspace:
        rows = {name: newest_output(workspace, name, 1_000_000)[0] for name in names}
        rejects, _ = newest_rejects(workspace, "line_quality", 100)
    for name, found in rows.items():
        assert len(found) == jobs[name]["rows_out"]
    keys = {
        "delays_by_hour": ("hour", "airport"),
        "delay_and_weather": ("hour", "origin"),
        "energy_by_device": ("window_start", "device"),
    }
    for name, key in keys.items():
        seen = Counter(tuple(row[part] for part in key) for row in rows[name])
        assert set(seen.values()) == {1}
    assert all(row["kwh"] >= 0 for row in rows["energy_by_device"])
    assert max(Counter(row["since"] for row in rows["worst_airlines"]).values()) <= 3
    assert len(rejects) == 100
    assert all(reject["reason"] and reject["raw"] for reject in rejects)


def test_the_recordings_stand_still_while_the_demo_does_not_run(tmp_path: Path) -> None:
    first = open_demo(tmp_path, speed=36_000)
    with first.workspace as workspace:
        flights = workspace.job("delays_by_hour")
        while flights.view.watermark is None:
            time.sleep(0.05)
    ended_at = first.stands_at(time.time())
    time.sleep(0.5)  # five hours of 2013, if they went on
    second = open_demo(tmp_path, speed=7_200)
    with second.workspace as workspace:
        assert first.stood_at < second.stood_at <= ended_at
        assert (second.resumed, second.speed) == (7, 7_200)
        assert {job.status for job in workspace.jobs.values()} <= {Status.STARTING, Status.RUNNING}
