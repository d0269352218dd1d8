"""Stopping a job clears its state all at once or not at all."""

from __future__ import annotations

import pytest

from streamops_nb.db import sealed
from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.engine.record import Checkpoint
from streamops_nb.model.errors import QueryError


@pytest.fixture
def file() -> JobFile:
    instance = sealed()
    instance.attach(None, "job")
    session = instance.session()
    file = JobFile(session, "job")
    file.open()
    session.run("CREATE TABLE job.state_a_0 (x INTEGER)")
    file.note("state", '{"\\"job\\".\\"state_a_0\\"": "print"}')
    clock = {"watermark": 5, "partitions": {"0": [1_000_000, 0], "1": [3_000_000, 0]}}
    file.put(
        Checkpoint(
            n=7, seq=9, positions={"s": {"0": 4}}, clocks={"s": clock}, frontiers={"a": 1_000_000}
        )
    )
    return file


def test_a_stop_keeps_the_position_and_says_where_windows_are_cut(file: JobFile) -> None:
    file.clear()
    assert file.open() == Checkpoint(
        n=7, seq=9, positions={"s": {"0": 4}}, cut=3_000_001, stopped=True
    )
    assert file.about("state") is None


def test_a_stop_that_fails_half_way_changes_nothing(
    file: JobFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.open()

    def fail(self: JobFile, checkpoint: Checkpoint) -> None:
        raise QueryError("the disk went away")

    monkeypatch.setattr(JobFile, "put", fail)
    with pytest.raises(QueryError, match="disk"):
        file.clear()
    assert file.open() == before
    assert file.about("state") is not None
