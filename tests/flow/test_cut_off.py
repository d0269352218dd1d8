"""Windows that a start point cut off, emitted with a mark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamops_nb.model.errors import QueryRefused, SpecRefused
from streamops_nb.model.start import Start
from streamops_nb.testing import Crashed
from tests.flow.growing import GrowingSource
from tests.flow.running import Batch, Bench, Input, Outcome, arrow_schema, job

FIELDS = {"ts": "TIMESTAMPTZ", "id": "BIGINT", "device": "VARCHAR"}
BASE = datetime(2024, 1, 1, tzinfo=UTC)
BOUNDS = "window_start, window_end"
FIVES = (
    "f AS (SELECT {bound} AS t, count(*) AS n FROM tumble(clicks, ts, INTERVAL 5 SECONDS) "
    "GROUP BY ALL)"
)
TENS = (
    f"m AS (SELECT {BOUNDS}, count(*) AS n FROM tumble(readings, ts, INTERVAL 10 SECONDS) "
    f"GROUP BY ALL), k AS (SELECT {BOUNDS}, sum(n) AS n FROM tumble(f, t, INTERVAL 10 SECONDS) "
    "GROUP BY ALL)"
)
ENDS, STARTS = (FIVES.format(bound=f"window_{bound}") for bound in ("end", "start"))

# a query whose first column is the window's start, and by how much windows must begin later than
# the cut to be whole
QUERIES: dict[str, tuple[str, int]] = {
    "partial states": (
        (
            f"SELECT {BOUNDS}, device, count(*) AS n "
            "FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY ALL"
        ),
        0,
    ),
    "rows": (
        (
            f"SELECT {BOUNDS}, list(id ORDER BY id) AS ids "
            "FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY ALL"
        ),
        0,
    ),
    "hop": (
        (
            f"SELECT {BOUNDS}, count(*) AS n "
            "FROM hop(readings, ts, INTERVAL 4 SECONDS, INTERVAL 10 SECONDS) GROUP BY ALL"
        ),
        0,
    ),
    "cumulate": (
        (
            f"SELECT {BOUNDS}, list(id ORDER BY id) AS ids "
            "FROM cumulate(readings, ts, INTERVAL 5 SECONDS, INTERVAL 20 SECONDS) GROUP BY ALL"
        ),
        0,
    ),
    "sessions": (
        (
            f"SELECT {BOUNDS}, device, list(id ORDER BY id) AS ids "
            "FROM session(readings, ts, device, INTERVAL 4 SECONDS) GROUP BY ALL"
        ),
        4,
    ),
    "windows over windows by their end": (
        (
            f"WITH {ENDS} SELECT {BOUNDS}, sum(n) AS n FROM tumble(f, t, INTERVAL 20 SECONDS) "
            "GROUP BY ALL"
        ),
        5,
    ),
    "windows over windows by their start": (
        (
            f"WITH {STARTS} SELECT {BOUNDS}, list(n ORDER BY t) AS n "
            "FROM tumble(f, t, INTERVAL 20 SECONDS) GROUP BY ALL"
        ),
        0,
    ),
    "a stage over closed windows": (
        f"WITH {STARTS}, p AS (SELECT t, n + 1 AS n FROM f) SELECT * FROM p",
        0,
    ),
    "a join of streams": (
        (
            "SELECT coalesce(a.window_start, b.window_start) AS s, a.id AS i, b.id AS j "
            "FROM tumble(readings, ts, INTERVAL 10 SECONDS) a "
            "FULL JOIN tumble(clicks, ts, INTERVAL 10 SECONDS) b "
            "ON a.window_start = b.window_start AND a.device = b.device"
        ),
        0,
    ),
    "a join with windows over windows": (
        (
            f"WITH {ENDS}, {TENS} SELECT window_start, m.n, k.n AS o FROM m "
            "FULL JOIN k USING (window_start, window_end)"
        ),
        5,
    ),
    "a join that waits": (
        (
            f"WITH {STARTS}, {TENS} SELECT window_start, m.n, k.n AS o FROM m "
            "FULL JOIN k USING (window_start, window_end)"
        ),
        0,
    ),
    "a join of a stream with a stage": (
        (
            f"WITH {ENDS}, {TENS} SELECT coalesce(a.window_start, k.window_start) AS s, a.id, k.n "
            "FROM tumble(readings, ts, INTERVAL 10 SECONDS) a FULL JOIN k "
            "ON a.window_start = k.window_start"
        ),
        5,
    ),
}


def _at(second: float) -> datetime:
    return BASE + timedelta(seconds=second)


def _rows(*seconds: float, device: str = "a") -> list[dict[str, Any]]:
    return [{"ts": _at(t), "id": i, "device": device} for i, t in enumerate(seconds)]


def _inputs(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Input]:
    return {
        name: Input(fields=FIELDS, rows={"0": rows.get(name, [])})
        for name in ("readings", "clicks")
    }


def _run(
    bench: Bench,
    query: str,
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    start: Mapping[str, Any],
    *,
    size: int = 1000,
    restart: int = 0,
    crash: int | None = None,
    **parts: Any,
) -> Outcome:
    """Run a job to its end; kill it once at a step, or begin anew after some batches."""
    inputs = _inputs(rows)
    sources = {}
    for name, each in inputs.items():
        sources[name] = GrowingSource(arrow_schema(FIELDS))
        sources[name].append("0", *each.all_rows)
        sources[name].finish()
    spec = job(query, inputs, start=start, trigger={"rows": size}, **parts)
    database, steps = bench.attach(), Counter[str]()

    def trace(step: str) -> None:
        steps["all"] += 1
        if steps["all"] == crash:
            raise Crashed

    runner = bench.runner(spec, sources, database, trace=trace)
    wait: float | None = 0.0
    while wait is not None:
        steps["done"] += 1
        crashed = False
        try:
            wait = runner.step()
        except Crashed:
            crashed = True
        if crashed or (restart and steps["done"] % restart == 0 and wait is not None):
            runner.close()
            runner = bench.runner(spec, sources, database, trace=trace)
    outcome = bench.outcome(runner, database)
    runner.close()
    bench.detach(database)
    return outcome


def _emit(second: float) -> dict[str, Any]:
    return {"at": _at(second).isoformat(), "cut_off": "emit"}


SECONDS = st.lists(st.integers(0, 160).map(lambda quarter: quarter / 4), max_size=25).map(sorted)


@pytest.mark.parametrize("query", QUERIES)
def test_the_marked_windows_are_those_that_began_before_the_cut(
    bench: Bench, batch: Batch, query: str
) -> None:
    text, trail = QUERIES[query]

    @settings(max_examples=12)
    @given(SECONDS, SECONDS, st.integers(0, 40), st.integers(1, 9), st.integers(0, 3), st.data())
    def prove(
        first: list[float],
        second: list[float],
        cut: int,
        size: int,
        restart: int,
        data: st.DataObject,
    ) -> None:
        rows = {
            name: [{**row, "device": data.draw(st.sampled_from("ab"))} for row in _rows(*seconds)]
            for name, seconds in (("readings", first), ("clicks", second))
        }
        crash = data.draw(st.one_of(st.none(), st.integers(1, 20)))
        found = _run(bench, text, rows, _emit(cut), size=size, restart=restart, crash=crash)
        read = {n: [row for row in each if row["ts"] >= _at(cut)] for n, each in rows.items()}
        assert found.columns[-1] == "_cut_off"
        assert _counted(row[:-1] for row in found.rows) == _counted(batch.rows(text, _inputs(read)))
        marks = [row[-1] for row in found.rows]
        assert marks == [row[0] < _at(cut + trail) for row in found.rows]
        whole = _counted(row[:-1] for row in found.rows if not row[-1])
        assert whole <= _counted(batch.rows(text, _inputs(rows)))
        if text.startswith("SELECT"):  # windows of every stage count, and drop lets none on
            dropped = _run(bench, text, rows, {**_emit(cut), "cut_off": "drop"})
            assert found.total("cut_off") == dropped.total("cut_off")

    prove()


def _counted(rows: Any) -> Counter[str]:
    return Counter(repr(_plain(row)) for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


COUNTS = QUERIES["partial states"][0]


def test_windows_that_a_stop_cut_off_are_marked_after_the_restart(bench: Bench) -> None:
    stream = _inputs({})["readings"]
    source = GrowingSource(arrow_schema(FIELDS))
    source.append("0", *_rows(1, 11, 12))
    spec = job(COUNTS, {"readings": stream}, start={"at": "earliest", "cut_off": "emit"})
    database = bench.attach()
    runner = bench.runner(spec, {"readings": source}, database)
    while runner.step() == 0.0:
        pass
    runner.file.clear()
    runner.close()
    source.append("0", *_rows(13, 25, 31))
    source.finish()
    runner = bench.runner(spec, {"readings": source}, database)
    while runner.step() is not None:
        pass
    outcome = bench.outcome(runner, database)
    runner.close()
    assert [(row[0], row[-2], row[-1]) for row in sorted(outcome.rows)] == [
        (_at(0), 1, False),
        (_at(10), 1, True),
        (_at(20), 1, False),
        (_at(30), 1, False),
    ]
    assert outcome.total("cut_off") == 1


def test_a_job_from_the_earliest_record_on_marks_nothing(bench: Bench) -> None:
    rows = {"readings": _rows(1, 11, 25)}
    found = _run(bench, COUNTS, rows, {"at": "earliest", "cut_off": "emit"})
    assert [row[-1] for row in found.rows] == [False] * 3
    assert found.total("cut_off") == 0


@pytest.mark.parametrize("cut_off", ["drop", "lookback"])
def test_without_emit_there_is_no_such_column(bench: Bench, cut_off: str) -> None:
    found = _run(bench, COUNTS, {"readings": _rows(1, 11)}, {**_emit(5), "cut_off": cut_off})
    assert "_cut_off" not in found.columns


OVER_SESSIONS = (
    "WITH s AS (SELECT window_start AS b, window_end AS e, device, count(*) AS n "
    "FROM session(readings, ts, device, INTERVAL 4 SECONDS) GROUP BY ALL) "
    "SELECT window_start, window_end, {what} FROM {window} GROUP BY ALL"
)


SUM, LIST = "sum(n) AS n", "list(n ORDER BY n, device) AS n"
TUMBLED = "tumble(s, e, INTERVAL 10 SECONDS)"
SPLIT = {
    **{name: text for name, (text, _) in QUERIES.items() if "join" in name},
    "partial states over sessions": OVER_SESSIONS.format(what=SUM, window=TUMBLED),
    "rows over sessions": OVER_SESSIONS.format(what=LIST, window=TUMBLED),
}


@pytest.mark.parametrize("query", SPLIT)
def test_what_drop_lets_through_is_whole_also_over_joins_and_sessions(
    bench: Bench, batch: Batch, query: str
) -> None:
    text = SPLIT[query]

    @settings(max_examples=12)
    @given(SECONDS, SECONDS, st.integers(0, 40), st.integers(1, 9), st.data())
    def prove(
        first: list[float], second: list[float], cut: int, size: int, data: st.DataObject
    ) -> None:
        rows = {
            name: [{**row, "device": data.draw(st.sampled_from("ab"))} for row in _rows(*seconds)]
            for name, seconds in (("readings", first), ("clicks", second))
        }
        start = {**_emit(cut), "cut_off": "drop"}
        dropped = _counted(_run(bench, text, rows, start, size=size, restart=2).rows)
        assert dropped <= _counted(batch.rows(text, _inputs(rows)))
        marked = _run(bench, text, rows, _emit(cut)).rows
        assert dropped == _counted(row[:-1] for row in marked if not row[-1])

    prove()


@pytest.mark.parametrize("what", [SUM, LIST])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_window_with_a_session_that_was_cut_off_long_before_is_marked(
    bench: Bench, what: str, size: int
) -> None:
    rows = _rows(*range(0, 43, 3)) + _rows(15, 26, 45, 62, device="b")
    rows.sort(key=lambda row: row["ts"])
    query = OVER_SESSIONS.format(what=what, window=TUMBLED)
    found = _run(bench, query, {"readings": rows}, _emit(5), size=size, restart=2)
    # a's session was cut off at second 5 and ends at 46; b's sessions end at 19, 30, 49 and 66
    assert [(row[0], row[-1]) for row in sorted(found.rows)] == [
        (_at(10), True),  # begins less than two gaps after the cut
        (_at(30), False),
        (_at(40), True),
        (_at(60), False),
    ]


def test_sessions_over_sessions_are_marked_too(bench: Bench) -> None:
    rows = sorted(
        _rows(*range(0, 43, 3)) + _rows(15, 26, 62, device="b"), key=lambda row: row["ts"]
    )
    window = "session(s, e, device, INTERVAL 20 SECONDS)"
    query = OVER_SESSIONS.format(what="device, sum(n) AS n", window=window)
    found = _run(bench, query, {"readings": rows}, _emit(5), size=2)
    marks = {(row[0], row[2]): row[-1] for row in found.rows}
    assert marks == {(_at(46), "a"): True, (_at(19), "b"): True, (_at(66), "b"): False}


def test_a_row_that_fails_in_a_cut_off_window_is_a_reject_and_the_others_are_marked(
    bench: Bench,
) -> None:
    query = (
        "SELECT window_start, list(CAST(device AS INTEGER) ORDER BY id) AS v "
        "FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY ALL"
    )
    rows = [
        {**row, "device": device}
        for row, device in zip(_rows(6, 7, 8, 12, 13), ["1", "2", "x", "4", "y"], strict=True)
    ]
    found = _run(bench, query, {"readings": rows}, _emit(5))
    assert sorted(found.rows) == [(_at(0), [1, 2], True), (_at(10), [4], False)]
    assert sorted((r["partition"], r["offset"]) for r in found.rejects) == [("0", 2), ("0", 4)]


def test_a_row_of_a_cut_off_window_that_fails_in_the_next_stage_is_a_reject(bench: Bench) -> None:
    query = (
        "WITH m AS (SELECT window_end AS t, max(device) AS d "
        "FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY ALL) "
        "SELECT window_start, sum(CAST(d AS INTEGER)) AS v "
        "FROM tumble(m, t, INTERVAL 1 MINUTE) GROUP BY ALL"
    )
    rows = [
        {**row, "device": device}
        for row, device in zip(_rows(6, 12, 70, 130), ["x", "2", "3", "4"], strict=True)
    ]
    found = _run(bench, query, {"readings": rows}, _emit(5))
    assert sorted(found.rows) == [(_at(0), 2, True), (_at(60), 3, False), (_at(120), 4, False)]
    assert [r["reason"].count("'x'") for r in found.rejects] == [1]


def test_the_mark_reaches_files_too(tmp_path: Path) -> None:
    import pyarrow.parquet

    bench = Bench(tmp_path)
    inputs = {"readings": Input(fields=FIELDS, rows={"0": []})}
    source = GrowingSource(arrow_schema(FIELDS))
    source.append("0", *_rows(1, 6, 12))
    source.finish()
    spec = job(COUNTS, inputs, start=_emit(5), sink={"type": "parquet", "path": "out"})
    runner = bench.runner(spec, {"readings": source}, bench.attach())
    while runner.step() is not None:
        pass
    runner.close()
    bench.close()
    table = pyarrow.parquet.read_table(tmp_path / "out")
    assert sorted(zip(table["n"].to_pylist(), table["_cut_off"].to_pylist(), strict=True)) == [
        (1, False),
        (1, True),
    ]


def _refused(make: Callable[[], object]) -> str:
    with pytest.raises((QueryRefused, SpecRefused)) as caught:
        make()
    return str(caught.value)


def test_what_cannot_be_marked_is_refused(bench: Bench) -> None:
    taken = COUNTS.replace("AS n", "AS _cut_off")
    assert "_cut_off" in _refused(lambda: _run(bench, taken, {}, _emit(5)))
    sessions = "session({}, ts, device, INTERVAL 4 SECONDS)"
    joined = (
        f"SELECT a.id FROM {sessions.format('readings')} a JOIN {sessions.format('clicks')} b "
        "ON a.window_end = b.window_end"
    )
    assert "joins sessions" in _refused(lambda: _run(bench, joined, {}, _emit(5)))


def test_a_start_that_would_emit_without_a_column_for_the_mark_is_refused(bench: Bench) -> None:
    inputs = _inputs({})
    sources = {name: GrowingSource(arrow_schema(FIELDS)) for name in inputs}
    spec, start = job(COUNTS, inputs), Start.model_validate(_emit(5))
    message = _refused(lambda: bench.runner(spec, sources, bench.attach(), start=start))
    assert "_cut_off" in message
