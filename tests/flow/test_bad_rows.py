"""Bad rows are rows: they become rejects with reason, place and content, and the others go on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import streamops_nb as so
from streamops_nb.engine import narrow
from streamops_nb.engine.runner import Runner
from streamops_nb.model.errors import QueryError, StreamopsError, TooManyRejects
from streamops_nb.model.events import RejectsFound
from streamops_nb.model.spec import JobSpec
from tests.flow.running import Bench, Input, Outcome, job

FIELDS = {"ts": "TIMESTAMPTZ", "id": "BIGINT", "txt": "VARCHAR"}
BASE = datetime(2024, 1, 1, tzinfo=UTC)
WINDOW = "tumble(readings, ts, INTERVAL 10 SECONDS)"
CAST = "SELECT id, CAST(txt AS INTEGER) AS v FROM readings"


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def _rows(*texts: str, begin: float = 0) -> list[dict[str, Any]]:
    """One row a second."""
    return [
        {"ts": BASE + timedelta(seconds=begin + i), "id": i, "txt": text}
        for i, text in enumerate(texts)
    ]


def _inputs(**streams: list[dict[str, Any]] | dict[str, list[dict[str, Any]]]) -> dict[str, Input]:
    return {
        name: Input(fields=FIELDS, rows=rows if isinstance(rows, dict) else {"p": rows})
        for name, rows in streams.items()
    }


def _run(bench: Bench, query: str, inputs: Mapping[str, Input], **parts: Any) -> Outcome:
    return bench.run(job(query, inputs, **parts), inputs)


def _end(runner: Runner) -> None:
    while runner.step() is not None:
        pass


def _places(outcome: Outcome) -> list[tuple[Any, ...]]:
    return sorted((r["stream"], r["partition"], r["offset"]) for r in outcome.rejects)


@pytest.mark.parametrize(
    "texts", [["1", "x", "3"], ["x", "2", "y"], ["x", "y", "z"], ["x"], ["1"] * 50 + ["x"]]
)
@pytest.mark.parametrize("rows", [1, 2, 100])
def test_rows_on_which_an_expression_fails_are_rejects_and_the_others_go_on(
    bench: Bench, texts: list[str], rows: int
) -> None:
    outcome = _run(bench, CAST, _inputs(readings=_rows(*texts)), trigger={"rows": rows})
    good = [(i, int(text)) for i, text in enumerate(texts) if text.isdigit()]
    bad = [("readings", "p", i) for i, text in enumerate(texts) if not text.isdigit()]
    assert sorted(outcome.rows) == good
    assert _places(outcome) == bad
    assert outcome.total("rows_in") == len(texts) == len(good) + outcome.total("rejects")


ROW_BY_ROW = [
    CAST,
    "SELECT * REPLACE (CAST(txt AS INTEGER) AS txt) FROM readings",
    "SELECT r.id, CAST(r.txt AS INTEGER) AS v, v + 1 AS w FROM readings AS r WHERE v > 0",
    "SELECT id FROM readings WHERE txt <> 'x' AND CAST(txt AS INTEGER) > 1",
    "SELECT id FROM readings WHERE CAST(txt AS INTEGER) > 1 AND id > 2",
    "SELECT CASE WHEN id % 2 = 0 THEN CAST(txt AS INTEGER) END AS v FROM readings",
    "SELECT id FROM readings WHERE id % 2 = 0 OR CAST(txt AS INTEGER) = 1",
    "WITH a AS (SELECT id, CAST(txt AS INTEGER) AS v FROM readings) SELECT id FROM a",
    "WITH a AS (SELECT id, CAST(txt AS INTEGER) AS v FROM readings) SELECT * FROM a",
    """WITH a AS (SELECT *, CAST(txt AS INTEGER) AS v FROM readings WHERE id <> 3)
    SELECT id AS v, v + 1 AS id FROM a WHERE 10 // (v - 1) > 0""",
    """WITH a AS (SELECT id + 250 AS id, txt FROM readings)
    SELECT CAST(id AS UTINYINT) AS small, CAST(txt AS INTEGER) AS v FROM a""",
    "SELECT id, unnest([txt, '1'])::INTEGER AS v FROM readings",
    "SELECT list_transform([txt], lambda t: CAST(t AS INTEGER)) AS v FROM readings",
]


