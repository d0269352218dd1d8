"""Statements that come with each batch: planned once, and never out of date."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from streamops_nb.db import Session, open_instance, sealed
from streamops_nb.model.errors import QueryError, RowError

_SUM = "SELECT count(*), sum(x) FROM frame WHERE x >= CAST($low AS BIGINT)"


def frame(*values: int) -> pa.Table:
    return pa.table({"x": pa.array(values, pa.int64())})


def planned(session: Session) -> int:
    """How many statements are prepared in the session."""
    return int(session.rows("SELECT count(*) FROM duckdb_prepared_statements()")[0][0])


def test_a_statement_is_planned_when_it_comes_again() -> None:
    session = sealed().session()
    session.register("frame", frame(1, 2, 3))
    found = [session.rows(_SUM, often={"low": low}) for low in (1, 2, 3, 4)]
    assert found == [[(3, 6)], [(2, 5)], [(1, 3)], [(0, None)]]
    assert planned(session) == 1


def test_a_planned_statement_reads_the_frame_that_took_the_place() -> None:
    session = sealed().session()
    sums = []
    for values in ((1,), (2, 3), (4,), ()):
        session.register("frame", frame(*values))
        sums.append(session.table("SELECT sum(x) AS s FROM frame", often={})["s"][0].as_py())
    assert sums == [1, 5, 4, None]
    assert planned(session) == 1


def test_a_frame_of_other_columns_is_planned_anew() -> None:
    session = sealed().session()
    query = "SELECT * FROM frame"
    session.register("frame", frame(1))
    assert [session.rows(query, often={}) for _ in range(3)] == [[(1,)]] * 3
    session.register("frame", pa.table({"name": ["a"], "x": [2]}))
    assert [session.rows(query, often={}) for _ in range(3)] == [[("a", 2)]] * 3


def test_large_frames_and_small_ones_take_turns() -> None:
    session = sealed().session()
    counts = []
    for number in (3, 3, 5_000, 3, 6_000, 7_000, 4, 4, 4):
        session.register("frame", frame(*range(number)))
        counts.append(session.rows(_SUM, often={"low": 0})[0][0])
    assert counts == [3, 3, 5_000, 3, 6_000, 7_000, 4, 4, 4]


def test_a_frame_that_was_unregistered_is_not_read_any_more() -> None:
    session = sealed().session()
    session.register("frame", frame(1))
    for _ in range(2):
        session.rows("SELECT * FROM frame", often={})
    session.unregister("frame")
    with pytest.raises(QueryError, match="frame"):
        session.rows("SELECT * FROM frame", often={})


def test_a_table_that_was_made_anew_is_written(tmp_path: Path) -> None:
    instance = open_instance(tmp_path)
    instance.attach(tmp_path / "a.db", "a")
    session = instance.session()
    insert = "INSERT INTO a.t SELECT CAST($n AS BIGINT)"
    session.run("CREATE TABLE a.t (x BIGINT)")
    assert [session.run(insert, often={"n": n}) for n in (1, 2, 3)] == [1, 1, 1]
    session.run("DROP TABLE a.t")
    with pytest.raises(QueryError):
        session.run(insert, often={"n": 4})
    session.run("CREATE TABLE a.t (note VARCHAR DEFAULT 'new', x BIGINT)")
    insert_x = "INSERT INTO a.t (x) SELECT CAST($n AS BIGINT)"
    assert [session.run(insert_x, often={"n": n}) for n in (5, 6)] == [1, 1]
    assert session.rows("FROM a.t") == [("new", 5), ("new", 6)]
    instance.close()


def test_another_file_under_the_same_name_is_written(tmp_path: Path) -> None:
    instance = open_instance(tmp_path)
    session = instance.session()
    insert = "INSERT INTO a.t SELECT CAST($n AS BIGINT)"
    for file, numbers in (("one.db", (1, 2, 3)), ("two.db", (4, 5))):
        instance.attach(tmp_path / file, "a")
        session.run("CREATE TABLE a.t (x BIGINT)")
        for number in numbers:
            session.run(insert, often={"n": number})
        assert session.rows("SELECT x FROM a.t") == [(number,) for number in numbers]
        instance.detach("a")
    instance.close()


def test_a_planned_statement_that_fails_leaves_the_session_usable() -> None:
    session = sealed().session()
    query = "SELECT CAST(x AS INTEGER) AS x FROM frame"
    found: list[object] = []
    for text in ("1", "2", "bad", "4", "5"):
        session.register("frame", pa.table({"x": [text]}))
        try:
            found.append(session.table(query, often={})["x"][0].as_py())
        except RowError:
            found.append("failed")
    assert found == [1, 2, "failed", 4, 5]


def test_what_was_planned_in_a_block_that_failed_is_planned_anew() -> None:
    session = sealed().session()
    session.run("CREATE TEMP TABLE t (x INTEGER)")
    insert = "INSERT INTO t SELECT CAST(x AS INTEGER) FROM frame"
    for values in (["1"], ["2"], ["3", "bad"]):
        try:
            with session.transaction():
                session.register("frame", pa.table({"x": values}))
                session.run(insert, often={})
        except RowError:
            continue
    with session.transaction():
        session.register("frame", pa.table({"x": ["4"]}))
        session.run(insert, often={})
    assert session.rows("FROM t ORDER BY x") == [(1,), (2,), (4,)]


def test_texts_are_handed_over_whole() -> None:
    session = sealed().session()
    query = "SELECT CAST($text AS VARCHAR)"
    texts = ["plain", "it's", 'a "b" $text ; -- {"c": "\\u0000"}', "é\n\t漢", ""]
    assert [session.rows(query, often={"text": text})[0][0] for text in texts] == texts


def test_texts_that_never_come_again_do_not_gather() -> None:
    session = sealed().session()
    for number in range(300):
        assert session.rows(f"SELECT {number}", often={}) == [(number,)]
        assert session.rows(f"SELECT {number}", often={}) == [(number,)]
    assert planned(session) <= 64
