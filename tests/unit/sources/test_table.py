"""Appending to a stream's log, and reading tables that are not as they should be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from streamops_nb.db import Instance, Session, ident, open_instance
from streamops_nb.model.batch import Position, advance
from streamops_nb.model.errors import Refused, SourceError
from streamops_nb.sources.base import Context, Limit
from streamops_nb.sources.job import JobSettings, JobSource
from streamops_nb.sources.table import TableSettings, TableSource, append, create

CLICKS = ident("streams", "main", 'my "clicks"')


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    instance = open_instance(tmp_path, threads=1)
    instance.attach(tmp_path / "streams.db", "streams")
    yield instance
    instance.close()


@pytest.fixture
def session(instance: Instance) -> Session:
    session = instance.session()
    create(session, CLICKS, {"n": "BIGINT", "user": "VARCHAR"})
    return session


def context(instance: Instance, table: str = CLICKS) -> Context:
    return Context(
        folder=Path(), now=lambda: 0.0, session=instance.session, tables=lambda name: table
    )


def clicks(instance: Instance) -> TableSource:
    return TableSource(TableSettings(stream="clicks"), context(instance))


def rows(session: Session) -> list[tuple[object, ...]]:
    return session.rows(f'SELECT n, "user", _batch FROM {CLICKS} ORDER BY _batch, rowid')


def test_every_append_is_a_batch(session: Session) -> None:
    assert append(session, CLICKS, pa.table({"n": [1, 2], "user": ["a", "b"]})) == 1
    assert append(session, CLICKS, pa.table({"user": ["c"], "n": [3]})) == 2
    assert append(session, CLICKS, pa.table({"n": pa.array([], pa.int64())})) == 2
    assert append(session, CLICKS, pa.table({"n": [4]})) == 3
    assert rows(session) == [(1, "a", 1), (2, "b", 1), (3, "c", 2), (4, None, 3)]


def test_a_long_append_becomes_several_batches_at_once(
    session: Session, instance: Instance
) -> None:
    assert append(session, CLICKS, pa.table({"n": list(range(120_000))})) == 3
    source = clicks(instance)
    span = source.cut({}, Limit(rows=60_000))
    assert source.read(span)["n"].to_pylist() == list(range(50_000))
    counts = session.rows(f"SELECT _batch, count(*) FROM {CLICKS} GROUP BY 1 ORDER BY 1")
    assert counts == [(1, 50_000), (2, 50_000), (3, 20_000)]


def test_values_are_cast_to_the_types_of_the_log(session: Session) -> None:
    append(session, CLICKS, pa.table({"n": ["17"], "USER": [5]}))
    assert rows(session) == [(17, "5", 1)]


def test_rows_that_do_not_fit_are_refused_and_nothing_of_them_is_kept(session: Session) -> None:
    append(session, CLICKS, pa.table({"n": [1]}))
    with pytest.raises(Refused, match=r"the rows do not fit the stream: .*'x'"):
        append(session, CLICKS, pa.table({"n": ["5", "x"]}))
    with pytest.raises(Refused, match="the stream has no column when - it has n, user"):
        append(session, CLICKS, pa.table({"n": [5], "when": [1]}))
    with pytest.raises(Refused, match="the stream has no column _batch"):
        append(session, CLICKS, pa.table({"n": [5], "_batch": [1]}))
    assert rows(session) == [(1, None, 1)]
    assert append(session, CLICKS, pa.table({"n": [2]})) == 2


def test_creating_a_log_again_keeps_what_is_in_it(session: Session) -> None:
    append(session, CLICKS, pa.table({"n": [1]}))
    create(session, CLICKS, {"n": "BIGINT", "user": "VARCHAR"})
    assert append(session, CLICKS, pa.table({"n": [2]})) == 2
    assert len(rows(session)) == 2


@pytest.mark.parametrize("schema", [{}, {"_batch": "BIGINT"}, {"n": "BIGINT", "_Offset": "DATE"}])
def test_a_log_whose_columns_clash_with_its_own_is_refused(
    session: Session, schema: dict[str, str]
) -> None:
    with pytest.raises(Refused, match=r"taken by the log itself|at least one column"):
        create(session, ident("streams", "main", "other"), schema)


def test_threads_that_append_at_once_never_share_a_batch_and_readers_miss_nothing(
    session: Session, instance: Instance
) -> None:
    done = threading.Event()
    failed: list[Exception] = []

    def write(first: int) -> None:
        own = instance.session()
        try:
            for n in range(first, first + 25):
                append(own, CLICKS, pa.table({"n": [n] * 3}))
        except Exception as error:  # noqa: BLE001 - shown by the assert below
            failed.append(error)
        finally:
            own.close()

    writers = [threading.Thread(target=write, args=(1_000 * k,)) for k in range(4)]
    source = clicks(instance)
    found: list[int] = []
    position: Position = source.ends().earliest
    for writer in writers:
        writer.start()
    while not done.is_set():
        if not any(writer.is_alive() for writer in writers):
            done.set()  # and read what was written last
        while span := source.cut(position, Limit(rows=7)):
            found += source.read(span)["n"].to_pylist()
            position = advance(position, span)
    source.close()
    assert failed == []
    assert sorted(found) == sorted(
        1_000 * k + n for k in range(4) for n in range(25) for _ in "abc"
    )
    assert session.rows(f"SELECT count(DISTINCT _batch), max(_batch) FROM {CLICKS}") == [(100, 100)]


def test_an_append_sees_no_log_where_there_is_none(session: Session) -> None:
    with pytest.raises(SourceError, match="there is no log"):
        append(session, ident("streams", "main", "nothing"), pa.table({"n": [1]}))


def test_a_span_holds_whole_batches_up_to_the_limit(session: Session, instance: Instance) -> None:
    for count in (3, 3, 10, 1):
        append(session, CLICKS, pa.table({"n": list(range(count))}))
    source = clicks(instance)
    position: Position = {}
    sizes = []
    while span := source.cut(position, Limit(rows=6)):
        sizes.append(source.read(span).num_rows)
        position = advance(position, span)
    assert sizes == [6, 10, 1]


def test_a_limit_of_bytes_is_kept_once_the_rows_are_known(
    session: Session, instance: Instance
) -> None:
    for _ in range(20):
        append(session, CLICKS, pa.table({"n": [1], "user": ["x" * 1_000]}))
    source = clicks(instance)
    first = source.cut({}, Limit(rows=5, nbytes=3_200))
    assert source.read(first).num_rows == 5
    second = source.cut(advance({}, first), Limit(rows=5, nbytes=3_200))
    assert source.read(second).num_rows in {2, 3}


def test_a_time_cannot_be_found_without_an_event_time(session: Session, instance: Instance) -> None:
    with pytest.raises(SourceError, match="the stream has no event_time - declare one") as caught:
        clicks(instance).seek(datetime.now(UTC))
    assert not caught.value.retryable


def test_a_table_that_is_not_there_yet_is_worth_waiting_for(instance: Instance) -> None:
    source = JobSource(
        JobSettings(job="hot"), context(instance, ident("streams", "main", "output"))
    )
    with pytest.raises(
        SourceError, match=r"job:hot cannot be read: .* has it been started\?"
    ) as caught:
        source.ends()
    assert caught.value.retryable


def test_a_table_that_was_made_anew_is_noticed(session: Session, instance: Instance) -> None:
    for n in range(5):
        append(session, CLICKS, pa.table({"n": [n]}))
    source = clicks(instance)
    position = source.ends().latest
    session.run(f"DROP TABLE {CLICKS}")
    create(session, CLICKS, {"n": "BIGINT"})
    with pytest.raises(SourceError, match="it was made anew - reset the position") as caught:
        source.cut(position, Limit())
    assert not caught.value.retryable


def test_outside_a_workspace_tables_cannot_be_read() -> None:
    with pytest.raises(SourceError, match="only be read inside a workspace"):
        TableSource(TableSettings(stream="clicks"), Context(folder=Path(), now=lambda: 0.0))


def test_a_closed_source_says_so(session: Session, instance: Instance) -> None:
    source = clicks(instance)
    source.close()
    with pytest.raises(SourceError, match="has been closed"):
        source.ends()