@pytest.mark.parametrize("query", ROW_BY_ROW)
def test_the_same_rows_are_rejects_with_the_same_reasons_whether_found_at_once_or_by_halving(
    bench: Bench, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = _inputs(readings=_rows("1", "x", "3", "2", "y", "", "x", "1", "5", "2"))
    at_once = _run(bench, query, inputs)
    monkeypatch.setattr(narrow, "foreseen", lambda *_: ("", {}))
    halved = _run(bench, query, inputs)
    assert sorted(map(str, at_once.rows)) == sorted(map(str, halved.rows))
    assert _told(at_once) == _told(halved)


def _told(outcome: Outcome) -> list[tuple[Any, ...]]:
    parts = ("batch", "stage", "kind", "partition", "offset", "raw", "reason")
    return sorted(tuple(reject[part] for part in parts) for reject in outcome.rejects)


def test_of_many_bad_rows_those_that_are_kept_tell_their_reason_and_all_are_counted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"x{i}" if i % 4 else "7" for i in range(400)]
    query = "SELECT CAST(id - 100 AS UTINYINT) AS a, CAST(txt AS INTEGER) AS b FROM readings"
    halving: list[int] = []
    halve = narrow.culprits_of
    monkeypatch.setattr(narrow, "culprits_of", lambda *all_: halving.append(1) or halve(*all_))
    outcome = _run(bench, query, _inputs(readings=_rows(*texts)), errors={"keep": 5})
    good = [i for i, text in enumerate(texts) if text == "7" and 100 <= i < 356]
    assert sorted(outcome.rows) == [(i - 100, 7) for i in good]
    assert [r["offset"] for r in outcome.rejects] == [395, 396, 397, 398, 399]
    assert all(str(r["offset"] - 100) in r["reason"] for r in outcome.rejects)
    assert outcome.total("rejects") == 400 - len(good)
    found = [fact for fact in outcome.facts if isinstance(fact, RejectsFound)]
    assert sorted(fact.count for fact in found) == [144, 192]
    assert halving == []


def test_a_reject_tells_stage_kind_reason_place_batch_and_content(bench: Bench) -> None:
    parts = {"p": _rows("1", "2"), "q": _rows("3", "x")}
    outcome = _run(bench, CAST, _inputs(readings=parts))
    (reject,) = outcome.rejects
    reason, raw, at = reject.pop("reason"), reject.pop("raw"), reject.pop("at")
    assert reject == {
        "batch": 1, "stage": "result", "kind": "expression", "stream": "readings",
        "partition": "q", "offset": 1,
    }  # fmt: skip
    assert "'x'" in reason
    assert json.loads(raw)["txt"] == "x"
    assert at.timestamp() == 4_102_444_800.0


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from(["1", "2", "x", ""]), max_size=25),
    st.sampled_from([1, 4, 100]),
    st.sampled_from(["sum", "median", "max"]),
)
def test_in_the_arguments_of_an_aggregate_the_bad_rows_alone_are_missing(
    bench: Bench, texts: list[str], rows: int, aggregate: str
) -> None:
    query = (
        f"SELECT window_start, {aggregate}(CAST(txt AS INTEGER)) AS v FROM {WINDOW} GROUP BY ALL"
    )
    outcome = _run(bench, query, _inputs(readings=_rows(*texts)), trigger={"rows": rows})
    good = [row for row in _rows(*texts) if row["txt"].isdigit()]
    wanted = _run(bench, query, _inputs(readings=good))
    assert sorted(outcome.rows) == sorted(wanted.rows)
    assert len(outcome.rejects) == len(texts) - len(good) == outcome.total("rejects")
    told = [json.loads(reject["raw"])["txt"] for reject in outcome.rejects]
    assert sorted(told) == sorted(text for text in texts if not text.isdigit())


