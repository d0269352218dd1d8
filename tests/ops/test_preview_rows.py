"""Which rows a preview runs on: every way to choose them, and what is told of the choice."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import streamops_nb as so
from streamops_nb.engine.preview.sample import Sample
from streamops_nb.model.events import BatchCommitted, ErrorRaised
from streamops_nb.ops.workspace import Workspace
from tests.ops.operated import appended, opened, plant

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path) as workspace:
        workspace.save(appended("all", query="SELECT device, temp FROM r"))
        yield workspace


def rows(begin: int, end: int, device: str = "") -> list[dict[str, Any]]:
    """Rows one second apart; the temperature is the number of the row."""
    return [
        {
            "ts": EPOCH + timedelta(seconds=n),
            "device": device or f"d{n % 3}",
            "temp": float(n),
        }
        for n in range(begin, end)
    ]


def append(ws: Workspace, *batches: list[dict[str, Any]], stream: str = "log") -> None:
    for batch in batches:
        ws.stream(stream).append(batch, schema=FIELDS)


def one_by_one(begin: int, end: int, device: str = "") -> list[list[dict[str, Any]]]:
    return [[row] for row in rows(begin, end, device)]


def temps(preview: Any) -> list[float]:
    return list(preview.df["temp"])


def drawn(sample: Sample, stream: str = "r") -> tuple[str, bool, bool]:
    found = sample.streams[stream]
    return found.truncated, found.begins, found.ends


def test_the_latest_rows_say_whether_more_lay_before_them(ws: Workspace) -> None:
    append(ws, *one_by_one(0, 5))
    assert temps(ws.preview("all", rows=3)) == [2.0, 3.0, 4.0]
    assert drawn(ws.preview("all", rows=3).sample) == ("rows", False, False)
    assert temps(ws.preview("all", rows=5)) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert drawn(ws.preview("all", rows=5).sample) == ("", True, False)


def test_of_an_append_that_is_cut_the_newest_rows_are_taken(ws: Workspace) -> None:
    append(ws, rows(0, 4), rows(4, 8))
    preview = ws.preview("all", rows=6)
    assert temps(preview) == [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    assert drawn(preview.sample) == ("rows", False, False)


def test_the_last_length_of_time_is_one_of_event_time(ws: Workspace) -> None:
    append(ws, *one_by_one(0, 100))
    preview = ws.preview("all", last="10s")
    assert temps(preview) == [float(n) for n in range(89, 100)]
    assert drawn(preview.sample) == ("", False, False)
    assert preview.sample.how == "last 10s"


def test_of_a_length_of_time_that_holds_too_many_the_newest_are_taken_and_that_is_told(
    ws: Workspace,
) -> None:
    append(ws, *one_by_one(0, 30))
    cut = ws.preview("all", last="1h", rows=10)
    assert temps(cut) == [float(n) for n in range(20, 30)]
    assert drawn(cut.sample) == ("rows", False, False)
    exact = ws.preview("all", last="9s", rows=10)
    assert temps(exact) == [float(n) for n in range(20, 30)]
    assert drawn(exact.sample) == ("", False, False)


def test_rows_between_positions_and_between_times_are_half_open(ws: Workspace) -> None:
    append(ws, *one_by_one(0, 10))
    first = ws.preview("all").sample.streams["r"].span.slices[0].start
    places = {"since": {"r": {"0": first + 2}}, "until": {"r": {"0": first + 4}}}
    assert temps(ws.preview("all", **places)) == [2.0, 3.0]
    times = {"since": EPOCH + timedelta(seconds=7), "until": "2026-01-01T00:00:09Z"}
    assert temps(ws.preview("all", **times)) == [7.0, 8.0]
    assert temps(ws.preview("all", until=EPOCH + timedelta(seconds=2))) == [0.0, 1.0]
    assert temps(ws.preview("all", since=EPOCH + timedelta(seconds=8))) == [8.0, 9.0]


def test_the_next_rows_are_waited_for_until_there_are_enough(ws: Workspace) -> None:
    append(ws, *one_by_one(0, 3))
    writer = threading.Timer(0.2, lambda: append(ws, *one_by_one(3, 6)))
    writer.start()
    preview = ws.preview("all", live=True, rows=3, seconds=30)
    writer.join()
    assert temps(preview) == [3.0, 4.0, 5.0]
    assert drawn(preview.sample) == ("rows", False, False)


def test_a_stream_on_which_nothing_comes_ends_the_wait_at_the_time_limit(ws: Workspace) -> None:
    append(ws, *one_by_one(0, 3))
    preview = ws.preview("all", live=True, seconds=0.2)
    assert temps(preview) == []
    assert drawn(preview.sample) == ("", False, False)
    assert preview.sample.how == "next 1,000 rows, waited 0.2 s"


def test_a_batch_of_the_job_is_previewed_by_its_number(ws: Workspace) -> None:
    append(ws, *one_by_one(0, 5))
    ws.save(appended("counted", query="SELECT device, temp FROM r", trigger={"rows": 2}))
    ws.start("counted", at="earliest")
    while ws.view("counted").batch < 3:
        time.sleep(0.01)
    ws.pause("counted")
    batches = [e for e in ws.events("counted") if isinstance(e, BatchCommitted)]
    preview = ws.preview("counted", batch=2)
    assert temps(preview) == [2.0, 3.0]
    assert preview.sample.streams["r"].span == batches[1].spans["r"]
    with pytest.raises(so.SpecRefused, match=r"nothing is known of a batch the number 99"):
        ws.preview("counted", batch=99)


def test_a_batch_that_failed_is_previewed_from_its_error(ws: Workspace) -> None:
    append(ws, *one_by_one(0, 4))
    cast = "SELECT CAST(CASE WHEN temp = 2 THEN 'x' ELSE '1' END AS INTEGER) AS n, temp FROM r"
    ws.save(appended("bad", query=cast, errors={"policy": "fail"}))
    ws.start("bad", at="earliest")
    ws.job("bad").wait(30)
    error = [e for e in ws.events("bad") if isinstance(e, ErrorRaised)][-1]
    for preview in (ws.preview("bad", batch=error.batch), ws.preview("bad", error=error)):
        assert temps(preview) == [0.0, 1.0, 3.0]
        assert len(preview.rejects) == 1
        assert preview.sample.how == f"batch {error.batch}, which failed"


def test_rejects_of_a_job_are_previewed_under_a_changed_query(ws: Workspace) -> None:
    append(ws, *one_by_one(0, 4))
    cast = "SELECT CAST(CASE WHEN temp > 1 THEN 'x' ELSE '1' END AS INTEGER) AS n, temp FROM r"
    ws.save(appended("strict", query=cast))
    with pytest.raises(so.SpecRefused, match="keeps no rejects"):
        ws.preview("strict", rejects=True)
    ws.start("strict", at="earliest")
    while ws.view("strict").batch < 1:
        time.sleep(0.01)
    ws.pause("strict")
    preview = ws.preview("strict", rejects=True)
    assert (temps(preview), len(preview.rejects)) == ([], 2)
    mended = preview.run(query="SELECT temp FROM r")
    assert (temps(mended), len(mended.rejects)) == ([2.0, 3.0], 0)
    one = ws.job("strict").rejects().head(1)
    assert len(temps(ws.preview("strict", rejects=one).run(query="SELECT temp FROM r"))) == 1


def test_frames_and_files_that_are_given_are_the_whole_input(ws: Workspace, tmp_path: Path) -> None:
    frame = pd.DataFrame(rows(0, 4))
    frame.to_csv(tmp_path / "r.csv", index=False)
    frame.to_parquet(tmp_path / "r.parquet")
    frame.to_json(tmp_path / "r.jsonl", orient="records", lines=True, date_format="iso")
    given: list[Any] = [frame, pa.Table.from_pandas(frame), "r.csv", "r.parquet", "r.jsonl"]
    given += [tmp_path / "r.csv", {"r": frame}]
    for data in given:
        preview = ws.preview("all", data=data)
        assert temps(preview) == [0.0, 1.0, 2.0, 3.0]
        assert drawn(preview.sample) == ("", True, True)
        assert len(preview.rejects) == 0


def test_a_bad_line_of_a_given_file_is_a_reject_and_the_others_go_on(
    ws: Workspace, tmp_path: Path
) -> None:
    lines = ["ts,device,temp", "2026-01-01T00:00:00Z,d0,1", "2026-01-01T00:00:01Z,d1,warm"]
    (tmp_path / "r.csv").write_text("\n".join([*lines, "2026-01-01T00:00:02Z,d2,3", ""]))
    preview = ws.preview("all", data="r.csv")
    assert temps(preview) == [1.0, 3.0]
    assert list(preview.rejects["raw"]) == [b"2026-01-01T00:00:01Z,d1,warm\n"]


def test_rows_that_are_made_up_are_the_same_for_the_same_seed(ws: Workspace) -> None:
    ws.save(plant("typed", query="SELECT * FROM r"))
    one, same, other = (ws.preview("typed", seed=seed, rows=200) for seed in (1, 1, 2))
    assert one.table.num_rows == 200
    assert one.table.equals(same.table)
    assert not one.table.equals(other.table)
    assert one.df["device"].nunique() == 8


def test_rare_keys_appear_in_a_sample_by_strata_and_that_is_told(ws: Workspace) -> None:
    append(ws, rows(0, 5, "rare"), rows(5, 300, "common"), rows(300, 302, "new"))
    assert set(ws.preview("all", rows=50).df["device"]) == {"common", "new"}
    preview = ws.preview("all", rows=50, strata="device")
    assert dict(preview.df["device"].value_counts()) == {"common": 43, "rare": 5, "new": 2}
    covered = preview.sample.streams["r"].coverage
    assert (covered.keys, covered.keys_seen, covered.looked_at) == (3, 3, 302)
    told = "3 of 3 values of device, 2026-01-01 00:00:00Z to 2026-01-01 00:05:01Z"
    assert f"r 50 of more ({told})" in repr(preview)
    assert f"read r: 50 records, {told} (latest 50 rows)" in str(preview.receipt)
    # whatever window a left-out row lies in is not whole
    assert preview.sample.streams["r"].cut == micros(EPOCH + timedelta(seconds=256)) + 1


def test_records_that_do_not_decode_are_no_key_of_their_own(ws: Workspace) -> None:
    lines = [json.dumps({"ts": f"2026-01-01T00:00:0{n}Z", "device": f"d{n}"}) for n in range(3)]
    (ws.folder / "in.jsonl").write_text("\n".join([*lines, "broken", "{}{", ""]))
    source = {"type": "files", "path": "in.jsonl"}
    fields = {"ts": "TIMESTAMPTZ", "device": "VARCHAR"}
    stream = {"source": source, "schema": fields, "event_time": "ts", "max_ahead": None}
    spec = {"name": "keyed", "streams": {"r": stream}, "query": "SELECT * FROM r"}
    preview = ws.preview(spec, rows=4, strata="device")
    covered = preview.sample.streams["r"].coverage
    assert (covered.keys, covered.keys_seen, len(preview.rejects)) == (3, 3, 1)


def micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


TWO = """
    WITH a AS (SELECT window_start, count(*) AS n FROM tumble(r, ts, INTERVAL 10 SECONDS)
               GROUP BY ALL),
         b AS (SELECT window_start, count(*) AS m FROM tumble(q, ts, INTERVAL 10 SECONDS)
               GROUP BY ALL)
    SELECT a.window_start, n, m FROM a JOIN b ON a.window_start = b.window_start"""


def two(ws: Workspace) -> None:
    """A job that joins a dense stream with a sparse one."""
    first = appended("joined", query=TWO)
    second = appended("other", stream="sparse")["streams"]["r"]
    ws.save({**first, "streams": {**first["streams"], "q": second}})


def test_several_streams_are_drawn_over_the_same_event_times(ws: Workspace) -> None:
    two(ws)
    append(ws, rows(0, 1_000))
    append(ws, *([row] for row in rows(0, 1_000)[::10]), stream="sparse")
    preview = ws.preview("joined", rows=60)
    counts = {name: d.raw.num_rows for name, d in preview.sample.streams.items()}
    assert counts == {"r": 60, "q": 6}
    assert preview.sample.how == (
        "latest 60 rows, all streams from event time 2026-01-01 00:15:40 on"
    )
    assert [tuple(row) for row in preview.df[["n", "m"]].to_numpy()] == [(10, 1)] * 6


def test_a_stream_that_is_ahead_is_read_from_where_the_others_are(ws: Workspace) -> None:
    two(ws)
    append(ws, *one_by_one(0, 200))
    append(ws, rows(0, 50), stream="sparse")
    preview = ws.preview("joined", rows=40)
    windows = preview.df
    assert len(windows) >= 3
    assert (windows["n"] == 10).all()
    spread = preview.sample.streams["r"].coverage
    assert spread.first == micros(EPOCH + timedelta(seconds=10))


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"last": "10"}, r'last: "10" is not a length of time - a unit is missing: write "10s"'),
        ({"last": "0s"}, "last: no time is no length"),
        ({"rows": 0}, "rows: the number 0 is no limit - give a number above 0"),
        ({"seconds": -1}, "seconds: the number -1 is no limit"),
        ({"nbytes": "lots"}, 'nbytes: "lots" is not a size'),
        ({"last": "1m", "live": True}, "`last` and `live` are two ways to choose rows"),
        ({"seed": 1, "strata": "device"}, "the latest rows can be chosen by `device`"),
        ({"strata": "devise"}, "no stream has a field `devise` - did you mean `device`?"),
        ({"since": "yesterday"}, 'since: the text "yesterday" is not a start point'),
        ({"since": {"x": {"0": 1}}}, "since: there is no stream `x` - streams: r"),
        ({"data": {"x": []}}, "data: the query reads no stream `x` - accepted: `r`"),
        ({"data": [1]}, r"data\.r: a list holds no rows for the stream `r`"),
        ({"data": "gone.csv"}, "there is no file .*gone.csv"),
        ({"data": "rows.xlsx"}, r"is not a file of rows - accepted: `\.csv`"),
        ({"error": 3}, "error: the number 3 tells of no batch"),
        ({"rejects": pd.DataFrame({"a": [1]})}, "they have no column `stream`"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(
    ws: Workspace, how: dict[str, Any], told: str
) -> None:
    append(ws, rows(0, 3))
    with pytest.raises(so.SpecRefused, match=told):
        ws.preview("all", **how)


def test_a_job_that_is_not_saved_has_no_batches_and_no_rejects(ws: Workspace) -> None:
    with pytest.raises(so.SpecRefused, match="`loose` is not saved as a job: it has no batch"):
        ws.preview(appended("loose", query="SELECT temp FROM r"), batch=1)


def test_the_bytes_that_are_drawn_are_bounded_and_the_newest_are_kept(ws: Workspace) -> None:
    ws.save(plant("small", source={"rate": 1_000}))
    everything, few = (ws.preview("small", nbytes=size).sample for size in ("1MB", "10KB"))
    assert (everything.rows, everything.streams["r"].truncated) == (1_000, "rows")
    assert 10 <= few.rows < 100
    assert few.streams["r"].truncated == "bytes"
    [before], [after] = (s.streams["r"].span.slices for s in (everything, few))
    assert after.stop >= before.stop
