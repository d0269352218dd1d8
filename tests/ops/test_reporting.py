"""Running results at the door: what a job's summary and error log say, end to end."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import streamops_nb as so
from streamops_nb.engine import look
from streamops_nb.model.errorlog import entry_of
from streamops_nb.model.events import ErrorRaised
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.errorlog import ErrorLog
from streamops_nb.ops.recalling import recall
from streamops_nb.ops.workspace import Workspace
from streamops_nb.shell.results import newest_output
from streamops_nb.testing import FakeClock
from streamops_nb.ui.state.pages import sheet_of
from tests.ops.operated import COUNT, appended, opened, plant
from tests.streamops import read_json, streamops

START = datetime(2026, 1, 1, tzinfo=UTC)
HOT = f"WITH hot AS (SELECT * FROM r WHERE temp > 0.5) {COUNT.replace('tumble(r', 'tumble(hot')}"


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that happens on another thread."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def rows(*seconds: float, temp: float = 1.0) -> list[dict[str, Any]]:
    return [{"ts": START + timedelta(seconds=at), "device": "d", "temp": temp} for at in seconds]


def begun(workspace: Workspace, query: str = COUNT, **more: Any) -> so.Job:
    job = workspace.save(appended("a", query=query, start={"at": "earliest"}, **more))
    job.start()
    return job


def caught_up(job: so.Job, rows_in: int) -> None:
    until(lambda: job.view.rows_in == rows_in and job.view.total_lag == 0)


def test_a_summary_says_why_nothing_comes_out_and_then_what_does(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        workspace.stream("log").append(rows(0, 1, 4, temp=1.0) + rows(2, temp=0.0))
        job = begun(workspace, HOT, trigger={"interval": "20ms"})
        caught_up(job, 4)
        said = job.summary()
        assert said.silence == (
            "no output yet: the first window closes when the watermark passes "
            "2026-01-01 00:00:10; it is at 2026-01-01 00:00:04"
        )
        workspace.stream("log").append(rows(11, temp=1.0))
        caught_up(job, 5)
        until(lambda: job.view.rows_out == 1)
        said = job.summary()
        assert said.silence == ""
        found = {key: said["records"][key] for key in ("in", "out", "rejected", "out_of_order")}
        assert found == {"in": 5, "out": 1, "rejected": 0, "out_of_order": 1}
        stages = {row["stage"]: row for row in said["stages"]}
        assert (stages["hot"]["rows_in"], stages["hot"]["rows_out"]) == (5, 4)
        assert stages["hot"]["dropped"] == pytest.approx(0.2)
        assert stages["result"]["rows_out"] == 1
        assert said["watermark"]["at"] == "2026-01-01T00:00:11.000+00:00"
        assert said["state_rows"] == 1
        assert said["state_bytes"] > 0


def test_a_summary_survives_the_death_of_its_process(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        workspace.stream("log").append(rows(*range(25)))
        job = begun(workspace, trigger={"interval": "20ms"})
        caught_up(job, 25)
        until(lambda: job.view.rows_out == 2)
        before = job.summary().dict
    kept = ("run", "records", "stages", "watermark", "state_rows", "last_record_at")
    with opened(tmp_path / "w", resume=False) as workspace:
        after = workspace.job("a").summary().dict
        for name in kept:
            told = dict(after[name]) if isinstance(after[name], dict) else after[name]
            was = dict(before[name]) if isinstance(before[name], dict) else before[name]
            for both in (told, was):
                if isinstance(both, dict):
                    both.pop("delay", None)  # it goes on with the clock
            assert told == was
    shown = streamops("summary", "w", "a", folder=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "records    in 25  out 2" in shown.stdout
    assert read_json("summary", "w", "a", folder=tmp_path)["records"]["in"] == 25


def test_a_view_that_was_kept_is_gone_on_from_and_is_the_same_to_the_last_field(
    tmp_path: Path,
) -> None:
    clock = FakeClock(START.timestamp())
    with opened(tmp_path / "w", clock) as workspace:
        workspace.stream("log").append(rows(*range(25)))
        job = begun(workspace, trigger={"interval": "20ms", "rows": 5})
        caught_up(job, 25)
        states, catalog = workspace._core.states, workspace._core.catalog
        states.raised("a", stage="r", kind="K", message="x")
        # not while the courier delivers; then it is kept the next time
        until(lambda: states.keep(3) or catalog.kept_views(["a"]))
        workspace.stream("log").append(rows(26))
        caught_up(job, 26)
        job.pause()
        before = job.view
    with opened(tmp_path / "w", clock, resume=False) as workspace:
        catalog = workspace._core.catalog
        view, count = recall(catalog, ["a"])["a"]
        assert (view, view.errors) == (before, 1)
        # a view that another version kept is folded anew
        catalog.keep_views(catalog.place, [("a", 0, '{"job": "a"}')])
        again, all_of_them = recall(catalog, ["a"])["a"]
        assert (again.rows_in, again.rows_out, again.errors) == (26, 2, 1)
        assert count < all_of_them


def test_a_summary_of_a_job_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        workspace.save(plant("hot_minutes"))
        with pytest.raises(so.Refused, match="did you mean `hot_minutes`"):
            workspace.summary("hot_minute")


EVIL = '<script>alert("x")</script>\x1b[2J'


def test_values_in_logs_are_data_wherever_they_are_shown(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        (tmp_path / "w" / "in.jsonl").write_text(f"{EVIL}\n" * 3)
        spec = plant("a")
        spec["streams"]["r"]["source"] = {"type": "files", "path": "in.jsonl"}
        job = workspace.save(spec | {"start": {"at": "earliest"}})
        job.start()
        until(lambda: job.view.rejects == 3)
        log = job.errors()
        for page in (log._repr_html_(), job.summary()._repr_html_()):
            assert "<script>" not in page
            assert "&lt;script&gt;" in page
            assert "\x1b" not in page
        assert "\x1b" not in str(log) + str(job.summary())
        assert log.count == 3
        assert EVIL[:8] in log.entries[0].message
    shown = streamops("errors", "w", "--each", folder=tmp_path)
    assert shown.returncode == 0
    assert "\x1b" not in shown.stdout


def test_a_spreadsheet_finds_no_formula_in_a_downloaded_log(tmp_path: Path) -> None:
    error = ErrorRaised(job="a", at=1.0, stage="s", kind="@sum", message="=1+1", trace="t")
    entry = entry_of(error)
    assert entry is not None
    with ErrorLog([entry]).save(tmp_path / "log.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["kind"], row["message"]) == ("'@sum", "'=1+1")
    assert (row["at"], row["count"]) == ("1970-01-01T00:00:01.000+00:00", "1")


def test_the_error_log_is_filtered_paged_and_downloaded(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        (tmp_path / "w" / "in.jsonl").write_text("=1+1\n" * 5 + '{"ts": 1}\n')
        spec = plant("a")
        spec["streams"]["r"]["source"] = {"type": "files", "path": "in.jsonl"}
        bad = workspace.save(spec | {"start": {"at": "earliest"}, "trigger": {"rows": 2}})
        bad.start()
        until(lambda: bad.view.rejects == 6)
        gone = plant("b")
        gone["streams"]["r"]["source"] = {"type": "table", "stream": "nowhere"}
        with pytest.raises(so.SourceError, match="nowhere"):
            workspace.save(gone).start()
        log = workspace.errors()
        kinds = {(g.job, g.level, g.kind, g.count) for g in log.groups}
        assert ("b", "error", "SourceError", 1) in kinds
        assert {k for k in kinds if k[0] == "a"} == {
            ("a", "warning", "reject: decode", 5),
            ("a", "warning", "reject: decode", 1),
        }
        assert [e.job for e in workspace.errors(level="error").entries] == ["b"]
        assert workspace.errors("a", text="NOT json").count == 5
        assert workspace.errors("a", stage="elsewhere").entries == ()
        assert len(workspace.errors(since="1h")) == len(log)
        assert workspace.errors(until="1h").entries == ()
        assert workspace.errors(text="') OR true OR contains('").entries == ()
        halves = [workspace.errors(limit=2, skip=skip) for skip in (0, 2, 4)]
        assert [e for half in reversed(halves) for e in half.entries] == list(log.entries)
        pages = [log.page(number, 2) for number in (1, 2, 3, 4)]
        assert [len(page) for page in pages] == [2, 2, 1, 0]
        assert pages[0]["job"][0] == "b"
        with pytest.raises(so.Refused, match="did you mean `error`"):
            workspace.errors(level="errors")
        with pytest.raises(so.Refused, match="neither a time nor a length of time"):
            workspace.errors(since="yesterday")
        lines = log.save(tmp_path / "log.jsonl").read_text().splitlines()
        assert sum(json.loads(line)["count"] for line in lines) == 7
        with pytest.raises(so.Refused, match="csv"):
            log.save(tmp_path / "log.exe")
    # the log outlives the process, and a stop
    found = read_json("errors", "w", "a", "--each", folder=tmp_path)
    assert sum(row["count"] for row in found) == 6
    assert "reject: decode" in streamops("errors", "w", folder=tmp_path).stdout


def test_metrics_and_runs_tell_the_same_as_the_view_also_when_rolled_up(tmp_path: Path) -> None:
    clock = FakeClock(START.timestamp())
    with opened(tmp_path / "w", clock) as workspace:
        log = workspace.stream("log")
        log.append(rows(*range(25)))
        job = begun(workspace, trigger={"interval": "20ms", "rows": 5})
        caught_up(job, 25)
        job.pause(why="for a while")
        clock.advance(10)
        log.append(rows(30, 31))
        job.start()
        caught_up(job, 2)
        job.stop()
        for hours in (0, 1, 30, 24 * 100):
            clock.advance(3600 * hours)
            workspace._keeper.look()
            frame = job.metrics()
            assert (frame["rows_in"].sum(), set(frame["job"])) == (27, {"a"})
            runs = job.runs()
            assert list(runs["run"]) == [2, 1]
            assert list(runs["rows_in"]) == [2, 25]
            assert list(runs["status"]) == ["STOPPED", "PAUSED"]
            total = int(workspace.sql("SELECT sum(rows_out) AS n FROM metrics")["n"][0])
            assert total == runs["rows_out"].sum() == len(job.output)
        assert len(frame) == 2
        assert job.metrics(since="1h").empty
        assert job.compare_runs(1, 2).loc["rows_in", "times"] == pytest.approx(2 / 25)
        with pytest.raises(so.Refused, match="a has no run 7 - its runs are 1, 2"):
            job.compare_runs(1, 7)


def test_the_output_says_how_much_and_how_fresh_it_is_and_takes_questions(tmp_path: Path) -> None:
    clock = FakeClock(START.timestamp() + 60)
    with opened(tmp_path / "w", clock) as workspace:
        workspace.stream("log").append(rows(*range(25)))
        job = begun(workspace, trigger={"interval": "20ms"})
        caught_up(job, 25)
        until(lambda: job.view.rows_out == 2)
        clock.advance(90)
        out = job.output
        assert (out.count, out.freshness) == (2, 90.0)
        assert out.range == (START + timedelta(seconds=10), START + timedelta(seconds=20))
        assert out.sql("WITH o AS (FROM output) SELECT sum(n) AS n FROM o")["n"][0] == 20
        assert list(out.df(1)["n"]) == [10]
        assert repr(out) == (
            "Output of a: 2 rows, 2026-01-01 00:00:10+00:00 to 2026-01-01 00:00:20+00:00, "
            "the newest 1 min 30 s ago"
        )
        with pytest.raises(so.QueryError):
            out.sql("SELECT * FROM elsewhere")
        never = workspace.save(plant("c", sink={"type": "table", "key": ["nothing"]}))
        with pytest.raises(so.SpecRefused):
            never.start()
        with pytest.raises(so.Refused, match="`c` has no output yet - start it first"):
            never.output.df()
        silent = workspace.save(plant("b", sink={"type": "none"}))
        with pytest.raises(so.Refused, match="writes to none, not to a table"):
            silent.output.count  # noqa: B018


def test_times_that_no_calendar_of_python_reaches_are_shown_as_text(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        lines = ('{"ts": "20000-01-01T00:00:00Z"}', '{"ts": "20000-01-01T00:00:05Z"}')
        (tmp_path / "w" / "in.jsonl").write_text("\n".join(lines))
        source = {"type": "files", "path": "in.jsonl", "follow": False}
        stream = {"source": source, "schema": {"ts": "TIMESTAMPTZ"}, "max_ahead": None}
        query = "SELECT ts, 'infinity'::TIMESTAMP AS never FROM r"
        spec = {"name": "far", "streams": {"r": {**stream, "event_time": "ts"}}, "query": query}
        preview = workspace.preview(spec)
        assert "20000-01-01 00:00:00Z to 20000-01-01 00:00:05Z" in str(preview.receipt)
        assert "20000-01-01" in preview._repr_html_()
        job = workspace.save(spec)
        job.start()
        assert job.wait(30) is Status.FINISHED
        assert (repr(job.output).split(",")[0], job.output.range) == ("Output of far: 2 rows", None)
        assert "20000-01-01" in job.output._repr_html_()
        rows, columns = newest_output(workspace, "far", 5)
        assert columns == ["ts", "never"]
        assert [str(row["ts"])[:11] for row in rows] == ["20000-01-01", "20000-01-01"]
        assert sheet_of(job.output.newest(5)).page(0, 5)[0]
        assert job.start(plan=True).points


def test_rejects_are_kept_up_to_a_number_and_counted_beyond(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        lines = "not JSON\n" * 30 + '{"ts": "never"}\n' * 3
        (tmp_path / "w" / "in.jsonl").write_text(lines)
        spec = plant("a", errors={"keep": 5})
        spec["streams"]["r"]["source"] = {"type": "files", "path": "in.jsonl", "follow": False}
        job = workspace.save(spec)
        job.start()
        assert job.wait(20) == "FINISHED"
        counts = job.reject_counts()
        assert sorted(counts["count"]) == [3, 30]
        assert set(counts["kept"]) == {5}
        newest = job.rejects(limit=2)
        assert [bytes(raw).strip() for raw in newest["raw"]] == [b'{"ts": "never"}'] * 2
        assert len(job.rejects(text="NOT json")) == 2
        assert job.rejects(kind="late").empty
        assert job.errors(kind="reject: decode").count == 33


def test_a_long_job_is_counted_in_some_of_its_batches_and_says_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "_FIRST", 4)
    monkeypatch.setattr(look, "_SHARE", 0.0)
    with opened(tmp_path / "w") as workspace:
        log = workspace.stream("log")
        for second in range(0, 40, 2):
            log.append(rows(second, temp=0.0) + rows(second + 1, temp=1.0))
        job = begun(workspace, HOT, trigger={"interval": "20ms", "rows": 2})
        caught_up(job, 40)
        assert job.view.looked_rows == 8
        stages = {stage["stage"]: stage for stage in job.summary()["stages"]}
        # of every pair one passes, so the estimate is exact
        assert stages["hot"] == {
            "stage": "hot", "rows_in": 40, "rows_out": 20, "dropped": 0.5, "estimated": True,
        }  # fmt: skip
        assert stages["result"]["rows_out"] == job.view.rows_out == len(job.output)
        assert "hot: about 40 → 20, 50.0% dropped" in str(job.summary())