def test_rows_that_fail_before_they_are_kept_tell_their_place(bench: Bench) -> None:
    query = f"SELECT window_start, sum(CAST(txt AS INTEGER)) AS v FROM {WINDOW} GROUP BY ALL"
    outcome = _run(bench, query, _inputs(readings=_rows("1", "x", "3", "y")))
    assert _places(outcome) == [("readings", "p", 1), ("readings", "p", 3)]


EMISSIONS = [
    ("CAST(sum(id) AS TINYINT)", "TINYINT|INT8"),
    ("CAST(max(txt) AS INTEGER)", "'x'"),
    ("CAST(string_agg(txt, '' ORDER BY id) AS INTEGER)", "'x'"),
    ("10 // (count(*) - 10)", "zero"),
]


@pytest.mark.parametrize(("expression", "words"), EMISSIONS)
def test_an_emission_that_fails_for_one_window_emits_the_others(
    bench: Bench, expression: str, words: str
) -> None:
    # the first window holds ten rows with an x and the ids 90 to 99, the second is harmless
    rows = _rows(*["1"] * 9, "x", "1", "1")
    for row in rows[:10]:
        row["id"] += 90
    for row in rows[10:]:
        row["id"] = 1
    query = f"SELECT window_start, {expression} AS v FROM {WINDOW} GROUP BY ALL"
    outcome = _run(bench, query, _inputs(readings=rows))
    assert BASE + timedelta(seconds=10) in [start for start, _ in outcome.rows]
    assert outcome.rejects
    for reject in outcome.rejects:
        assert (reject["stage"], reject["kind"]) == ("result", "expression")
        assert any(word in reject["reason"] for word in words.split("|"))
        assert json.loads(reject["raw"])


def test_a_closed_row_that_fails_in_the_next_stage_is_a_reject_of_that_stage(bench: Bench) -> None:
    rows = _rows(*["x"] * 10, *["1"] * 10)
    for aggregate in ("sum", "median"):
        query = (
            f"WITH m AS (SELECT window_start AS s, max(txt) AS v FROM {WINDOW} GROUP BY ALL) "
            f"SELECT window_start, {aggregate}(CAST(v AS INTEGER)) AS t "
            "FROM tumble(m, s, INTERVAL 1 MINUTE) GROUP BY ALL"
        )
        outcome = _run(bench, query, _inputs(readings=rows))
        assert [value for _, value in outcome.rows] == [1]
        assert [json.loads(reject["raw"])["v"] for reject in outcome.rejects] == ["x"]
        assert outcome.rejects[0]["stage"] == "result"


def test_over_a_join_the_row_at_fault_is_rejected_whichever_side_it_is_on(bench: Bench) -> None:
    inputs = _inputs(readings=_rows("1", "1", "1"), clicks=_rows("4", "x"))
    for bad, good in (("b", "a"), ("a", "b")):
        left, right = ("readings", "clicks") if bad == "b" else ("clicks", "readings")
        query = (
            f"SELECT a.id AS i, b.id AS j, CAST({bad}.txt AS INTEGER) AS v, {good}.txt AS w "
            f"FROM tumble({left}, ts, INTERVAL 10 SECONDS) a "
            f"JOIN tumble({right}, ts, INTERVAL 10 SECONDS) b USING (window_start)"
        )
        outcome = _run(bench, query, inputs)
        assert [json.loads(reject["raw"])["txt"] for reject in outcome.rejects] == ["x"]
        assert [row[2] for row in outcome.rows] == [4, 4, 4]


