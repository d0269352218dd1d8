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
    reason = f'field at: "2025-12-31" is not a {FORM} - TIMESTAMPTZ reads it'
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
        f'field at: "31/12/2025 12:00" is not a TIMESTAMPTZ as in ISO 8601 - declare {FORM}',
        "field at: 1767182400 is not a TIMESTAMPTZ as in ISO 8601 - declare EPOCH_S",
        'field at: "2025-13-31" is not a TIMESTAMPTZ',
    ]
    _, reasons = csv_of(session, "DATE", b"31/12/2025\n", b"2025-02-30\n", b"n/a\n")
    assert reasons == [
        "field at: \"31/12/2025\" is not a DATE as in ISO 8601 - declare DATE('%d/%m/%Y')",
        'field at: "2025-02-30" is not a DATE',
        f'field at: "n/a" is not a DATE{HINT}',
    ]


@pytest.mark.parametrize(
    ("texts", "declared"),
    [
        (["03.04.2026 08:01", "20.11.2026 08:01"], "TIMESTAMPTZ('%d.%m.%Y %H:%M')"),
        (["03/04/2026 08:01:00", "11/20/2026 08:01:00"], "TIMESTAMPTZ('%m/%d/%Y %H:%M:%S')"),
        (["Nov 20, 2026 08:01 AM"], "TIMESTAMPTZ('%b %d, %Y %I:%M %p')"),
        (["1795168867250", "broken"], "EPOCH_MS"),
        (["1795168867"], "EPOCH_S"),
        (["20261120080107"], "TIMESTAMPTZ('%Y%m%d%H%M%S')"),
    ],
)
def test_the_type_that_is_suggested_reads_the_values(
    session: Session, texts: list[str], declared: str
) -> None:
    records = [b'"%s"\n' % text.encode() for text in texts]
    _, reasons = csv_of(session, "TIMESTAMPTZ", *records)
    assert reasons[0] == (
        f'field at: "{texts[0]}" is not a TIMESTAMPTZ as in ISO 8601 - declare {declared}'
    )
    rows, _ = csv_of(session, declared, *records)
    assert len(rows) == len([text for text in texts if text != "broken"])


def test_a_declared_form_that_does_not_fit_is_told_the_one_that_does(session: Session) -> None:
    _, reasons = csv_of(session, FORM, b"20.11.2026 08:01\n", b"n/a\n")
    assert reasons == [
        f"field at: \"20.11.2026 08:01\" is not a {FORM} - TIMESTAMPTZ('%d.%m.%Y %H:%M') reads it",
        f'field at: "n/a" is not a {FORM}',
    ]
    _, reasons = json_of(session, "EPOCH_S", b'{"at":"2026-11-20T08:01:00Z"}')
    assert reasons == ['field at: "2026-11-20T08:01:00Z" is not an EPOCH_S - TIMESTAMPTZ reads it']


def test_local_times_are_read_in_their_zone_in_json_in_csv_and_from_columns(
    session: Session,
) -> None:
    kind = "TIMESTAMPTZ('%d.%m.%Y %H:%M', 'Europe/Berlin')"
    # summer, winter; one that the clocks pass twice is the second, one that they leave out is an
    # hour later
    texts = ["20.07.2026 14:00", "20.11.2026 13:00", "25.10.2026 02:30", "29.03.2026 02:30"]
    times = [
        datetime(2026, 7, 20, 12, tzinfo=UTC), datetime(2026, 11, 20, 12, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    ]  # fmt: skip
    assert csv_of(session, kind, *(b"%s\n" % text.encode() for text in texts)) == (times, [])
    records = [b'{"at":"%s"}' % text.encode() for text in texts]
    assert json_of(session, kind, *records) == (times, [])
    found, reasons = json_of(session, kind, *records, b'{"at":"13:00"}')
    assert (found, reasons) == (times, [f'field at: "13:00" is not a {kind}'])
    assert told(Conform({"at": kind})(pa.table({"at": texts}), session)) == (times, [])
