"""A run that cannot begin says so and leaves the job where it can be started again."""

from __future__ import annotations

from pathlib import Path

import pytest

import streamops_nb as so
from streamops_nb.model.lifecycle import Status

SPEC = {
    "name": "a",
    "streams": {
        "r": {
            "source": {"type": "simulator", "rate": 100},
            "schema": {"ts": "TIMESTAMPTZ", "device": "VARCHAR"},
            "event_time": "ts",
        }
    },
    "query": "SELECT * FROM r",
}


@pytest.mark.parametrize(
    ("how", "why"), [({"at": "rubbish"}, "rubbish"), ({"cut_off": "emit"}, "no column `_cut_off`")]
)
def test_a_start_point_that_is_none_or_cannot_be_marked_is_refused_and_changes_nothing(
    tmp_path: Path, how: dict[str, str], why: str
) -> None:
    with so.connect(tmp_path / "w") as workspace:
        workspace.resources.ensure()
        job = workspace.save(SPEC)
        before = len(workspace.events("a"))
        with pytest.raises(so.SpecRefused, match=why):
            job.start(**how)
        assert (job.status, len(workspace.events("a"))) == (Status.PUBLISHED, before)


def test_a_source_that_cannot_be_opened_fails_the_job_which_then_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_THERE", raising=False)
    stream = {**SPEC["streams"]["r"], "source": {"type": "files", "path": "${env:NOT_THERE}"}}
    with so.connect(tmp_path / "w") as workspace:
        workspace.resources.ensure()
        job = workspace.save({**SPEC, "streams": {"r": stream}})
        with pytest.raises(so.SpecRefused, match="NOT_THERE"):
            job.start()
        assert job.status is Status.FAILED
        assert "NOT_THERE" in str(job.view.last_error)
        workspace.save(SPEC)
        job.start()
        assert job.status is Status.RUNNING


def test_a_fault_that_nobody_thought_of_does_not_leave_a_job_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    with so.connect(tmp_path / "w") as workspace:
        workspace.resources.ensure()
        job = workspace.save(SPEC)
        monkeypatch.setattr("streamops_nb.engine.runner.assemble", broken)
        with pytest.raises(so.StorageError, match="ZeroDivisionError: a bug"):
            job.start()
        assert job.status is Status.FAILED
