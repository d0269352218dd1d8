"""All formats under the format contract."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from streamops_nb.formats.csv_format import CsvFormat
from streamops_nb.formats.json_format import JsonFormat
from streamops_nb.formats.parquet_format import ParquetFormat
from streamops_nb.formats.raw_format import RawFormat
from streamops_nb.testing.format_contract import Case, FormatContract

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SCHEMA = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE", "n": "BIGINT"}


def row(**values: Any) -> dict[str, Any]:
    return {"ts": None, "device": None, "temp": None, "n": None} | values


class TestJsonFormat(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(
            make=JsonFormat,
            schema=SCHEMA,
            good=[
                (
                    b'{"ts":"2026-01-01T12:00:00Z","device":"d1","temp":1.5,"n":7}\n',
                    row(ts=NOON, device="d1", temp=1.5, n=7),
                ),
                (
                    b'{"n":1,"temp":null,"device":"\xc3\xa9","ts":"2026-01-01T13:00:00+01:00"}',
                    row(ts=NOON, device="é", n=1),
                ),
                (b'{"device":"d2"}\r\n', row(device="d2")),
                (b' {"device":"d3","device2":{"x":[1]}}', row(device="d3")),
            ],
            bad=[
                (b'{"temp":"abc"}', 'field temp: "abc" is not a DOUBLE'),
                (b'{"ts":"yesterday"}', "field ts"),
                (b'{"n":1,"n":2}', "field n appears twice"),
                (b"[1]", "not a JSON object"),
                (b"null", "not a JSON object"),
                (b'{"n":1', "not JSON"),
                (b"", "not JSON"),
                (b'{"device":"\xff"}', "not UTF-8: byte 0xff at 11"),
            ],
            inferred={
                "ts": "TIMESTAMPTZ",
                "device": "VARCHAR",
                "temp": "DOUBLE",
                "n": "BIGINT",
                "device2": 'STRUCT("x" BIGINT[])',
            },
        )


class TestCsvFormat(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(
            make=CsvFormat,
            schema=SCHEMA,
            good=[
                (b"2026-01-01T12:00:00Z,d1,1.5,7\n", row(ts=NOON, device="d1", temp=1.5, n=7)),
                (
                    b'2026-01-01T13:00:00+01:00,"a ""b"",\nc",,\r\n',
                    row(ts=NOON, device='a "b",\nc'),
                ),
                (b"2026-01-01T12:00:00Z,d2,1e3,-1", row(ts=NOON, device="d2", temp=1e3, n=-1)),
            ],
            bad=[
                (b"2026-01-01T12:00:00Z,d1,abc,7\n", 'field temp: "abc" is not a DOUBLE'),
                (b"d1\n", "4 fields are expected, the record has 1"),
                (b'2026-01-01T12:00:00Z,"d1,1.5,7\n', "a quoted field is not closed"),
                (b"2026-01-01T12:00:00Z,\xff,1.5,7\n", "not UTF-8"),
                (b",d1,1,1\n,d1,1,1\n", "more than one row"),
            ],
            inferred={
                "column0": "TIMESTAMPTZ",
                "column1": "VARCHAR",
                "column2": "DOUBLE",
                "column3": "BIGINT",
            },
        )


class TestRawFormat(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(
            make=RawFormat,
            schema={"line": "VARCHAR"},
            good=[(b"a\tb", {"line": "a\tb"}), (b"", {"line": ""}), (b"\xc3\xa9", {"line": "é"})],
            bad=[(b"a\xff", "not UTF-8: byte 0xff at 1"), (None, "no value")],
            inferred={"line": "VARCHAR"},
        )


class TestParquetFormat(FormatContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(
            make=ParquetFormat,
            schema={"day": "DATE", "n": "INTEGER", "l": "INTEGER[]", "missing": "VARCHAR"},
            good=[
                (
                    {"day": "2026-01-01", "n": 2**31 - 1, "l": [1.0], "extra": True},
                    {"day": date(2026, 1, 1), "n": 2**31 - 1, "l": [1], "missing": None},
                ),
                (
                    {"day": None, "n": None, "l": None, "extra": True},
                    {"day": None, "n": None, "l": None, "missing": None},
                ),
            ],
            bad=[
                ({"day": "x", "n": 1, "l": [], "extra": True}, 'field day: "x" is not a DATE'),
                ({"day": None, "n": 2**31, "l": [], "extra": True}, "field n: 2147483648"),
                ({"day": None, "n": 1, "l": [1e300], "extra": True}, "field l"),
            ],
            inferred={"day": "VARCHAR", "n": "BIGINT", "l": "DOUBLE[]", "extra": "BOOLEAN"},
        )
