"""What makes errors equal, and what a log of them says."""

import pytest

from streamops_nb.model.errorlog import entry_of, grouped
from streamops_nb.model.events import ErrorRaised, Event, JobSaved, RejectsFound, SourceNoted
from streamops_nb.model.fingerprint import fingerprint, shape


def error(at: float, message: str = "away", **more: object) -> ErrorRaised:
    return ErrorRaised(
        job="a", run=1, at=at, stage="r", kind="SourceError", message=message, **more
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("offset 17 of partition 3", "offset 4,711 of partition 12"),
        ('field temp: "n/a" is not a DOUBLE', 'field temp: "" is not a DOUBLE'),
        ("at 2026-01-01T00:00:00Z", "at 2025-12-31T23:59:59.123Z"),
        ("pointer 0xdeadbeef", "pointer 0x12"),
        ("cast 'abc' to INT", "cast 'x y z' to INT"),
        ('quoted "a \\" b" end', 'quoted "c" end'),
    ],
)
def test_messages_that_differ_in_values_are_equal(one: str, other: str) -> None:
    assert shape(one) == shape(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("field temp: NULL", "field load: NULL"),
        ("away", "refused"),
        ("it isn't there", "it wasn't there"),
    ],
)
def test_messages_that_differ_in_words_are_not(one: str, other: str) -> None:
    assert shape(one) != shape(other)


def test_place_and_class_tell_errors_apart_too() -> None:
    other = ErrorRaised(job="b", run=1, at=1.0, stage="r", kind="SourceError", message="away")
    assert fingerprint(error(1.0)) != fingerprint(other)
    assert fingerprint(JobSaved(job="a", at=1.0, version=1, author="ann")) == ""


def test_equal_errors_are_one_group_with_number_first_and_last() -> None:
    rejects = RejectsFound(
        job="a", run=2, at=7.0, batch=3, stage="r", kind="decode", count=5, example="not JSON: 1",
        first_at=6.0,
    )  # fmt: skip
    noted = SourceNoted(job="a", run=2, at=4.0, stream="r", what="schema drift", message="+x")
    events: list[Event] = [error(1.0, "try 1"), noted, error(5.0, "try 2", count=3), rejects]
    groups = grouped([entry for event in events if (entry := entry_of(event))])
    told = [(g.level, g.kind, g.count, g.first_at, g.last_at, g.message) for g in groups]
    assert told == [
        ("warning", "reject: decode", 5, 6.0, 7.0, "not JSON: 1"),
        ("error", "SourceError", 4, 1.0, 5.0, "try 1"),
        ("info", "schema drift", 1, 4.0, 4.0, "+x"),
    ]
    assert groups[1].runs == (1,)
