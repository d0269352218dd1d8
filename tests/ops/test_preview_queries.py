"""Queries and specifications that are no jobs are previewed too, with and without a workspace."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import streamops_nb as so
from streamops_nb.ops.workspace import Workspace
from tests.ops.operated import appended, opened

FRAME = pd.DataFrame(
    {
        "ts": pd.date_range("2026-01-01", periods=60, freq="s", tz="UTC"),
        "device": ["a", "b", "c"] * 20,
        "temp": [float(n) for n in range(60)],
    }
)
COUNTED = "SELECT window_start, count(*) AS n FROM tumble(r, ts, INTERVAL 30 SECONDS) GROUP BY ALL"


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path) as workspace:
        workspace.stream("log").append(pa.Table.from_pandas(FRAME, preserve_index=False))
        workspace.save(appended("one"))
        yield workspace


def test_a_query_runs_over_given_rows_without_a_workspace() -> None:
    preview = so.preview(COUNTED, data=FRAME)
    assert sorted(preview.df["n"]) == [30, 30]
    assert set(preview.df["_window"]) == {"complete"}
    with pytest.raises(so.QueryRefused, match="over an endless stream is never complete"):
        preview.run(query="SELECT max(temp) OVER () AS m FROM r")
    filtered = so.preview("FROM r WHERE temp > $t", data={"r": FRAME}, params={"t": 57.5})
    assert list(filtered.df["temp"]) == [58.0, 59.0]
    again = so.preview("SELECT device FROM r WHERE temp < 2", sample=filtered.sample)
    assert list(again.df["device"]) == ["a", "b"]


def test_a_query_runs_over_a_file(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "r.csv")
    preview = so.preview(COUNTED, data="r.csv", folder=tmp_path)
    assert sorted(preview.df["n"]) == [30, 30]
    (tmp_path / "r.csv").write_text("ts,temp\n2026-01-01T00:00:00Z,1\n2026-01-01T00:00:01Z,x\n")
    assert len(so.preview("SELECT * FROM r", data="r.csv", folder=tmp_path).df) == 2


def test_a_specification_runs_without_a_workspace(tmp_path: Path) -> None:
    preview = so.preview(appended("loose", query=COUNTED), data=FRAME)
    assert sorted(preview.df["n"]) == [30, 30]
    assert "no sink, consumer group, position" in str(preview.receipt)
    preview.sample.to_parquet(tmp_path / "kept")
    again = so.preview(appended("loose", query=COUNTED), sample=str(tmp_path / "kept"))
    assert again.table.equals(preview.table)


def test_the_event_time_is_named_if_there_are_two_columns_of_times() -> None:
    two = FRAME.assign(seen=FRAME["ts"] + pd.Timedelta(days=1))
    with pytest.raises(so.QueryRefused, match="declare `event_time` for a stream"):
        so.preview(COUNTED, data=two)
    named = so.preview(COUNTED, data=two, event_time={"r": "ts"})
    assert sorted(named.df["n"]) == [30, 30]


def test_a_query_reads_the_streams_and_references_of_the_jobs(
    ws: Workspace, tmp_path: Path
) -> None:
    pd.DataFrame({"device": ["a"], "site": ["north"]}).to_csv(tmp_path / "sites.csv", index=False)
    sites = {"sites": {"type": "csv", "path": "sites.csv"}}
    query = "SELECT device, site FROM r JOIN sites USING (device)"
    ws.save(appended("two", query=query, references=sites))
    upper = ws.preview("SELECT site FROM R JOIN sites USING (device) WHERE temp < 6")
    assert list(upper.df["site"]) == ["north", "north"]
    plain = ws.preview("-- a note\n SELECT site, temp FROM r JOIN sites USING (device)", rows=3)
    assert list(plain.df["site"]) == ["north"]
    assert list(ws.jobs) == ["one", "two"]


def test_a_stream_that_jobs_declare_differently_is_refused_by_their_names(ws: Workspace) -> None:
    ws.save(appended("other", stream="elsewhere"))
    with pytest.raises(so.Refused, match="`r` is declared differently by the jobs one, other"):
        ws.preview("SELECT * FROM r")
    assert len(ws.preview("SELECT * FROM r", data={"r": FRAME}).df) == 60
    assert len(ws.preview("SELECT * FROM r", sample=ws.preview("one").sample).df) == 60


@pytest.mark.parametrize(
    ("query", "how", "told"),
    [
        ("SELECT * FROM q", {}, r"there is no stream `q` - accepted: `r`; or give rows"),
        ("SELECT 1", {}, "the query reads no stream - give rows"),
        ("SELECT * FROM r WHERE", {}, "query 1:17: syntax error at or near"),
        ("SELECT * FROM r; DROP TABLE r", {}, "2 statements found|job's query is one SELECT"),
        ("SELECT * FROM a, b", {"data": FRAME}, "the query reads 2 relations"),
        (
            "FROM a",
            {"data": FRAME, "event_time": "tz"},
            r"no column `tz` - accepted: `device`, `temp` or `ts`",
        ),
        ("FROM a", {"data": {"a": [1]}}, "a list holds no rows for the stream `a`"),
    ],
)
def test_a_query_that_cannot_be_previewed_is_refused_with_what_would_do(
    ws: Workspace, query: str, how: dict[str, Any], told: str
) -> None:
    with pytest.raises(so.Refused, match=told):
        ws.preview(query, **how)


def test_rows_that_were_given_make_no_job(ws: Workspace) -> None:
    preview = ws.preview("SELECT * FROM given_rows", data=FRAME)
    with pytest.raises(so.SpecRefused, match="given"):
        ws.save(preview.spec)


def test_a_first_preview_in_a_fresh_interpreter_needs_nothing_but_the_package() -> None:
    code = (
        "import streamops_nb as so, pandas as pd; frame = pd.DataFrame({'x': [1, 2]});"
        "print(so.preview('SELECT x + 1 AS y FROM r', data=frame).df['y'].sum())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "5\n"
