"""Columns that exist already, and raw records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from streamops_nb.db import Session, sealed
from streamops_nb.formats.conform import Conform, infer_columns
from streamops_nb.formats.raw_format import RawFormat
from streamops_nb.model.errors import SpecRefused


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    instance = sealed()
    yield instance.session()
    instance.close()


def test_a_column_of_the_right_type_is_not_copied(session: Session) -> None:
    table = pa.table({"n": np.arange(100_000), "other": np.arange(100_000)})
    done = Conform({"n": "BIGINT"})(table, session)
    before, after = table["n"].chunk(0).buffers()[1], done.rows["n"].chunk(0).buffers()[1]
    assert after.address == before.address
    assert done.rows.column_names == ["n", "_row"]


def test_columns_may_change_from_span_to_span(session: Session) -> None:
    conform = Conform({"n": "BIGINT", "s": "VARCHAR"})
    one = conform(pa.table({"n": [1], "s": ["x"]}), session).rows
    two = conform(pa.table({"n": ["2"]}), session).rows
    three = conform(pa.table({"s": [3], "n": pa.array([3], pa.int8())}), session).rows
    assert pa.concat_tables([one, two, three]).select(["n", "s"]).to_pylist() == [
        {"n": 1, "s": "x"},
        {"n": 2, "s": None},
        {"n": 3, "s": "3"},
    ]


def test_times_without_a_zone_are_utc(session: Session) -> None:
    table = pa.table(
        {"ts": pa.array([1], pa.timestamp("s")), "e": pa.array([1], pa.timestamp("s"))}
    )
    done = Conform({"ts": "TIMESTAMPTZ", "e": "EPOCH_S"})(table, session)
    assert done.rows["ts"].to_pylist() == [datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)]
    assert done.rows["e"].to_pylist() == [datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)]


def test_a_bad_value_inside_of_a_list_rejects_the_row(session: Session) -> None:
    table = pa.table({"l": [["1"], ["x"], None, []]})
    done = Conform({"l": "INTEGER[]"})(table, session)
    assert done.rows.to_pylist() == [
        {"l": [1], "_row": 0},
        {"l": None, "_row": 2},
        {"l": [], "_row": 3},
    ]
    assert done.rejects.to_pylist() == [{"_row": 1, "reason": "field l: [x] is not an INTEGER[]"}]


def test_raw_bytes_are_kept_as_they_are(session: Session) -> None:
    raw = pa.table({"_raw": pa.array([b"\xff", None, b"a"], pa.binary())})
    done = RawFormat(None, {"data": "BLOB"}).decode(raw, session)
    assert done.rows["data"].to_pylist() == [b"\xff", b"a"]
    assert done.rejects["_row"].to_pylist() == [1]
    assert RawFormat(None, {}).infer(raw, session) == {"line": "BLOB"}


@pytest.mark.parametrize("schema", [{"a": "VARCHAR", "b": "VARCHAR"}, {"a": "BIGINT"}])
def test_raw_refuses_a_schema_that_is_not_one_text(schema: dict[str, str]) -> None:
    with pytest.raises(SpecRefused, match="one field of text or bytes") as caught:
        RawFormat(None, schema)
    assert caught.value.faults[0].remedy.startswith("declare {line: VARCHAR}")


def test_nanoseconds_with_a_zone_are_inferred_as_what_a_stream_may_declare(
    session: Session,
) -> None:
    times = pa.array([0], pa.timestamp("ns", tz="UTC"))
    inferred = infer_columns(pa.table({"ts": times, "v": [1]}), session)
    assert inferred == {"ts": "TIMESTAMP WITH TIME ZONE", "v": "BIGINT"}
