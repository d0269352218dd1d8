"""A failure is kept whole: it can be replayed, here and elsewhere, and a change tried on it."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

import streamops_nb as so
from streamops_nb.model.events import BatchCommitted
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.workspace import Workspace
from tests.ops.operated import opened, plant
from tests.ops.test_reporting import until
from tests.streamops import streamops

GOOD = '{"ts": "2026-01-01T00:00:0%dZ", "device": "d%d", "temp": 20.5}\n'
QUERY = "SELECT ts, device, temp, label FROM r JOIN labels USING (device)"


def failed(workspace: Workspace, **more: Any) -> so.Job:
    """A job that fails on its second batch: one bad record is more than it bears."""
    lines = [GOOD % (n, n) for n in range(10)]
    lines.insert(7, "no JSON\n")
    (workspace.folder / "in.jsonl").write_text("".join(lines))
    (workspace.folder / "labels.csv").write_text("device,label\nd5,five\nd8,eight\n")
    spec = plant(
        "a", query=QUERY, references={"labels": {"type": "csv", "path": "labels.csv"}},
        trigger={"rows": 5}, errors={"policy": "fail"}, **more,
    )  # fmt: skip
    spec["streams"]["r"]["source"] = {"type": "files", "path": "in.jsonl", "follow": False}
    job = workspace.save(spec)
    job.start()
    assert job.wait(20) == Status.FAILED
    return job


def test_a_failure_can_be_replayed_and_a_change_tried_on_it(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        job = failed(workspace)
        until((workspace.folder / "failures" / "a" / "capsule.json").exists)
        capsule = job.failure
        assert capsule is not None
        assert (capsule.error.kind, capsule.error.batch) == ("TooManyRejects", 2)
        assert capsule.sample.rows == 5
        committed = [e.n for e in capsule.events if isinstance(e, BatchCommitted)]
        assert committed == [1]
        assert capsule.versions["job"] == 1
        replayed = capsule.preview()
        assert len(replayed.rejects) == 1
        assert list(replayed.df["label"]) == ["five", "eight"]
        changed = replayed.run(query="SELECT device FROM r")
        assert list(changed.df["device"]) == ["d5", "d6", "d7", "d8"]
        assert job.status is Status.FAILED
    # it outlives the process
    with opened(tmp_path / "w", resume=False) as workspace:
        kept = workspace.job("a").failure
        assert kept is not None
        assert kept.error == capsule.error


def test_one_file_opens_on_another_machine_and_a_backup_has_it_too(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        capsule = failed(workspace).failure
        assert capsule is not None
        file = capsule.export(tmp_path / "a.capsule")
        workspace.backup(tmp_path / "b")
        with pytest.raises(so.Refused, match="is there already"):
            capsule.export(file)
    shutil.rmtree(tmp_path / "w")  # neither its input nor its references are there
    with opened(so.restore(tmp_path / "b", tmp_path / "r"), resume=False) as workspace:
        restored = workspace.job("a").failure
        assert restored is not None
        assert (restored.error, restored.sample.rows) == (capsule.error, 5)
    opened_again = so.open_capsule(file, tmp_path / "elsewhere")
    assert opened_again.error == capsule.error
    replayed = opened_again.preview()
    assert (len(replayed.rejects), list(replayed.df["label"])) == (1, ["five", "eight"])


def test_a_failure_is_shown_exported_and_replayed_from_a_shell(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        failed(workspace)
    shown = streamops("failure", "w", "a", folder=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "in batch 2\nTooManyRejects: batch 2 has 1 reject" in shown.stdout
    assert "kept: 5 records" in shown.stdout
    done = streamops("failure", "w", "a", "export", "--to", "a.capsule", folder=tmp_path)
    assert done.stdout == "written a.capsule\n"
    shutil.rmtree(tmp_path / "w")
    replayed = streamops("failure", "a.capsule", "preview", folder=tmp_path)
    assert replayed.returncode == 0
    assert "eight" in replayed.stdout


def test_a_job_that_did_not_fail_has_no_capsule_and_one_without_records_says_why(
    tmp_path: Path,
) -> None:
    with opened(tmp_path / "w") as workspace:
        job = workspace.save(plant("b"))
        assert job.failure is None
        bad = plant("c")
        bad["streams"]["r"]["source"] = {"type": "table", "stream": "nowhere"}
        with pytest.raises(so.SourceError):
            workspace.save(bad).start()
        capsule = workspace.job("c").failure
        assert capsule is not None
        assert "failed before it was known which records" in repr(capsule)
        with pytest.raises(so.Refused, match="has no records"):
            capsule.preview()


def test_rubbish_is_no_capsule(tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.capsule"
    rubbish.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(so.Refused, match="no capsule that could be opened"):
        so.open_capsule(rubbish)
    with pytest.raises(so.Refused, match="no capsule that could be opened"):
        so.open_capsule(tmp_path / "missing.capsule")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as packed:
        packed.writestr("../escape.txt", "x")
    with pytest.raises(so.Refused, match=r"has no capsule\.json"):
        so.open_capsule(tmp_path / "other.zip")
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as packed:
        packed.writestr("capsule.json", "{}")
        packed.writestr("../escape.txt", "x")
    with pytest.raises(so.Refused, match="is no capsule"):
        so.open_capsule(tmp_path / "evil.zip", tmp_path / "into")
    assert not (tmp_path / "escape.txt").exists()
