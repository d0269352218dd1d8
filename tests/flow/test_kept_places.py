"""Rows that wait in a window remember the record they were made of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamops_nb.testing import Crash
from tests.flow.running import Bench, Input, Outcome, job, plain_rows

FIELDS = {"ts": "TIMESTAMPTZ", "id": "BIGINT", "txt": "VARCHAR"}
BASE = datetime(2024, 1, 1, tzinfo=UTC)
SITES = pa.table({"id": pa.array(range(100), pa.int64()), "site": [f"s{i}" for i in range(100)]})


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("places")
    pyarrow.parquet.write_table(SITES, folder / "sites.parquet")
    bench = Bench(folder)
    yield bench
    bench.close()


def _rows(texts: Sequence[str], *, first: int = 0) -> list[dict[str, Any]]:
    """One row a second."""
    return [
        {"ts": BASE + timedelta(seconds=i), "id": first + i, "txt": text}
        for i, text in enumerate(texts)
    ]


def _input(**partitions: Any) -> Input:
    settings = {"event_time": "ts", "watermark_delay": "1m"}
    return Input(fields=FIELDS, rows=partitions, settings=settings)


def _run(bench: Bench, query: str, inputs: dict[str, Input], **parts: Any) -> Outcome:
    references = {"sites": {"type": "parquet", "path": "sites.parquet"}}
    return bench.run(job(query, inputs, references=references, **parts), inputs)


def _told(outcome: Outcome) -> list[tuple[Any, ...]]:
    """Where the rejects come from, and the text that their content holds."""
    return sorted(
        (r["stream"], r["partition"], r["offset"], json.loads(r["raw"])["txt"])
        for r in outcome.rejects
    )


VALUES = "list(CAST(txt AS INTEGER) ORDER BY id) AS v"
READ_FROM = {
    "the stream": ("", "r"),
    "a filter": ("WITH f AS (SELECT * FROM readings WHERE id >= 0)", "f"),
    "a filter of a filter": (
        "WITH e AS (SELECT x.* FROM readings x WHERE id >= 0), f AS (SELECT ts, txt, id FROM e)",
        "f",
    ),
    "a join": ("WITH f AS (SELECT * FROM readings LEFT JOIN sites USING (id))", "f"),
    "a join by name": (
        "WITH f AS (SELECT r.*, s.site FROM readings r JOIN sites s ON s.id = r.id)",
        "f",
    ),
    "a star without some": (
        "WITH f AS (SELECT * EXCLUDE (id) REPLACE (txt || '' AS txt), id FROM readings)",
        "f",
    ),
    "rows made of rows": (
        "WITH f AS (SELECT *, unnest([1]) AS one FROM readings WHERE EXISTS (SELECT * FROM sites))",
        "f",
    ),
}
WINDOWS = (
    "tumble({}, ts, INTERVAL 10 SECONDS)",
    "session({}, ts, NULL, INTERVAL 3 SECONDS)",
    "hop({}, ts, INTERVAL 5 SECONDS, INTERVAL 10 SECONDS)",
)


@pytest.mark.parametrize("read_from", READ_FROM)
@pytest.mark.parametrize("window", WINDOWS)
def test_a_kept_row_that_fails_when_its_window_is_emitted_tells_its_place(
    bench: Bench, read_from: str, window: str
) -> None:
    stages, name = READ_FROM[read_from]
    over = window.format("readings" if name == "r" else name)
    query = f"{stages} SELECT window_start, window_end, {VALUES} FROM {over} GROUP BY ALL"
    source = _input(p=_rows(["1", "2", "x", "4"]), q=_rows(["5", "y"], first=10))
    found = _run(bench, query, {"readings": source}, trigger={"rows": 2})
    assert set(_told(found)) == {("readings", "p", 2, "x"), ("readings", "q", 1, "y")}
    assert {(r["stage"], r["kind"]) for r in found.rejects} == {("result", "expression")}
    good = _input(p=_rows(["1", "2"]) + _rows(["1", "2", "3", "4"])[3:], q=_rows(["5"], first=10))
    wanted = plain_rows(query, {"readings": good}, references={"sites": SITES})
    assert sorted(found.rows) == sorted(wanted)


@settings(max_examples=20)
@given(
    st.lists(st.lists(st.sampled_from(["1", "2", "x"]), max_size=12), min_size=1, max_size=3),
    st.integers(1, 7),
    st.sets(st.integers(0, 11)),
)
def test_places_outlast_batches_crashes_and_restarts(
    bench: Bench, texts: list[list[str]], rows: int, crashes: set[int]
) -> None:
    parts = {
        f"p{n}": [
            each
            for i, row in enumerate(_rows(part, first=100 * n))
            for each in ([Crash(), row] if n == 0 and i in crashes else [row])
        ]
        for n, part in enumerate(texts)
    }
    over = WINDOWS[0].format("readings")
    query = f"SELECT window_start, window_end, {VALUES} FROM {over} GROUP BY ALL"
    inputs = {"readings": _input(**parts)}
    spec = job(query, inputs, trigger={"rows": rows})
    found = bench.run(spec, inputs, restart=2)
    assert _told(found) == sorted(
        ("readings", f"p{n}", i, text)
        for n, part in enumerate(texts)
        for i, text in enumerate(part)
        if text == "x"
    )


def test_rows_of_united_streams_tell_which_stream_they_came_from(bench: Bench) -> None:
    union = " UNION ALL ".join(f"SELECT ts, id, txt FROM {name}" for name in ("b", "a", "b"))
    query = (
        f"WITH u AS ({union}) SELECT window_start, list(CAST(txt AS INTEGER) ORDER BY id) AS v "
        "FROM tumble(u, ts, INTERVAL 10 SECONDS) GROUP BY ALL"
    )
    inputs = {"a": _input(p=_rows(["1", "x"])), "b": _input(q=_rows(["y", "2", "3"], first=10))}
    found = _run(bench, query, inputs)
    # b is read twice, but one record is one reject
    assert _told(found) == [("a", "p", 1, "x"), ("b", "q", 0, "y")]
    assert found.rows == [(BASE, [1, 2, 2, 3, 3])]


def test_over_a_join_of_windows_the_row_at_fault_tells_its_place(bench: Bench) -> None:
    query = (
        "SELECT a.id AS i, b.id AS j, CAST(b.txt AS INTEGER) AS v "
        "FROM tumble(readings, ts, INTERVAL 10 SECONDS) a "
        "JOIN tumble(clicks, ts, INTERVAL 10 SECONDS) b USING (window_start)"
    )
    inputs = {"readings": _input(p=_rows(["1", "1"])), "clicks": _input(q=_rows(["4", "x", "5"]))}
    assert _told(_run(bench, query, inputs)) == [("clicks", "q", 1, "x")]


@pytest.mark.parametrize(
    "flow",
    [
        "SELECT ts, id, txt, to_json(r) AS everything FROM readings r",
        "SELECT ts, id, txt, COLUMNS('i.*') AS other FROM readings",
    ],
)
def test_a_query_that_looks_at_whole_rows_sees_no_hidden_column(bench: Bench, flow: str) -> None:
    """What cannot hide the place goes without: the reject has stage, reason and values."""
    query = (
        f"WITH f AS ({flow}) SELECT * FROM tumble(f, ts, INTERVAL 10 SECONDS) "
        "WHERE CAST(txt AS INTEGER) > 0"
    )
    inputs = {"readings": _input(p=_rows(["1", "x", "3"]))}
    found = _run(bench, query, inputs)
    good = {"readings": _input(p=[row for row in _rows(["1", "x", "3"]) if row["txt"] != "x"])}
    assert sorted(found.rows) == sorted(plain_rows(query, good))
    assert _told(found) == [(None, None, None, "x")]


def test_no_star_shows_the_place(bench: Bench) -> None:
    query = (
        "WITH f AS (SELECT *, id + 1 AS more FROM readings) "
        "SELECT * FROM tumble(f, ts, INTERVAL 10 SECONDS)"
    )
    inputs = {"readings": _input(p=_rows(["1", "2"]))}
    found = _run(bench, query, inputs)
    assert found.columns == ["ts", "id", "txt", "more", "window_start", "window_end"]
    assert sorted(found.rows) == sorted(plain_rows(query, inputs))


def test_rows_of_windows_over_windows_come_from_no_single_record(bench: Bench) -> None:
    query = (
        "WITH m AS (SELECT window_start AS s, max(txt) AS txt "
        "FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY ALL) "
        "SELECT window_start, list(CAST(txt AS INTEGER)) AS v "
        "FROM tumble(m, s, INTERVAL 1 MINUTE) GROUP BY ALL"
    )
    found = _run(bench, query, {"readings": _input(p=_rows(["1", "x"]))})
    assert _told(found) == [(None, None, None, "x")]


def test_files_are_told_by_their_name_and_byte(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    lines = [json.dumps(row, default=str) + "\n" for row in _rows(["1", "x", "3"])]
    for name in ("a", "b"):
        (tmp_path / "in" / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    bench = Bench(tmp_path)
    stream = {
        "source": {"type": "files", "path": "in/*.jsonl", "follow": False},
        "schema": FIELDS,
        "event_time": "ts",
        "format": "json",
        "watermark_delay": "1m",
        "max_ahead": None,
    }
    query = f"SELECT window_start, window_end, {VALUES} FROM {WINDOWS[0].format('r')} GROUP BY ALL"
    spec = job(query, {"r": Input(fields=FIELDS, rows={}, settings=stream)})
    database = bench.attach()
    runner = bench.runner(spec, {}, database)
    while runner.step() is not None:
        pass
    outcome = bench.outcome(runner, database)
    runner.close()
    bench.close()
    told = sorted((r["partition"], r["offset"]) for r in outcome.rejects)
    assert [offset for _, offset in told] == [len(lines[0])] * 2
    assert [Path(name).name for name, _ in told] == ["a.jsonl", "b.jsonl"]
