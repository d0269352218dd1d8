"""Lengths of time and sizes, as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from streamops_nb.model.duration import duration_text, parse_duration
from streamops_nb.model.size import parse_size, size_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("5s", timedelta(seconds=5)),
        ("2m", timedelta(minutes=2)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
        ("1h 30m", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        (" 1.5 hours ", timedelta(minutes=90)),
        ("250us", timedelta(microseconds=250)),
        ("10 SECONDS", timedelta(seconds=10)),
        ("0s", timedelta(0)),
        ("PT1H30M", timedelta(minutes=90)),
        ("P7D", timedelta(days=7)),
        ("P1W", timedelta(days=7)),
        ("P1DT0.5S", timedelta(days=1, milliseconds=500)),
    ],
)
def test_a_duration_is_read_as_people_write_it(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=36_525)))
def test_a_duration_written_is_read_back_equal(value: timedelta) -> None:
    assert parse_duration(duration_text(value)) == value
    assert parse_duration(value) == value


@pytest.mark.parametrize(
    ("value", "what", "remedy"),
    [
        (5, "the number 5 has no unit of time", 'write "5s" for seconds'),
        (0.5, "the number 0.5 has no unit of time", 'write "0.5s" for seconds'),
        ("5", '"5" is not a length of time', 'a unit is missing: write "5s"'),
        ("5 parsecs", '"5 parsecs" is not a length of time', "the units are d, h, m, s, ms, us"),
        ("1M", '"1M" is not a length of time', "the units are d, h, m, s, ms, us"),
        ("-5s", '"-5s" is not a length of time', "the units are"),
        (timedelta(seconds=-1), "a length of time is between 0s and 36525d", "write for example"),
        ("99999999999d", "a length of time is between 0s and 36525d", "write for example"),
        ("P1M", '"P1M" is not an ISO 8601 duration of fixed length', "weeks, days, hours"),
        ("P", '"P" is not an ISO 8601 duration of fixed length', "weeks, days, hours"),
        ("P1DT", '"P1DT" is not an ISO 8601 duration of fixed length', "weeks, days, hours"),
        ("0.1us", "nothing shorter than a microsecond can be told", "write for example"),
        ("", "a length of time is missing", "write for example"),
        (True, "this is not a length of time", "write for example"),
        (["5s"], "this is not a length of time", "write for example"),
    ],
)
def test_what_is_no_duration_is_refused_with_a_remedy(
    value: object, what: str, remedy: str
) -> None:
    with pytest.raises(PydanticCustomError) as refusal:
        parse_duration(value)
    assert refusal.value.context is not None
    assert refusal.value.context["what"] == what
    assert refusal.value.context["remedy"].startswith(remedy)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("32MiB", 33_554_432),
        ("10MB", 10_000_000),
        ("1.5 GiB", 1_610_612_736),
        ("64kb", 64_000),
        ("17", 17),
        ("17B", 17),
        (4096, 4096),
    ],
)
def test_a_size_is_read_as_people_write_it(text: str | int, expected: int) -> None:
    assert parse_size(text) == expected


@given(st.integers(min_value=0, max_value=2**60))
def test_a_size_written_is_read_back_equal(value: int) -> None:
    assert parse_size(size_text(value)) == value


@pytest.mark.parametrize("value", ["32 parsecs", "-1", -1, 1.5, "0.5B", "1e3", True, None, 2**61])
def test_what_is_no_size_is_refused_with_an_example(value: object) -> None:
    with pytest.raises(PydanticCustomError) as refusal:
        parse_size(value)
    assert refusal.value.context is not None
    assert "32MiB" in refusal.value.context["remedy"]
