"""CSV: headers, quotes, NULLs, and where records end."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from streamops_nb.db import Session, sealed
from streamops_nb.formats.csv_format import CsvFormat
from streamops_nb.formats.csv_records import csv_ends, without_blank

SCHEMA = {"a": "BIGINT", "b": "VARCHAR", "c": "DOUBLE"}


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    instance = sealed()
    yield instance.session()
    instance.close()


def decode(
    session: Session, *records: bytes, headers: list[str] | None = None, **settings: Any
) -> tuple[list[Any], list[str]]:
    raw = pa.table({"_raw": pa.array(records, pa.binary())})
    if headers is not None:
        raw = raw.append_column("_header", pa.array(headers).dictionary_encode())
    done = CsvFormat(CsvFormat.Settings(**settings), SCHEMA).decode(raw, session)
    rows = [tuple(row.values())[:-1] for row in done.rows.to_pylist()]
    return rows, done.rejects["reason"].to_pylist()


def test_fields_go_by_the_name_in_the_header(session: Session) -> None:
    rows = decode(session, b"x,1,2\n", b"3,y\n", headers=["b,c,a\n", "\ufeffa,b\r\n"])
    assert rows == ([(2, "x", 1.0), (3, "y", None)], [])


def test_a_header_that_fits_nothing_rejects_its_records(session: Session) -> None:
    rows, reasons = decode(
        session, b"1;2\n", b"1,2\n", b"1,q,2\n", headers=["a;b;c\n", "a,a\n", "a,b,c\n"]
    )
    assert rows == [(1, "q", 2.0)]
    assert reasons == [
        "the header `a;b;c` has none of the fields of the schema: is its delimiter ';'?",
        "the header names a twice",
    ]


def test_texts_for_null_count_only_without_quotes(session: Session) -> None:
    rows = decode(session, b'NA,"NA",\n', null=["", "NA"])
    assert rows == ([(None, "NA", None)], [])
    assert decode(session, b'1,"",2\n') == ([(1, "", 2.0)], [])
    assert decode(session, b"1,,2\n", null=[]) == ([(1, "", 2.0)], [])


def test_delimiter_and_quote_can_be_set(session: Session) -> None:
    assert decode(session, b"1;'x;y';2\n", delimiter=";", quote="'") == ([(1, "x;y", 2.0)], [])
    assert decode(session, b'1\t"x\t2\n', delimiter="\t", quote="") == ([(1, '"x', 2.0)], [])


@pytest.mark.parametrize("wrong", [{"delimiter": ""}, {"delimiter": "ab"}, {"quote": "“"}])
def test_a_delimiter_is_one_ascii_character(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="one ASCII character"):
        CsvFormat.Settings(**wrong)


def test_one_bad_record_does_not_touch_thousands_around_it(session: Session) -> None:
    records = [b'%d,"x\ny",1\n' % n for n in range(5000)]
    records[1234] = b'1234,"not closed,1\n'
    records[4321] = b"4321,two,1\n4322,rows,1\n"
    rows, reasons = decode(session, *records)
    assert [row[0] for row in rows] == [n for n in range(5000) if n not in (1234, 4321)]
    assert len(reasons) == 2


def ends_one_by_one(data: bytes, delimiter: bytes, quote: bytes) -> list[int]:
    """Say where records end, a byte at a time."""
    ends, quoted, begins = [], False, True
    i = 0
    while i < len(data):
        byte = data[i : i + 1]
        if quoted and byte == quote and data[i + 1 : i + 2] == quote:
            i += 1
        elif byte == quote and (quoted or begins):
            quoted = not quoted
        elif byte == b"\n" and not quoted:
            ends.append(i + 1)
        begins = not quoted and byte in (delimiter, b"\n", b"\r")
        i += 1
    return ends


@given(st.text("\"'a,;\r\n", max_size=40))
def test_records_end_where_reading_byte_by_byte_finds_them(text: str) -> None:
    data = text.encode()
    found = csv_ends(np.frombuffer(data, np.uint8), ",", '"').tolist()
    assert found == ends_one_by_one(data, b",", b'"')


FIELDS = st.text('"a,\n é', max_size=6)


@given(st.lists(st.lists(FIELDS, min_size=3, max_size=3), min_size=1, max_size=8))
def test_what_the_csv_module_writes_is_read_back(
    session: Session, records: list[list[str]]
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(records)
    data = out.getvalue().encode()
    ends = without_blank(
        np.frombuffer(data, np.uint8), csv_ends(np.frombuffer(data, np.uint8), ",", '"')
    ).tolist()
    raws = [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    raw = pa.table({"_raw": pa.array(raws, pa.binary())})
    done = CsvFormat(None, dict.fromkeys("abc", "VARCHAR")).decode(raw, session)
    assert [list(row.values())[:-1] for row in done.rows.to_pylist()] == records


def test_types_are_inferred_by_trying_them_on_all_values(session: Session) -> None:
    header = "i,d,b,s,day,ts,nil\n"
    records = [
        b"1,1,true,x,2026-01-01,2026-01-01T00:00:00Z,\n",
        b"-2,1.5,FALSE,2,2026-12-31,2026-01-01 00:00:00.5+02:00,\n",
        b",,,,,,\n",
    ]
    raw = pa.table(
        {
            "_raw": pa.array(records, pa.binary()),
            "_header": pa.array([header] * 3).dictionary_encode(),
        }
    )
    assert CsvFormat(None, {}).infer(raw, session) == {
        "i": "BIGINT",
        "d": "DOUBLE",
        "b": "BOOLEAN",
        "s": "VARCHAR",
        "day": "DATE",
        "ts": "TIMESTAMPTZ",
        "nil": "VARCHAR",
    }


def test_nested_fields_are_in_the_text_form_of_duckdb(session: Session) -> None:
    raw = pa.table({"_raw": pa.array([b"\"{'x': 1}\",5\n", b"\"{'x': q}\",6\n"], pa.binary())})
    schema = {"s": "STRUCT(x INTEGER)", "t": "EPOCH_S"}
    done = CsvFormat(None, schema).decode(raw, session)
    assert done.rows["s"].to_pylist() == [{"x": 1}]
    assert done.rejects["reason"].to_pylist() == [
        "field s: \"{'x': q}\" is not a STRUCT(x INTEGER)"
    ]


def test_a_file_in_another_encoding_is_read_in_it(session: Session) -> None:
    raw = pa.table({"_raw": pa.array([b"M\xfcll \x80;1\n", b"\x81;2\n"], pa.binary())})
    raw = raw.append_column("_header", pa.array(["Gerät;n\n"] * 2).dictionary_encode())
    settings = CsvFormat.Settings(delimiter=";", encoding="windows-1252")
    done = CsvFormat(settings, {"Gerät": "VARCHAR", "n": "BIGINT"}).decode(raw, session)
    assert done.rows["Gerät"].to_pylist() == ["Müll €"]
    assert done.rejects["reason"].to_pylist() == [
        "not cp1252: byte 0x81 at 0 - another `encoding` of the format"
    ]


def test_bytes_that_are_not_utf_8_are_told_to_name_their_encoding(session: Session) -> None:
    name = " - name it in the format, for example `encoding: cp1252` (Windows) or `latin-1`"
    headers = ["a,Ger\ufffdt\n", "\ufffd\ufffda\0,\0b\0", "a,b,c,\ufffd\n"]
    rows, reasons = decode(session, b"1,2\n", b"1,2\n", b"1,\xfc,2,3\n", headers=headers)
    assert rows == []
    wide = " - it looks like UTF-16: make it UTF-8, `iconv -f utf-16 -t utf-8`"
    assert reasons == [
        f"the header `a,Ger\ufffdt` is not UTF-8{name}",
        f"the header `\ufffd\ufffda,b` is not UTF-8{wide}",
        f"not UTF-8: byte 0xfc at 2{name}",
    ]


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-16", "a newline is more than one byte"), ("cp9", "no encoding")]
)
def test_an_encoding_is_one_in_which_newlines_can_be_found(encoding: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CsvFormat.Settings(encoding=encoding)


def test_numbers_with_a_decimal_comma_are_read_where_it_is_set(session: Session) -> None:
    kinds = {"a": "DOUBLE", "b": "DECIMAL(10, 2)", "c": "BIGINT"}
    records = [b"-28,61;1,5;7\n", b"28.61;1,5;7\n", b"1.028,61;1,5;7\n"]
    raw = pa.table({"_raw": pa.array(records, pa.binary())})
    comma = CsvFormat(CsvFormat.Settings(delimiter=";", decimal=","), kinds).decode(raw, session)
    assert comma.rows["a"].to_pylist() == [-28.61]
    assert comma.rows["b"].to_pylist() == [Decimal("1.50")]
    assert comma.rejects["reason"].to_pylist() == [
        'field a: "28.61" is not a DOUBLE', 'field a: "1.028,61" is not a DOUBLE'
    ]  # fmt: skip
    point = CsvFormat(CsvFormat.Settings(delimiter=";"), kinds).decode(raw.slice(0, 2), session)
    said = ' - with a decimal comma it is: write `decimal: ","` in the format'
    assert point.rejects["reason"].to_pylist() == [
        f'field a: "-28,61" is not a DOUBLE{said}',
        f'field b: "1,5" is not a DECIMAL(10, 2){said}',
    ]


def test_numbers_with_a_decimal_comma_are_inferred_as_numbers(session: Session) -> None:
    raw = pa.table({"_raw": pa.array([b"1,5;1.5;7\n", b"2;2;-7\n"], pa.binary())})
    settings = CsvFormat.Settings(delimiter=";", decimal=",", header=False)
    found = CsvFormat(settings, {}).infer(raw, session)
    assert found == {"column0": "DOUBLE", "column1": "VARCHAR", "column2": "BIGINT"}
