"""What the table sink promises beyond the contract of sinks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from streamops_nb.db import Instance, Session, ident, open_instance
from streamops_nb.model.errors import SpecRefused
from streamops_nb.sinks.base import Context
from streamops_nb.sinks.table import TableSettings, TableSink

NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)
SCHEMA = {"device": "VARCHAR", "n": "BIGINT", "ts": "TIMESTAMPTZ"}


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    instance = open_instance(tmp_path, threads=1)
    instance.attach(tmp_path / "hot.db", "hot")
    yield instance
    instance.close()


@pytest.fixture
def session(instance: Instance) -> Session:
    return instance.session()


Make = Callable[..., TableSink]


@pytest.fixture
def make(session: Session, tmp_path: Path) -> Make:
    def make(schema: dict[str, str] | None = None, **settings: Any) -> TableSink:
        context = Context(
            job="hot", folder=tmp_path, schema=schema or SCHEMA, database=ident("hot")
        )
        sink = TableSink(TableSettings(**settings), context)
        sink.open(session)
        return sink

    return make


def write(sink: TableSink, session: Session, n: int, *rows: tuple[str | None, int]) -> int:
    """Write rows of (device, n), one minute apart per batch."""
    table = pa.table(
        {
            "device": pa.array([device for device, _ in rows], pa.string()),
            "n": pa.array([number for _, number in rows], pa.int64()),
            "ts": pa.array([NOON + timedelta(minutes=n)] * len(rows), pa.timestamp("us", "UTC")),
        }
    )
    with session.registered(rows=table), session.transaction():
        return sink.write(n, "SELECT * FROM rows", session)


def seen(session: Session) -> list[tuple[Any, ...]]:
    return session.rows("SELECT device, n, _batch FROM hot.main.output ORDER BY _batch, n")


def test_columns_are_matched_by_name_whatever_their_order(make: Make, session: Session) -> None:
    sink = make()
    with session.transaction():
        assert sink.write(1, "SELECT now() AS ts, 7 AS n, 'a' AS device", session) == 1
    assert seen(session) == [("a", 7, 1)]


def test_a_row_replaces_the_older_one_of_its_key(make: Make, session: Session) -> None:
    sink = make(key=("device",))
    assert write(sink, session, 1, ("a", 1), ("b", 2), (None, 3)) == 3
    assert write(sink, session, 2, ("b", 20), (None, 30), ("c", 40)) == 3
    assert seen(session) == [("a", 1, 1), ("b", 20, 2), (None, 30, 2), ("c", 40, 2)]


def test_of_one_key_in_one_batch_the_last_row_stays(make: Make, session: Session) -> None:
    sink = make(key=("device",))
    assert write(sink, session, 1, ("a", 5), ("b", 1), ("a", 9), ("a", 2)) == 2
    assert seen(session) == [("b", 1, 1), ("a", 2, 1)]


def test_of_one_key_in_one_batch_the_largest_by_order_stays(make: Make, session: Session) -> None:
    sink = make(key=("device",), order=("n",))
    write(sink, session, 1, ("a", 5), ("a", 9), ("a", 2))
    write(sink, session, 2, ("a", 1))
    assert seen(session) == [("a", 1, 2)]


def test_of_several_windows_of_a_key_the_latest_stays(make: Make, session: Session) -> None:
    sink = make({"device": "VARCHAR", "n": "BIGINT", "window_end": "TIMESTAMPTZ"}, key=("device",))
    windows = """
        SELECT * FROM (VALUES
            ('a', 1, TIMESTAMPTZ '2013-01-01 00:20:00Z'),
            ('a', 2, TIMESTAMPTZ '2013-01-01 00:30:00Z'),
            ('a', 3, TIMESTAMPTZ '2013-01-01 00:10:00Z'),
            ('a', 4, NULL)
        ) AS t(device, n, window_end)
    """
    with session.transaction():
        assert sink.write(1, windows, session) == 1
    assert seen(session) == [("a", 2, 1)]


def test_keys_may_have_several_columns_and_odd_names(make: Make, session: Session) -> None:
    odd = 'a "b"'
    sink = make({"my key": "VARCHAR", odd: "INTEGER", "v": "INTEGER"}, key=("my key", odd))
    for n in (1, 2):
        with session.transaction():
            select = f"SELECT 'x' AS {ident('my key')}, 1 AS {ident(odd)}, {n} AS v"
            sink.write(n, select, session)
    assert session.rows("SELECT v, _batch FROM hot.main.output") == [(2, 2)]


def test_a_transaction_that_is_rolled_back_leaves_the_replaced_rows(
    make: Make, session: Session
) -> None:
    sink = make(key=("device",))
    write(sink, session, 1, ("a", 1))
    session.run("BEGIN")
    sink.write(2, "SELECT 'a' AS device, 2 AS n, now() AS ts", session)
    assert seen(session) == [("a", 2, 2)]
    session.run("ROLLBACK")
    assert seen(session) == [("a", 1, 1)]


def test_retention_by_rows_deletes_whole_batches_and_marks_what_is_gone(
    make: Make, session: Session
) -> None:
    sink = make(retention={"rows": 3})
    for n in range(1, 6):
        write(sink, session, n, ("a", n), ("b", n))
    sink.tidy(session)
    assert [batch for _, _, batch in seen(session)] == [4, 4, 5, 5]
    assert session.rows("SELECT batch FROM hot.main.output_marks WHERE removed") == [(3,)]


def test_retention_by_a_column_counts_back_from_its_largest_value(
    make: Make, session: Session
) -> None:
    sink = make(retention={"age": "2m", "column": "ts"})
    for n in range(1, 6):
        write(sink, session, n, ("a", n))
    sink.tidy(session)
    assert [batch for _, _, batch in seen(session)] == [3, 4, 5]


def test_retention_by_age_deletes_batches_that_were_written_long_ago(
    make: Make, session: Session
) -> None:
    sink = make(retention={"age": "1h"})
    write(sink, session, 1, ("a", 1))
    sink.tidy(session)
    write(sink, session, 2, ("a", 2))
    sink.tidy(session)
    assert len(seen(session)) == 2
    long_ago = "SET written = now() - INTERVAL 2 HOURS WHERE batch = 1"
    session.run(f"UPDATE hot.main.output_marks {long_ago}")
    write(sink, session, 3, ("a", 3))
    sink.tidy(session)
    assert [batch for _, _, batch in seen(session)] == [2, 3]


def test_retention_never_deletes_the_newest_batch(make: Make, session: Session) -> None:
    sink = make(retention={"age": "0s", "rows": 1})
    for n in (1, 2, 3):
        write(sink, session, n, ("a", n))
        sink.tidy(session)
    sink.tidy(session)
    assert seen(session) == [("a", 3, 3)]


def test_retention_deletes_a_bounded_number_at_a_time_the_oldest_first(
    make: Make, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamops_nb.sinks.table._ROWS_AT_ONCE", 2)
    monkeypatch.setattr("streamops_nb.sinks.table._DELETES", 3)
    sink = make(retention={"rows": 1})
    for n in range(1, 12):
        write(sink, session, n, ("a", n))
    sink.tidy(session)
    assert [batch for _, _, batch in seen(session)] == [7, 8, 9, 10, 11]
    sink.tidy(session)
    assert [batch for _, _, batch in seen(session)] == [11]


def test_a_table_of_another_query_is_refused_and_left_as_it_is(
    make: Make, session: Session
) -> None:
    write(make(), session, 1, ("a", 1))
    before = session.describe("SELECT * FROM hot.main.output")
    with pytest.raises(SpecRefused) as caught:
        make({"device": "VARCHAR", "n": "DOUBLE", "extra": "DATE"})
    text = str(caught.value)
    assert "the column n is BIGINT in the table and DOUBLE in the query" in text
    assert "the column ts is TIMESTAMP WITH TIME ZONE in the table and not there in" in text
    assert "the column extra is not there in the table and DATE in the query" in text
    assert "another name, or delete the output of hot" in text
    assert session.describe("SELECT * FROM hot.main.output") == before
    assert seen(session) == [("a", 1, 1)]


def test_other_spellings_of_a_type_are_the_same_type(make: Make) -> None:
    make({"a": "DECIMAL(18,3)", "b": "struct(x int, y text[])", "d": "ENUM('p', 'q')"})
    make({"d": "ENUM ('p','q')", "a": "numeric(18, 3)", "b": "STRUCT(x INTEGER, y VARCHAR[])"})


def test_settings_that_do_not_fit_the_query_are_refused_with_all_faults(make: Make) -> None:
    with pytest.raises(SpecRefused) as caught:
        make(
            {"device": "VARCHAR", "_batch": "BIGINT"},
            key=("devise",),
            order=("when",),
            retention={"age": "1d", "column": "device"},
        )
    text = str(caught.value)
    assert "the query's column _batch has a name that the table sink needs itself" in text
    assert "sink.key: the query has no column devise - it has device, _batch" in text
    assert "sink.order: the query has no column when" in text
    assert "sink.retention.column: device is VARCHAR - give a column of type TIMESTAMPTZ" in text


@pytest.mark.parametrize("retention", [{}, {"column": "ts"}, {"rows": 0}, {"age": "-1s"}])
def test_retention_that_says_nothing_sensible_is_refused(retention: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TableSettings(retention=retention)
