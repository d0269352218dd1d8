from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from streamops_nb.db import Session, sealed
from streamops_nb.sinks.json_rows import json_texts


@pytest.fixture
def session() -> Iterator[Session]:
    instance = sealed(threads=1)
    yield instance.session()
    instance.close()


def written(session: Session, select: str) -> list[dict[str, Any]]:
    values, _ = json_texts(session, session.table(select), None)
    return [json.loads(value) for value in values]


def test_times_inside_lists_structs_and_maps_are_iso_8601(session: Session) -> None:
    at, iso = "TIMESTAMPTZ '2024-03-31 01:30:00.5+01'", "2024-03-31T00:30:00.500000Z"
    found = written(
        session,
        f"""SELECT [[{at}], NULL] AS lists, {{'a': {{'b': {at}}}}} AS structs,
            MAP {{'k': {at}, 'n': NULL}} AS maps, MAP {{'k': [{{'at': {at}}}]}} AS mixed,
            NULL::STRUCT("at" TIMESTAMPTZ) AS nothing""",
    )
    assert found == [
        {
            "lists": [[iso], None],
            "structs": {"a": {"b": iso}},
            "maps": {"k": iso, "n": None},
            "mixed": {"k": [{"at": iso}]},
            "nothing": None,
        }
    ]


def test_what_json_cannot_say_is_null(session: Session) -> None:
    select = "SELECT unnest(['nan', 'inf', '-inf', '1e300']::DOUBLE[]) AS x, ['nan'::FLOAT] AS xs"
    values, _ = json_texts(session, session.table(select), None)
    assert [json.loads(value, parse_constant=pytest.fail) for value in values] == [
        {"x": x, "xs": [None]} for x in (None, None, None, 1e300)
    ]


def test_bytes_are_base64_and_other_types_their_text(session: Session) -> None:
    found = written(
        session,
        """SELECT '\\x00\\xFF'::BLOB AS blob, DATE '2024-02-29' AS day, TIME '01:02:03' AS clock,
            'b'::ENUM('a', 'b') AS choice, '6f9619ff-8b86-d011-b42d-00c04fc964ff'::UUID AS id""",
    )
    assert found == [
        {
            "blob": "AP8=",
            "day": "2024-02-29",
            "clock": "01:02:03",
            "choice": "b",
            "id": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        }
    ]


def test_a_column_may_have_any_name(session: Session) -> None:
    name = 'it\'s "odd"; é'
    values, keys = json_texts(session, pa.table({name: ["v"]}), name)
    assert json.loads(values[0]) == {name: "v"}
    assert keys == [b"v"]


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("7::BIGINT", b"7"),
        ("'é'", "é".encode()),
        ("NULL::VARCHAR", None),
        ("TIMESTAMPTZ '2024-01-01 00:00:00+00'", b"2024-01-01T00:00:00.000000Z"),
        ("{'a': 1}", b'{"a":1}'),
    ],
)
def test_a_key_is_the_text_of_its_column(session: Session, value: str, key: bytes | None) -> None:
    _, keys = json_texts(session, session.table(f"SELECT {value} AS k"), "k")
    assert keys == [key]
