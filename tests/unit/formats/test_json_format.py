"""JSON: nested types, epochs, inference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamops_nb.db import Session, sealed
from streamops_nb.formats.json_format import JsonFormat


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    instance = sealed()
    yield instance.session()
    instance.close()


def decode(session: Session, schema: dict[str, str], *records: Any) -> tuple[list[Any], list[str]]:
    raws = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in records]
    raw = pa.table({"_raw": pa.array(raws, pa.binary())})
    done = JsonFormat(None, schema).decode(raw, session)
    rows = [{k: v for k, v in row.items() if k != "_row"} for row in done.rows.to_pylist()]
    return rows, done.rejects["reason"].to_pylist()


NESTED = {
    "p": "STRUCT(x INTEGER, y STRUCT(z DATE))",
    "l": "INTEGER[]",
    "m": "MAP(INTEGER, DOUBLE)",
    "f": "INTEGER[2]",
    "s": "STRUCT(q INTEGER)[]",
    "j": "JSON",
}
GOOD = [
    ({"p": {"x": 1, "extra": [1]}}, {"p": {"x": 1, "y": None}}),
    ({"p": {"y": {"z": "2026-01-01"}}}, {"p": {"x": None, "y": {"z": date(2026, 1, 1)}}}),
    ({"p": {}}, {"p": {"x": None, "y": None}}),
    ({"l": [1, None]}, {"l": [1, None]}),
    ({"l": []}, {"l": []}),
    ({"m": {"1": 2, "3": None}}, {"m": [(1, 2.0), (3, None)]}),
    ({"f": [1, 2]}, {"f": [1, 2]}),
    ({"s": [{"q": 1}, {}, None]}, {"s": [{"q": 1}, {"q": None}, None]}),
    ({"j": {"a": [1]}}, {"j": '{"a":[1]}'}),
    ({"j": "text"}, {"j": '"text"'}),
    ({"p": None, "l": None, "m": None, "f": None, "s": None, "j": None}, {}),
]
BAD = [
    (b'{"p":{"x":"q"}}', 'field p.x: "q" is not an INTEGER'),
    (b'{"p":{"y":{"z":"2026-21-01"}}}', 'field p.y.z: "2026-21-01" is not a DATE'),
    (b'{"p":5}', "field p: 5 is not a STRUCT(x INTEGER, y STRUCT(z DATE))"),
    (b'{"p":{"x":1,"x":2}}', "field x appears twice"),
    (b'{"l":[1,"z"]}', 'field l[]: "z" is not an INTEGER'),
    (b'{"l":{}}', "field l: {} is not an INTEGER[]"),
    (b'{"m":{"a":2}}', 'field m: {"a":2} is not a MAP(INTEGER, DOUBLE)'),
    (b'{"m":{"1":"k"}}', 'field m[]: "k" is not a DOUBLE'),
    (b'{"m":{"1":1,"1":2}}', 'field m: {"1":1,"1":2} is not a MAP(INTEGER, DOUBLE)'),
    (b'{"f":[1]}', "field f: [1] is not an INTEGER[2]"),
    (b'{"s":[{"q":1},{"q":[]}]}', "field s[].q: [] is not an INTEGER"),
    (b'{"s":[3]}', "field s[]: 3 is not a STRUCT(q INTEGER)"),
]


@pytest.mark.parametrize(("record", "row"), GOOD)
def test_nested_fields_may_miss_parts(session: Session, record: Any, row: Any) -> None:
    assert decode(session, NESTED, record) == ([dict.fromkeys(NESTED) | row], [])


@pytest.mark.parametrize(("record", "reason"), BAD)
def test_a_bad_value_inside_of_a_field_rejects_the_record(
    session: Session, record: bytes, reason: str
) -> None:
    assert decode(session, NESTED, record) == ([], [reason])


def test_complete_nested_records_decode_the_strict_way_with_the_same_result(
    session: Session,
) -> None:
    whole = {
        "p": {"x": 1, "y": {"z": "2026-01-01"}},
        "l": [1],
        "m": {"1": 2},
        "f": [1, 2],
        "s": [{"q": 1}],
        "j": {"a": [1]},
    }
    strict, _ = decode(session, NESTED, whole)
    forgiving, rejected = decode(session, NESTED, whole, b"spoils the batch")
    assert forgiving == strict
    assert rejected == ["not JSON: spoils the batch"]


def test_epochs_become_times(session: Session) -> None:
    schema = {"s": "EPOCH_S", "ms": "EPOCH_MS", "us": "EPOCH_US"}
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    seconds = int(noon.timestamp())
    record = {"s": seconds, "ms": seconds * 1000, "us": seconds * 1_000_000}
    assert decode(session, schema, record) == ([{"s": noon, "ms": noon, "us": noon}], [])
    rows, reasons = decode(session, schema, {"s": 2**62}, {"ms": "noon"}, {"us": 1}, record)
    assert [row["us"] for row in rows] == [datetime(1970, 1, 1, 0, 0, 0, 1, UTC), noon]
    assert reasons == [
        "field s: 4611686018427387904 is not an EPOCH_S",
        'field ms: "noon" is not an EPOCH_MS',
    ]


def test_awkward_field_names_are_found(session: Session) -> None:
    names = ["a b", 'q"uote', "a.b", "a/b", "a~b", "it's", "raw", "_fields", "sélect", "$x"]
    schema = dict.fromkeys(names, "BIGINT")
    record = {name: i for i, name in enumerate(names)}
    assert decode(session, schema, record) == ([record], [])
    assert decode(session, schema, record, {"raw": 1})[0] == [
        record,
        dict.fromkeys(names) | {"raw": 1},
    ]
    for name in names:
        _, reasons = decode(session, schema, record | {name: "x"})
        assert reasons == [f'field {name}: "x" is not a BIGINT']


def test_a_long_value_is_cut_short_in_the_reason(session: Session) -> None:
    _, reasons = decode(session, {"n": "BIGINT"}, {"n": "x" * 10_000})
    assert len(reasons[0]) < 120


def test_a_field_that_nobody_declared_may_appear_twice(session: Session) -> None:
    twice = b'{"n":1,"extra":1,"extra":2}'
    assert decode(session, {"n": "BIGINT"}, twice) == ([{"n": 1}], [])
    assert decode(session, {"n": "BIGINT"}, twice, b"bad")[0] == [{"n": 1}]


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 2**65), st.floats(), st.sampled_from(["1", "x", ""])
)
RECORDS = st.dictionaries(st.sampled_from(["n", "t", "p", "l", "other"]), VALUES | st.lists(VALUES))


@settings(max_examples=15)
@given(st.lists(RECORDS, min_size=2, max_size=5))
def test_the_strict_and_the_forgiving_way_agree(
    session: Session, records: list[dict[str, Any]]
) -> None:
    schema = {"n": "BIGINT", "t": "VARCHAR", "p": "STRUCT(x INTEGER)", "l": "DOUBLE[]"}
    together = decode(session, schema, *records, b"spoils the strict way")
    alone = [decode(session, schema, record) for record in records]
    rows = [row for found, _ in alone for row in found]
    reasons = [reason for _, found in alone for reason in found]
    assert repr(together) == repr((rows, [*reasons, "not JSON: spoils the strict way"]))


def test_the_strict_way_is_found_again_after_bad_batches(session: Session) -> None:
    made = JsonFormat(None, {"n": "BIGINT", "m": "BIGINT"})
    bad = pa.table({"_raw": pa.array([b'{"n":1}', b"x"], pa.binary())})
    good = pa.table({"_raw": pa.array([b'{"n":1,"m":2}'], pa.binary())})
    for table, rejected in [(bad, 1)] * 12 + [(good, 0)] * 12 + [(bad, 1)] * 3:
        done = made.decode(table, session)
        assert (done.rows.num_rows, done.rejects.num_rows) == (1, rejected)


def test_types_are_inferred_over_all_records(session: Session) -> None:
    records = [
        {"n": 1, "x": 1, "t": "2026-01-01T00:00:00Z", "day": "2026-01-01", "s": "a", "nil": None},
        {"n": 2, "x": 1.5, "t": "2026-01-01 00:00:00+02", "day": "2026-01-02", "s": "2026-01-01"},
        {"mixed": 1, "local": "2026-01-01T00:00:00", "l": [{"q": True}], "o": {"a b": [1]}},
        {"mixed": "a", "local": "2026-01-01 10:00"},
        ["no object"],
    ]
    raws = [json.dumps(record).encode() for record in records] + [b"no json", b"\xff"]
    raw = pa.table({"_raw": pa.array(raws, pa.binary())})
    assert JsonFormat(None, {}).infer(raw, session) == {
        "n": "BIGINT",
        "x": "DOUBLE",
        "t": "TIMESTAMPTZ",
        "day": "DATE",
        "s": "VARCHAR",
        "nil": "VARCHAR",
        "mixed": "JSON",
        "local": "TIMESTAMP",
        "l": 'STRUCT("q" BOOLEAN)[]',
        "o": 'STRUCT("a b" BIGINT[])',
    }


def test_nothing_is_inferred_where_there_is_no_object(session: Session) -> None:
    raw = pa.table({"_raw": pa.array([b"7", b"x"], pa.binary())})
    assert JsonFormat(None, {}).infer(raw, session) == {}
    assert JsonFormat(None, {}).infer(raw.slice(0, 0), session) == {}
