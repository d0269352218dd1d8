"""Times that are not written as in ISO 8601, in every format."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from streamops_nb.db import Session, sealed
from streamops_nb.formats.conform import Conform
from streamops_nb.formats.csv_format import CsvFormat
from streamops_nb.formats.json_format import JsonFormat

FORM = "TIMESTAMPTZ('%d/%m/%Y %H:%M')"
HINT = (
    " as in ISO 8601 - declare EPOCH_S, EPOCH_MS or EPOCH_US for numbers, "
    "TIMESTAMPTZ('%d/%m/%Y %H:%M') for another form"
)
NOON = datetime(2025, 12, 31, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    instance = sealed()
    yield instance.session()
    instance.close()


def told(decoded: Any) -> tuple[list[Any], list[str]]:
    return decoded.rows["at"].to_pylist(), decoded.rejects["reason"].to_pylist()


def json_of(session: Session, kind: str, *records: bytes) -> tuple[list[Any], list[str]]:
    raw = pa.table({"_raw": pa.array(records, pa.binary())})
    return told(JsonFormat(None, {"at": kind}).decode(raw, session))


def csv_of(session: Session, kind: str, *records: bytes) -> tuple[list[Any], list[str]]:
    raw = pa.table({"_raw": pa.array(records, pa.binary())})
    settings = CsvFormat.Settings(delimiter=";")
    return told(CsvFormat(settings, {"at": kind}).decode(raw, session))


@pytest.mark.parametrize(
    ("kind", "text", "time"),
    [
        (FORM, "31/12/2025 12:00", NOON),
        ("timestamptz( '%d/%b/%Y:%H:%M:%S %z' )", "31/Dec/2025:13:00:00 +0100", NOON),
        ("TIMESTAMPTZ('%b %-d, %Y %-I:%M %p')", "Dec 31, 2025 12:00 PM", NOON),
        ("TIMESTAMP('%d.%m.%y %H''%M')", "31.12.25 12'00", NOON.replace(tzinfo=None)),
        ("DATE('%Y%m%d')", "20251231", date(2025, 12, 31)),
    ],
)
def test_a_time_in_its_declared_form_is_read_in_json_in_csv_and_from_columns(
    session: Session, kind: str, text: str, time: Any
) -> None:
    record = b'{"at":"%s"}' % text.encode()
    assert json_of(session, kind, record, b'{"at":null}') == ([time, None], [])
    assert json_of(session, kind, record, b"{}") == ([time, None], [])  # the forgiving way
    assert csv_of(session, kind, b"%s\n" % text.encode()) == ([time], [])
    assert told(Conform({"at": kind})(pa.table({"at": [text, None]}), session)) == (
        [time, None],
        [],
    )


def test_a_text_in_another_form_is_a_reject_that_shows_the_form(session: Session) -> None:
    reason = f'field at: "2025-12-31" is not a {FORM}'
    good, bad = b'{"at":"31/12/2025 12:00"}', b'{"at":"2025-12-31"}'
    assert json_of(session, FORM, good, bad, good) == ([NOON, NOON], [reason])
    assert csv_of(session, FORM, b"31/12/2025 12:00\n", b"2025-12-31\n") == ([NOON], [reason])


def test_what_is_a_time_already_keeps_it(session: Session) -> None:
    table = pa.table({"at": pa.array([NOON], pa.timestamp("us", tz="UTC"))})
    assert told(Conform({"at": FORM})(table, session)) == ([NOON], [])


def test_a_reject_of_a_time_in_no_iso_form_says_what_may_be_declared(session: Session) -> None:
    _, reasons = json_of(
        session,
        "TIMESTAMPTZ",
        b'{"at":"31/12/2025 12:00"}', b'{"at":1767182400}', b'{"at":"2025-13-31"}',
    )  # fmt: skip
    assert reasons == [
        f'field at: "31/12/2025 12:00" is not a TIMESTAMPTZ{HINT}',
        f"field at: 1767182400 is not a TIMESTAMPTZ{HINT}",
        'field at: "2025-13-31" is not a TIMESTAMPTZ',
    ]
    _, reasons = csv_of(session, "DATE", b"31/12/2025\n", b"2025-02-30\n")
    assert reasons == [
        f'field at: "31/12/2025" is not a DATE{HINT}',
        'field at: "2025-02-30" is not a DATE',
    ]
