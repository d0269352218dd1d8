"""From a preview to a job, and to Python: saved, started from where the user says, repeated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from streamops_nb.model.errors import MoveRefused, QueryRefused, Refused, ResourcesRefused
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.job import Job
from streamops_nb.ops.workspace import Workspace
from tests.ops.operated import opened

FIELDS = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
QUERY = "SELECT ts, device, temp FROM r WHERE temp > $threshold"


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "plant") as workspace:
        for i in range(10):  # each append is an offset
            workspace.stream("log").append([row(i)], FIELDS)
        yield workspace


def row(i: int) -> dict[str, Any]:
    return {"ts": f"2024-01-01T00:00:{i:02}Z", "device": f"d{i}", "temp": 20.0 + i}


def hot(**more: Any) -> dict[str, Any]:
    stream = {
        "source": {"type": "table", "stream": "log"},
        "schema": FIELDS,
        "event_time": "ts",
        "max_ahead": None,
    }
    params = {"threshold": {"type": "DOUBLE", "default": 25.0, "min": 0, "max": 100}}
    return {"name": "hot", "streams": {"r": stream}, "params": params, "query": QUERY, **more}


def devices(job: Job, count: int) -> list[str]:
    """Wait until so many rows have been written."""
    for _ in range(500):
        if job._workspace._core.backend.job_path(job.name).exists() and len(job.output) >= count:
            break
        job.wait(0.02)
    return sorted(job.output.df()["device"])


def test_the_values_of_a_preview_become_the_defaults_of_a_new_version(plant: Workspace) -> None:
    job = plant.save(hot())
    job.preview(params={"threshold": 27.0}).save()
    assert job.spec.params["threshold"].default == 27.0
    assert job.spec.params["threshold"].max == 100
    assert list(job.versions()["comment"]) == ["", "from a preview on the latest 1,000 rows"]


def test_what_was_not_changed_is_not_saved_again(plant: Workspace) -> None:
    job = plant.save(hot())
    assert job.preview().save().name == "hot"
    assert job.preview(params={"threshold": 25.0}).run(query=QUERY).save().name == "hot"
    assert list(job.versions()["version"]) == [1]


def test_a_preview_of_a_specification_is_saved_and_started_from_its_first_row(
    plant: Workspace,
) -> None:
    preview = plant.preview(hot(), rows=4).run(params={"threshold": 26.0})
    job = preview.start(at="sample")
    assert job.status in (Status.STARTING, Status.RUNNING)
    # the sample holds d6 to d9; d7 is the first above 26
    assert devices(job, 3) == ["d7", "d8", "d9"]
    plant.stream("log").append([row(i) for i in (5, 30)])
    assert devices(job, 4) == ["d30", "d7", "d8", "d9"]
    assert preview.positions == {"r": {"0": 7}}


def written(file: Path, *numbers: int) -> None:
    with file.open("a") as lines:
        lines.writelines(f"{json.dumps(row(i))}\n" for i in numbers)


def test_of_a_partition_that_the_sample_has_nothing_of_a_start_reads_what_came_after_it(
    plant: Workspace,
) -> None:
    folder = plant.folder / "in"
    folder.mkdir()
    written(folder / "a.jsonl", 6)
    written(folder / "b.jsonl", 7, 8)
    files = {"source": {"type": "files", "path": "in"}, "schema": FIELDS, "event_time": "ts"}
    preview = plant.preview(hot(streams={"r": files}), rows=2)
    assert preview.df["device"].tolist() == ["d7", "d8"]
    written(folder / "a.jsonl", 9)
    size = len(f"{json.dumps(row(6))}\n")
    assert preview.positions == {"r": {"a.jsonl": size, "b.jsonl": 0}}
    assert devices(preview.start(at="sample"), 3) == ["d7", "d8", "d9"]
    repeated: dict[str, Any] = {"ws": plant}
    exec("\n".join(preview.to_python().splitlines()[3:]), repeated)
    assert repeated["p"].df["device"].tolist() == ["d7", "d8"]


def test_a_start_from_rejects_begins_with_the_first_of_them(plant: Workspace) -> None:
    plant.save(hot())
    rejects = pd.DataFrame(
        [{"stream": "r", "partition": "0", "offset": at, "raw": b""} for at in (6, 4)]
    )
    preview = plant.preview("hot", rejects=rejects)
    assert preview.df["device"].tolist() == []
    assert preview.positions == {"r": {"0": 4}}


def test_started_from_the_latest_it_reads_only_what_comes(plant: Workspace) -> None:
    job = plant.preview(hot()).start(at="latest")
    plant.stream("log").append([row(40)])
    assert devices(job, 1) == ["d40"]


def test_a_job_that_runs_is_not_started_and_nothing_is_saved(plant: Workspace) -> None:
    job = plant.save(hot())
    job.start()
    preview = job.preview(params={"threshold": 1.0})
    with pytest.raises(MoveRefused, match=r"RUNNING|STARTING"):
        preview.start()
    assert list(job.versions()["version"]) == [1]
    preview.save()
    assert "version 2 waits" in job.pending


def test_without_resources_nothing_is_saved_or_started(plant: Workspace) -> None:
    preview = plant.preview(hot(resources={"cu": 900}))
    with pytest.raises(ResourcesRefused, match="900 CU are needed"):
        preview.start()
    assert plant.jobs == {}


def test_a_preview_with_faults_is_not_saved(plant: Workspace) -> None:
    preview = plant.preview(hot(query=f"WITH a AS ({QUERY}) SELECT nope FROM a"))
    with pytest.raises(QueryRefused, match="nope"):
        preview.start()
    assert plant.jobs == {}


def test_it_can_be_saved_under_another_name(plant: Workspace) -> None:
    plant.save(hot())
    plant.job("hot").preview(params={"threshold": 1.0}).save(name="warm")
    assert {name: job.spec.params["threshold"].default for name, job in plant.jobs.items()} == {
        "hot": 25.0,
        "warm": 1.0,
    }


def test_from_rows_that_were_given_it_is_not_started(plant: Workspace) -> None:
    given = pd.DataFrame([row(1)]).astype({"ts": "datetime64[us, UTC]"})
    preview = plant.preview(hot(), data=given)
    with pytest.raises(Refused, match="the sample of `r` was not read from its source"):
        preview.start(at="sample")
    query = plant.preview("SELECT device FROM given_rows", data={"given_rows": given})
    with pytest.raises(Refused, match="the rows of `given_rows` were given to the preview"):
        query.start(name="hot")
    assert plant.jobs == {}


def test_a_query_is_saved_under_a_name(plant: Workspace) -> None:
    plant.save(hot())
    job = plant.preview("SELECT device FROM r").start("latest", name="devices")
    assert (job.name, job.spec.query) == ("devices", "SELECT device FROM r")


def test_without_a_workspace_the_refusal_says_what_to_do(plant: Workspace) -> None:
    preview = plant.preview(hot())
    plant._core.previews.workspace = None
    with pytest.raises(Refused, match=r"belongs to no workspace.*ws.save\(p.tuned\)"):
        preview.start()
    assert preview.tuned.name == "hot"


def test_the_python_of_a_preview_makes_an_equal_one(plant: Workspace) -> None:
    plant.save(hot())
    preview = plant.job("hot").preview(rows=4, params={"threshold": 27.0})
    code = preview.to_python()
    assert code.splitlines() == [
        "import streamops_nb as so",
        "",
        f"ws = so.connect({str(plant.folder)!r})",
        "p = ws.preview(",
        "    'hot',",
        '    since={"r": {"0": 7}},',
        '    until={"r": {"0": 11}},',
        "    rows=4,",
        '    params={"threshold": 27.0},',
        ")",
    ]
    plant.stream("log").append([row(50)])
    repeated: dict[str, Any] = {"ws": plant}
    exec("\n".join(code.splitlines()[3:]), repeated)  # the workspace is open already
    assert repeated["p"].table == preview.table
    assert preview.df["device"].tolist() == ["d8", "d9"]


def test_the_python_of_what_is_not_saved_says_what_it_is(plant: Workspace) -> None:
    preview = plant.preview(hot()).run(query="SELECT device FROM r")
    said: dict[str, Any] = {"ws": plant}
    exec(preview.to_python().replace("ws = so.connect", "so.connect; ws or "), said)
    assert said["spec"] == preview.spec
    assert said["p"].table == preview.table


def test_rows_that_were_given_are_asked_for(plant: Workspace) -> None:
    given = pd.DataFrame([row(i) for i in range(3)]).astype({"ts": "datetime64[us, UTC]"})
    plant.save(hot())
    of_job = plant.preview("hot", data=given, params={"threshold": 20.5})
    of_query = plant.preview("SELECT device FROM t WHERE temp > 20.5", data={"t": given})
    for preview, what in ((of_job, "'hot'"), (of_query, repr(of_query.spec.query))):
        lines = preview.to_python().splitlines()
        assert lines[3:7] == [
            "# rows given or chosen one by one: `sample` is the `p.sample` of that preview",
            "p = ws.preview(",
            f"    {what},",
            "    sample=sample,",
        ]
        repeated: dict[str, Any] = {"ws": plant, "sample": preview.sample}
        exec("\n".join(lines[3:]), repeated)
        assert repeated["p"].df["device"].tolist() == preview.df["device"].tolist() == ["d1", "d2"]
