"""Configurations are versions: viewed, compared, rolled back, exported and imported whole."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import streamops_nb as so
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.workspace import Workspace
from streamops_nb.plan import specfile
from tests.ops.operated import COUNT, appended, opened, plant, until


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "w") as one:
        yield one


def zipped(**files: str | bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return target.getvalue()


def text(spec: dict[str, Any]) -> str:
    return specfile.dump(specfile.load(spec))


def test_a_configuration_shows_every_default_and_reads_back_equal(workspace: Workspace) -> None:
    job = workspace.save(plant("a"))
    shown = job.config()
    for line in ("pause_limit: 1d", "max_reject_share: null", "devices: ", "interval: 1s"):
        assert line in shown
    assert "pause_limit" not in job.config(defaults=False)
    assert specfile.load(job.config(defaults=False)) == job.spec
    again = specfile.load(shown)
    assert specfile.load(workspace.save(again).config()) == again
    assert json.loads(job.config(format="json"))["name"] == "a"
    with pytest.raises(so.Refused, match="as yaml or json, not as 'toml'"):
        job.config(format="toml")


def test_a_configuration_keeps_references_to_secrets(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "hunter2")
    stream = {"source": {"type": "files", "path": "${env:PASSWORD}"}, "schema": {"x": "BIGINT"}}
    workspace.save({"name": "a", "streams": {"r": stream}, "query": "SELECT x FROM r"})
    bundle = workspace.export()
    for shown in (
        workspace.config("a"),
        workspace.export("a"),
        str(workspace.history("a").line[0]),
    ):
        assert "${env:PASSWORD}" in shown
        assert "hunter2" not in shown
    assert b"hunter2" not in bundle


def test_versions_say_who_when_why_and_which_runs(workspace: Workspace) -> None:
    workspace.save(plant("a"), author="ann", comment="first")
    job = workspace.save(plant("a", cu=0.2), author="bob", comment="more")
    job.start()
    workspace.save(plant("a", cu=0.3), author="bob")
    frame = job.versions()
    assert frame[["version", "author", "comment", "running"]].to_numpy().tolist() == [
        [1, "ann", "first", False],
        [2, "bob", "more", True],
        [3, "bob", "", False],
    ]
    assert abs(frame["at"][0] - datetime.now(UTC)) < timedelta(minutes=1)
    assert job.pending == "version 2 runs until it is started again, version 3 waits"
    assert "version 3 waits" in repr(job)
    assert workspace.resources.status().booking.held == {"a": 0.2}
    job.pause()
    job.start()
    assert (job.pending, workspace.resources.status().booking.held) == ("", {"a": 0.3})


def test_saving_what_is_the_newest_version_already_makes_no_other(workspace: Workspace) -> None:
    job = workspace.save(plant("a"), comment="first")
    assert workspace.save(plant("a"), comment="again").versions()["comment"].to_list() == ["first"]
    workspace.save(plant("a", cu=2))
    workspace.save(plant("a"))
    assert job.versions()["version"].to_list() == [1, 2, 3]
    assert len(job.history()) == 3


def test_a_difference_is_shown_as_text_side_by_side_and_by_setting(workspace: Workspace) -> None:
    workspace.save(plant("a", query="SELECT * FROM r WHERE temp > 30"))
    job = workspace.save(plant("a", cu=2, query="SELECT * FROM r WHERE temp > 40"))
    diff = job.diff()
    assert diff.df.to_numpy().tolist() == [
        ["query", "SELECT * FROM r WHERE temp > 30", "SELECT * FROM r WHERE temp > 40"],
        ["resources.cu", 0.1, 2],
    ]
    assert "-query: SELECT * FROM r WHERE temp > 30" in str(diff).splitlines()
    assert "version 2" in diff._repr_html_()
    assert not job.diff(1, 1)
    with pytest.raises(so.Refused, match="it has versions 1 to 2"):
        job.diff(1, 7)


def test_rolling_back_saves_the_earlier_version_as_the_newest(workspace: Workspace) -> None:
    first = workspace.save(plant("a")).spec
    workspace.save(plant("a", cu=2))
    job = workspace.job("a").roll_back(1)
    assert (job.spec, job.view.version) == (first, 3)
    assert job.versions().comment[2] == "rolled back to version 1"
    with pytest.raises(so.Refused, match="has no version 9"):
        job.roll_back(9)


def test_what_is_exported_imports_equal(workspace: Workspace, tmp_path: Path) -> None:
    specs = {name: workspace.save(plant(name, cu=0.3)).spec for name in ("a", "b")}
    with so.connect(tmp_path / "other") as other:
        path = workspace.export(to=tmp_path / "jobs.zip")
        assert [job.name for job in other.import_(path)] == ["a", "b"]
        assert {name: job.spec for name, job in other.jobs.items()} == specs
        # the same again changes nothing; as bytes, as JSON, as one file likewise
        other.import_(workspace.export())
        other.import_(workspace.export(["a"], format="json"))
        other.import_(workspace.export("a", tmp_path / "a.json", format="json"))
        other.import_(workspace.export("a"))
        assert other.job("a").view.version == 1
    assert workspace.export() == workspace.export()


def test_an_import_of_a_known_name_is_a_new_version_or_refused(workspace: Workspace) -> None:
    workspace.save(plant("a"))
    changed = zipped(**{"a.yaml": text(plant("a", cu=2)), "b.yaml": text(plant("b"))})
    with pytest.raises(so.Refused, match="a: there is a job of that name"):
        workspace.import_(changed, same_name="refuse")
    assert list(workspace.jobs) == ["a"]
    workspace.import_(changed)
    assert (workspace.job("a").view.version, list(workspace.jobs)) == (2, ["a", "b"])


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"../a.yaml": "x"}, "points outside"),
        ({"/etc/a.yaml": "x"}, "points outside"),
        ({"C:\\a.yaml": "x"}, "points outside"),
        ({"a.txt": "x"}, "no specification by its name"),
        ({}, "holds no specification"),
        ({"a.yaml": b"\xff\xfe\xfa"}, "not UTF-8"),
        ({"a.yaml": "name: A b\n"}, "a.yaml"),
        ({"a.yaml": text(plant("a")), "b.yaml": text(plant("a"))}, "is there twice"),
        ({"a" * 300 + ".yaml": "x"}, "name is too long"),
        ({"a.yaml": "#" * 5_000_000}, "at most 4,000,000"),
    ],
)
def test_an_import_that_is_not_right_changes_nothing(
    workspace: Workspace, tmp_path: Path, files: dict[str, Any], said: str
) -> None:
    before = sorted(path.name for path in tmp_path.rglob("*"))
    good = {"good.yaml": text(plant("good"))} if files else {}
    with pytest.raises(so.Refused, match=said):
        workspace.import_(zipped(**good, **files))
    assert not workspace.jobs
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_a_zip_that_lies_about_its_sizes_links_or_is_none_is_refused(
    workspace: Workspace, tmp_path: Path
) -> None:
    link = zipfile.ZipInfo("a.yaml")
    link.external_attr = 0o120777 << 16
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as bundle:
        bundle.writestr(link, "/etc/passwd")
    with pytest.raises(so.Refused, match="it is a link"):
        workspace.import_(target.getvalue())
    whole = zipped(**{"a.yaml": text(plant("a"))})
    for broken in (whole[:-30], b"PK\x03\x04 rubbish", b""):
        with pytest.raises(so.Refused, match="cannot be read"):
            workspace.import_(broken)
    with pytest.raises(so.Refused, match="cannot be read"):
        workspace.import_(tmp_path / "none.zip")
    assert not workspace.jobs


def test_a_changed_query_says_what_becomes_of_kept_state(workspace: Workspace) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        {"ts": start + timedelta(seconds=second), "device": "d", "temp": 1.0}
        for second in range(25)
    ]
    log = workspace.stream("log")
    log.append(rows)
    job = workspace.save(appended("a", start={"at": "earliest"}))
    job.start()
    until(lambda: job.view.batches)
    job.pause()
    kept = job.view.state_rows
    assert kept
    assert job.fits()

    # what the state does not depend on may change
    workspace.save(appended("a", start={"at": "earliest"}, description="better"))
    assert job.fits()
    changed = appended("a", query=COUNT.replace("sum(temp)", "max(temp)"))
    with pytest.raises(so.Refused, match=rf"{kept} row of window state .* drop_state=True"):
        workspace.save(changed)
    assert job.view.version == 2
    assert not job.fits(changed)
    workspace.save(changed, drop_state=True)
    job.start()
    log.append([{"ts": start + timedelta(seconds=60), "device": "d", "temp": 1.0}])
    until(lambda: job.view.rows_in >= 1)
    job.stop()
    # the half window from 20 s on was dropped, and counted
    assert job.view.status is Status.STOPPED
    assert sorted(job.output.df()["n"]) == [10, 10]


def test_a_query_changed_while_the_job_ran_is_asked_about_at_its_start(
    workspace: Workspace,
) -> None:
    log = workspace.stream("log")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    log.append([{"ts": start, "device": "d", "temp": 1.0}])
    job = workspace.save(appended("a", start={"at": "earliest"}))
    job.start()
    until(lambda: job.view.batches)
    workspace.save(appended("a", query=COUNT.replace("sum(temp)", "min(temp)")))
    job.pause()
    with pytest.raises(so.MoveRefused, match="agree with drop_state=True"):
        job.start()
    assert job.status is Status.PAUSED
    job.start(drop_state=True)
    assert job.status is Status.RUNNING


def test_state_that_another_version_of_the_package_planned_is_looked_at_before_a_start(
    workspace: Workspace,
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    workspace.stream("log").append([{"ts": start, "device": "d", "temp": 1.0}])
    job = workspace.save(appended("a", start={"at": "earliest"}))
    job.start()
    until(lambda: job.view.batches)
    job.pause()
    with workspace._core.backend.job_file("a") as file:
        file.note("state planned by", "0.0.1")
        assert job.fits()
        file.note("state", (file.about("state") or "").replace('": "', '": "another'))
        assert job.fits().dropped == {"result": 1}
    with pytest.raises(so.MoveRefused, match=r"kept in the stage result \(1 row\) changes"):
        job.start()
    assert job.status is Status.PAUSED
    job.start(drop_state=True)
    assert job.status is Status.RUNNING


def test_what_is_no_workspace_and_what_a_job_does_not_have_is_told_with_what_there_is(
    tmp_path: Path,
) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text("name: a\n")
    with pytest.raises(so.Refused, match=r"is a file - .*so\.connect\('a\.streamops'\)\.import_"):
        so.connect(str(spec))
    with opened(tmp_path / "w") as workspace:
        job = workspace.save(plant("a"))
        with pytest.raises(AttributeError, match=r"no `resume` - `start\(\)` goes on"):
            job.resume()
        with pytest.raises(AttributeError, match=r"no `delete` - `job\.workspace\.delete"):
            job.delete()
        assert not hasattr(job, "no_such_thing")