@pytest.mark.parametrize("windowed", [False, True])
def test_bad_rows_in_both_streams_of_a_union_are_found(bench: Bench, windowed: bool) -> None:
    union = " UNION ALL ".join(
        f"SELECT ts, CAST(txt AS INTEGER) AS v FROM {name}" for name in ("readings", "clicks")
    )
    query = union
    if windowed:
        query = (
            f"WITH u AS ({union}) SELECT window_start, sum(v) AS s "
            "FROM tumble(u, ts, INTERVAL 10 SECONDS) GROUP BY ALL"
        )
    inputs = _inputs(readings=_rows("1", "x", "3"), clicks=_rows("y", "5"))
    outcome = _run(bench, query, inputs)
    assert _places(outcome) == [("clicks", "p", 0), ("readings", "p", 1)]
    assert sum(row[-1] for row in outcome.rows) == 9


def test_a_late_row_that_is_bad_too_is_one_reject(bench: Bench) -> None:
    rows = _rows("1", "1", "1", "x", "1")
    for row, second in zip(rows, (0, 100, 200, 1, 201), strict=True):
        row["ts"] = BASE + timedelta(seconds=second)
    query = (
        "WITH u AS (SELECT ts, txt FROM readings WHERE CAST(txt AS INTEGER) > 0) "
        "SELECT window_start, count(*) AS n FROM tumble(u, ts, INTERVAL 10 SECONDS) GROUP BY ALL"
    )
    inputs = _inputs(readings=rows)
    outcome = _run(bench, query, inputs, trigger={"rows": 1}, errors={"late": "reject"})
    assert _places(outcome) == [("readings", "p", 3)]
    assert sorted(n for _, n in outcome.rows) == [1, 1, 2]


# policies


def _failing(bench: Bench, spec: JobSpec, inputs: Mapping[str, Input]) -> tuple[Runner, str]:
    database = bench.attach()
    sources = {name: each.source() for name, each in inputs.items()}
    return bench.runner(spec, sources, database), database


@pytest.mark.parametrize(
    ("errors", "words"),
    [({"policy": "fail"}, "policy is `fail`"), ({"max_reject_share": 0.3}, "2 of 4 records")],
)
def test_a_policy_fails_the_job_before_anything_of_the_batch_is_committed(
    bench: Bench, errors: Mapping[str, Any], words: str
) -> None:
    inputs = _inputs(readings=_rows("1", "2", "3", "4", "5", "x", "y", "8"))
    runner, database = _failing(
        bench, job(CAST, inputs, errors=errors, trigger={"rows": 4}), inputs
    )
    runner.step()
    with pytest.raises(TooManyRejects, match="batch 2") as caught:
        runner.step()
    assert words in str(caught.value)
    assert "'x'" in str(caught.value)
    outcome = bench.outcome(runner, database)
    assert sorted(outcome.rows) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert (outcome.rejects, outcome.checkpoint.n) == ([], 1)
    assert outcome.checkpoint.positions == {"readings": {"p": 4}}


def test_a_share_of_rejects_that_is_borne_fails_nothing(bench: Bench) -> None:
    inputs = _inputs(readings=_rows("1", "x", "3", "4"))
    outcome = _run(bench, CAST, inputs, errors={"max_reject_share": 0.25})
    assert (len(outcome.rows), len(outcome.rejects)) == (3, 1)


OVERFLOW = (
    "SELECT window_start, sum(CAST(170141183460469231731687303715884105727 AS HUGEINT)) AS s "
    f"FROM {WINDOW} GROUP BY ALL"
)


@pytest.mark.parametrize("rows", [1, 100])
def test_a_failure_of_rows_together_fails_the_job_with_its_batch_and_commits_nothing(
    bench: Bench, rows: int
) -> None:
    """No row alone is to blame for an overflowing sum: in one batch, or when states combine."""
    inputs = _inputs(readings=_rows("1", "2", "3"))
    troubles: list[Any] = []
    database = bench.attach()
    sources = {name: each.source() for name, each in inputs.items()}
    spec = job(OVERFLOW, inputs, trigger={"rows": rows})
    runner = bench.runner(spec, sources, database, on_trouble=troubles.append)
    with pytest.raises(QueryError, match="together"):
        _end(runner)
    outcome = bench.outcome(runner, database)
    assert (outcome.rows, outcome.rejects) == ([], [])
    (trouble,) = troubles
    assert (trouble.batch, trouble.again_in) == (outcome.checkpoint.n + 1, None)


