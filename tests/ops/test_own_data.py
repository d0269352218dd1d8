"""What people with data of their own run into: names, paths, times and values that do not fit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import streamops_nb as so
from tests.ops.operated import opened

CLICKS = "ts,page,ms\n31/12/2025 08:00,/,21\n31/12/2025 08:30,/buy,190\n31/12/2025 09:10,/,35\n"
FORM = "TIMESTAMPTZ('%d/%m/%Y %H:%M')"
HOURS = (
    "SELECT window_start, count(*) AS n FROM tumble(clicks, ts, INTERVAL 1 HOUR) "
    "GROUP BY window_start"
)


def clicks(query: str = HOURS, path: str = "../clicks/*.csv", **schema: str) -> so.Job:
    stream = {
        "source": {"type": "files", "path": path},
        "schema": {"ts": FORM, "page": "VARCHAR", **schema},
        "event_time": "ts",
    }
    return so.Job(name="hours", streams={"clicks": stream}, query=query)


def written(folder: Path) -> None:
    (folder / "clicks").mkdir()
    (folder / "clicks" / "a.csv").write_text(CLICKS)


def refused(do: Any) -> str:
    with pytest.raises(so.Refused) as caught:
        do()
    return str(caught.value)


def test_a_job_runs_over_times_in_a_form_of_their_own(tmp_path: Path) -> None:
    written(tmp_path)
    with opened(tmp_path / "w") as workspace:
        job = workspace.save(clicks())
        assert job.preview().df["n"].tolist() == [2, 1]
        job.start(at=datetime(2025, 12, 31, 8, 15, tzinfo=UTC), cut_off="lookback")
        job.wait("30s", rows=1)
        assert job.output.df()[["window_start", "n"]].to_numpy().tolist() == [
            [pd.Timestamp("2025-12-31T08:00Z"), 2]
        ]


def test_times_of_an_inferred_schema_are_refused_with_the_schema_to_declare(tmp_path: Path) -> None:
    written(tmp_path)
    with opened(tmp_path / "w") as workspace:
        data = clicks().model_dump(mode="json")
        data["streams"]["clicks"]["schema"] = "infer"
        assert refused(lambda: workspace.preview(data)) == (
            "streams.clicks.event_time: `ts` is of type VARCHAR - most values are "
            f"{FORM}: declare `schema: {{ts: {FORM}, page: VARCHAR, ms: BIGINT}}`"
        )


def test_a_field_that_no_record_has_is_told_by_the_running_job(tmp_path: Path) -> None:
    written(tmp_path)
    with opened(tmp_path / "w") as workspace:
        job = workspace.save(clicks("SELECT ts, millis FROM clicks", millis="DOUBLE"))
        job.start(at="earliest")
        job.wait("30s", rows=3)
        said = "`millis` is NULL in all of the first 3 records: do they call it so?"
        assert job.view.unfilled == {"clicks": said}
        assert f"\n           clicks: {said}\n" in str(job.summary())
        entries = job.errors().df[["level", "stage", "kind", "message"]].to_numpy().tolist()
        assert entries == [["warning", "clicks", "field without values", said]]
        assert len(job.errors(level="warning")) == 1
    with opened(tmp_path / "w", resume=False) as workspace:  # recalled from what is stored
        assert workspace.view("hours").unfilled == {"clicks": said}


def test_a_field_that_gets_a_value_later_is_not_missed_any_longer(tmp_path: Path) -> None:
    written(tmp_path)
    spec = clicks("SELECT ts, millis FROM clicks", millis="DOUBLE", ref="VARCHAR")
    with opened(tmp_path / "w") as workspace:
        job = workspace.save(spec)
        job.start(at="earliest")
        job.wait("30s", rows=3)
        said = "`millis`, `ref` are NULL in all of the first 3 records: do they call them so?"
        assert job.view.unfilled == {"clicks": said}
        (tmp_path / "clicks" / "b.csv").write_text("ts,page,millis\n31/12/2025 10:00,/,7\n")
        job.wait("30s", rows=4)
        left = "`ref` is NULL in all of the first 4 records: do they call it so?"
        assert job.view.unfilled == {"clicks": left}
        (tmp_path / "clicks" / "c.csv").write_text("ts,page,ref\n31/12/2025 11:00,/,x\n")
        job.wait("30s", rows=5)
        assert job.view.unfilled == {}
        entries = job.errors().df[["level", "kind", "message"]].to_numpy().tolist()
        assert sorted(entries) == [
            ["info", "field has values", "`millis`: a value came after 3 records"],
            ["info", "field has values", "`ref`: a value came after 4 records"],
            ["warning", "field without values", said],
            ["warning", "field without values", left],
        ]
    with opened(tmp_path / "w", resume=False) as workspace:  # recalled from what is stored
        assert workspace.view("hours").unfilled == {}


def test_a_pattern_without_a_file_is_told_by_preview_and_job(tmp_path: Path) -> None:
    written(tmp_path)
    with opened(tmp_path / "w") as workspace:
        job = workspace.save(clicks(path="../clicks/*.txt"))
        told = "clicks: no file matches `../clicks/*.txt` - a relative path starts at the workspace"
        assert told in str(job.preview())
        job.start()
        job.wait(0.2)
        assert job.summary().silence.endswith(
            f"; clicks: no file matches {tmp_path / 'clicks' / '*.txt'}"
        )
        data = clicks(path="../clicks/*.txt").model_dump(mode="json")
        data["streams"]["clicks"]["schema"] = "infer"
        assert "streams.clicks.source.path: no file matches `../clicks/*.txt` yet" in refused(
            lambda: workspace.preview(data)
        )


def test_a_frame_with_times_as_text_is_refused_with_what_to_do() -> None:
    frame = pd.DataFrame({"ts": ["2025-12-31T08:00:00", "2025-12-31T08:30:00"]})
    query = "SELECT window_start, count(*) AS n FROM tumble(r, ts, INTERVAL 1 HOUR) GROUP BY ALL"
    said = refused(lambda: so.preview(query, data=frame))
    assert "`ts` is of type VARCHAR, and the time of tumble() is an event time" in said
    assert 'frame["ts"] = pd.to_datetime(frame["ts"])' in said
    assert so.preview(query, data=frame, event_time="ts").df["n"].tolist() == [2]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("*.csv", "*.csv is a pattern, and what is given is one file - give the file or a frame"),
        ("none.csv", "none.csv - correct the path, or give a frame"),
        (5, "the number 5 holds no rows for the stream `r` - give a pandas DataFrame"),
    ],
)
def test_what_is_no_data_is_refused_with_what_to_give(given: Any, said: str) -> None:
    assert said in refused(lambda: so.preview("SELECT * FROM r", data=given))


def test_values_of_another_kind_are_refused_in_words(tmp_path: Path) -> None:
    written(tmp_path)
    with opened(tmp_path / "w") as workspace:
        job = workspace.save(clicks())
        job.start(at="earliest")
        job.wait("30s", rows=1)
        asked: dict[str, Any] = {
            'seconds: the text "five" is no length of time - give seconds, such as 5, '
            'or "5s", "2m"':
                lambda: job.wait("five"),
            'rows: the text "five" is not what is counted - give a whole number from 0 on':
                lambda: job.output.df("five"),  # type: ignore[arg-type]
            "rows: the number -1 is not what is counted - give a whole number from 0 on":
                lambda: job.output.df(-1),
            "limit: the number 2.5 is not what is counted - give a whole number from 0 on":
                lambda: job.errors(limit=2.5),
            'version: the text "x" is not what is counted - give a whole number from 1 on':
                lambda: job.config("x"),  # type: ignore[arg-type]
            "params: the number 5 is no values - give a mapping, {'threshold': 30}":
                lambda: job.preview(params=5),
            "the number 5 is no job - give YAML text, the path of a YAML file, a mapping, "
            "or so.Job(…)":
                lambda: workspace.save(5),  # type: ignore[arg-type]
            "there is no job `5` in this workspace - accepted: `hours`":
                lambda: workspace.start(5),  # type: ignore[arg-type]
            "rows: the number 5 is no rows - give a DataFrame, an Arrow table, or a list of dicts":
                lambda: workspace.stream("log").append(5),  # type: ignore[arg-type]
            'name: the text "../log" is no name of a stream - letters, digits, _, - and blanks, '
            "for example `clicks`":
                lambda: workspace.stream("../log"),
        }  # fmt: skip
        assert [refused(do) for do in asked.values()] == list(asked)
        assert workspace.stream("log").append([{"n": 1}, {"n": 2}]) == 2


def test_a_refused_action_names_the_job_what_it_is_and_what_is_allowed(tmp_path: Path) -> None:
    written(tmp_path)
    with opened(tmp_path / "w") as workspace:
        job = workspace.save(clicks())
        assert refused(job.pause) == "hours: no pause while it is PUBLISHED - allowed now: start"
        job.start()
        assert refused(job.start) == "hours: it is RUNNING already - allowed now: pause, stop"


def test_a_closed_workspace_says_so(tmp_path: Path) -> None:
    written(tmp_path)
    with opened(tmp_path / "w") as workspace:
        job = workspace.save(clicks())
    folder = tmp_path / "w"
    with pytest.raises(so.StorageError, match=f"{folder} is closed - so.connect opens it again"):
        job.status  # noqa: B018
    assert repr(job) == "Job('hours', its workspace is closed)"
    assert repr(workspace) == f"Workspace({str(folder)!r}: closed)"


def test_a_folder_whose_files_all_are_csv_or_parquet_is_read_as_that(tmp_path: Path) -> None:
    for kind in ("csv", "parquet"):
        (tmp_path / kind).mkdir()
    at = [pd.Timestamp("2026-11-20T08:00Z"), pd.Timestamp("2026-11-20T08:01Z")]
    frame = pd.DataFrame({"ts": at, "n": [1, 2]})
    frame.to_parquet(tmp_path / "parquet" / "a.parquet")
    frame.to_csv(tmp_path / "csv" / "a.csv", index=False)
    with opened(tmp_path / "w") as workspace:
        for kind in ("csv", "parquet"):
            stream = {"source": {"type": "files", "path": f"../{kind}", "follow": False}}
            spec = {"name": kind, "streams": {"r": stream}, "query": "SELECT ts, n FROM r"}
            assert workspace.preview(spec).df["n"].tolist() == [1, 2]
            job = workspace.save(spec)
            job.start()
            job.wait("30s")
            assert job.output.df()["n"].tolist() == [1, 2]


def test_a_header_that_is_not_utf_8_is_refused_where_the_schema_is_inferred(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Gerät,n\nx,1\n", encoding="latin-1")
    stream: dict[str, Any] = {"source": {"type": "files", "path": "../a.csv"}}
    spec = {"name": "a", "streams": {"r": stream}, "query": "SELECT * FROM r"}
    with opened(tmp_path / "w") as workspace:
        assert refused(lambda: workspace.preview(spec)) == (
            "streams.r.format: the header is not utf-8: it has a field `Ger\ufffdt` - name it in "
            "the format, for example `encoding: cp1252` (Windows) or `latin-1`"
        )
        stream["format"] = {"type": "csv", "encoding": "latin-1"}
        assert workspace.preview(spec).df.columns.tolist() == ["Gerät", "n"]


def test_the_reject_that_most_records_are_is_told_and_of_a_wrong_unit_the_right_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.jsonl").write_text('broken\n{"at": 1795168867250}\n{"at": 1795168867251}\n')
    stream = {"source": {"type": "files", "path": "../a.jsonl"}, "event_time": "at"}
    spec = {"name": "a", "streams": {"r": stream}, "query": "SELECT * FROM r"}
    with opened(tmp_path / "w") as workspace:
        said = str(
            workspace.preview({**spec, "streams": {"r": stream | {"schema": {"at": "EPOCH_S"}}}})
        )
        assert (
            "all 3 records are rejects, 2 of them like this one: at: the event time 58856-" in said
        )
        assert "is a number of a smaller unit - declare EPOCH_MS instead of EPOCH_S" in said
        assert refused(lambda: workspace.preview(spec)) == (
            "streams.r.event_time: `at` is of type BIGINT - most values are EPOCH_MS: declare "
            "`schema: {at: EPOCH_MS}`"
        )
        kept = {**spec, "streams": {"r": stream | {"schema": {"at": "EPOCH_MS"}}}}
        assert len(workspace.preview(kept).df) == 2