def test_a_failed_job_goes_on_where_it_stood_when_the_query_is_mended(bench: Bench) -> None:
    inputs = _inputs(readings=_rows("1", "x", "3"))
    spec = job(CAST, inputs, errors={"policy": "fail"}, trigger={"rows": 1})
    runner, database = _failing(bench, spec, inputs)
    with pytest.raises(StreamopsError):
        _end(runner)
    runner.close()
    mended = job(CAST.replace("CAST(", "TRY_CAST("), inputs, trigger={"rows": 1})
    again = bench.runner(mended, {"readings": inputs["readings"].source()}, database)
    _end(again)
    assert sorted(bench.outcome(again, database).rows) == [(0, 1), (1, None), (2, 3)]


# decoding


def _file_job(folder: Path, lines: list[bytes], **parts: Any) -> JobSpec:
    (folder / "in").mkdir()
    (folder / "in" / "a.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    source = {"type": "files", "path": "in/*.jsonl", "follow": False}
    stream = {"source": source, "format": "json", "schema": FIELDS, "event_time": "ts"}
    return JobSpec.model_validate(
        {"name": "decode", "streams": {"readings": stream}, "query": CAST, **parts}
    )


def _line(number: int, txt: object = "1", ts: object = "2024-01-01T00:00:00Z") -> bytes:
    return json.dumps({"ts": ts, "id": number, "txt": txt}).encode()


def test_records_that_do_not_decode_are_kept_byte_by_byte(tmp_path: Path) -> None:
    broken = [b'{"ts": ', b"\xff\xfe\x00", b'{"id": "many", "txt": "1", "ts": "2024-01-01"}']
    lines = [_line(0), broken[0], _line(1), broken[1], broken[2], _line(2, txt="x"), _line(3)]
    bench = Bench(tmp_path)
    database = bench.attach()
    runner = bench.runner(_file_job(tmp_path, lines), {}, database)
    _end(runner)
    outcome = bench.outcome(runner, database)
    runner.close()
    bench.close()
    assert sorted(outcome.rows) == [(0, 1), (1, 1), (3, 1)]
    decode = [reject for reject in outcome.rejects if reject["kind"] == "decode"]
    assert [reject["raw"].rstrip(b"\n") for reject in decode] == broken
    (failed,) = [reject for reject in outcome.rejects if reject["kind"] == "expression"]
    assert failed["raw"].rstrip(b"\n") == lines[5]
    begins = [sum(len(line) + 1 for line in lines[:i]) for i in range(len(lines))]
    assert [r["offset"] for r in [*decode, failed]] == [begins[i] for i in (1, 3, 4, 5)]
    assert all(r["stream"] == "readings" and r["reason"] for r in outcome.rejects)
    assert outcome.total("rows_in") == len(lines) == len(outcome.rows) + outcome.total("rejects")


def test_a_few_bad_times_do_not_make_an_event_time_a_text() -> None:
    plant = {"source": {"type": "simulator", "broken": 0.1, "seed": 4}, "event_time": "ts"}
    query = "SELECT ts, device FROM plant"
    preview = so.preview({"name": "p", "streams": {"plant": plant}, "query": query}, rows=500)
    assert preview.result.stages["result"].columns["ts"] == "TIMESTAMP WITH TIME ZONE"
    kinds = Counter((r.kind, r.stage) for r in preview.rejects.itertuples())
    assert kinds[("decode", "plant")] > 0
    assert len(preview.df) + len(preview.rejects) == 500
