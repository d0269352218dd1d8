"""What hypothesis draws for these proofs: rows, orders of arrival, cuts, crashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from streamops_nb.testing import Crash, Pause
from tests.flow.running import Input

__all__ = ["CLICKS", "READINGS", "Case", "cases", "inputs"]

READINGS = {
    "ts": "TIMESTAMPTZ",
    "id": "BIGINT",
    "device": "VARCHAR",
    "temp": "DOUBLE",
    "n": "BIGINT",
    "tags": "VARCHAR[]",
}
CLICKS = {"ts": "TIMESTAMPTZ", "id": "BIGINT", "device": "VARCHAR", "url": "VARCHAR"}

# an ordinary day; around the epoch; a minute before a leap day; centuries before 1970
BASES = (
    datetime(2024, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 50, tzinfo=UTC),
    datetime(2024, 2, 28, 23, 59, 30, tzinfo=UTC),
    datetime(1582, 10, 4, 12, tzinfo=UTC),
)

DEVICES = st.sampled_from(["a", "b", "c", None])
# multiples of 1/4: sums of them are exact in whatever order they are taken
NUMBERS = st.one_of(st.none(), st.integers(-40, 40).map(lambda quarters: quarters / 4))
TAGS = st.one_of(st.none(), st.lists(st.sampled_from(["x", "y", None]), max_size=3))


@dataclass(frozen=True, kw_only=True)
class Case:
    """One example: a query, its inputs, and how the job that runs it is disturbed."""

    query: str
    inputs: Mapping[str, Input]
    rows_per_batch: int
    restart: int
    ahead: bool
    params: Mapping[str, Any] = field(default_factory=dict)


def _moments(longest: int) -> st.SearchStrategy[float]:
    """Seconds: in quarters, and a microsecond before or after a whole one."""
    quarters = st.integers(0, 4 * longest).map(lambda quarter: quarter / 4)
    return st.one_of(
        quarters, st.integers(1, longest).flatmap(lambda s: st.sampled_from([s - 1e-6, s + 1e-6]))
    )


@st.composite
def _partition(
    draw: st.DrawFn, fields: Mapping[str, str], base: datetime, delay: float, most: int
) -> list[dict[str, Any]]:
    """Rows in an order of arrival in which none comes more than `delay` behind a later one."""
    moments = draw(st.lists(st.tuples(_moments(60), st.floats(0, 0.99)), max_size=most))
    # a far jump now and then, so that many windows close at once
    shift = draw(st.sampled_from([0, 0, 0, 3600]))
    half = len(moments) // 2
    moved = [
        (moment + (shift if place >= half else 0), part)
        for place, (moment, part) in enumerate(moments)
    ]
    arrived = sorted(moved, key=lambda each: each[0] + each[1] * delay)
    rows = []
    for moment, _ in arrived:
        values = {
            "ts": base + timedelta(seconds=moment),
            "device": draw(DEVICES),
            "temp": draw(NUMBERS),
            "n": draw(st.one_of(st.none(), st.integers(-9, 9))),
            "tags": draw(TAGS),
            "url": draw(st.sampled_from(["u", "v"])),
        }
        rows.append({name: values[name] for name in fields if name != "id"})
    return rows


def _marked(draw: st.DrawFn, rows: Sequence[dict[str, Any]]) -> list[Any]:
    """Put pauses and crashes between rows."""
    marks = draw(
        st.lists(st.tuples(st.integers(0, len(rows)), st.sampled_from([Pause, Crash])), max_size=3)
    )
    items: list[Any] = list(rows)
    for place, mark in sorted(marks, key=lambda each: each[0], reverse=True):
        items.insert(place, mark())
    return items


@st.composite
def inputs(
    draw: st.DrawFn, names: Sequence[str], *, stamp: str = "TIMESTAMPTZ", most: int = 10
) -> dict[str, Input]:
    """Draw the rows of some streams."""
    base = draw(st.sampled_from(BASES))
    made: dict[str, Input] = {}
    count = 0
    for name in names:
        fields = dict(READINGS if name == "readings" else CLICKS)
        fields["ts"] = stamp
        delay = draw(st.sampled_from([0, 1, 20]))
        # partitions that are one log keep the order of arrival only if there is one
        partitions = draw(st.integers(1, 3))
        parts: dict[str, list[Any]] = {}
        for number in range(partitions):
            rows = draw(_partition(fields, base, delay, most))
            for row in rows:
                count += 1
                row["id"] = count
                if stamp == "TIMESTAMP":
                    row["ts"] = row["ts"].replace(tzinfo=None)
            parts[str(number)] = _marked(draw, rows)
        apart = partitions > 1 or draw(st.booleans())
        settings = {"event_time": "ts", "watermark_delay": f"{delay}s"}
        made[name] = Input(fields=fields, rows=parts, settings=settings, apart=apart)
    return made


@st.composite
def cases(
    draw: st.DrawFn,
    queries: st.SearchStrategy[str],
    names: Sequence[str] = ("readings",),
    *,
    params: Mapping[str, Any] | None = None,
) -> Case:
    """Draw an example of some queries."""
    return Case(
        query=draw(queries),
        inputs=draw(inputs(names, stamp=draw(st.sampled_from(["TIMESTAMPTZ", "TIMESTAMP"])))),
        rows_per_batch=draw(st.sampled_from([1, 3, 7, 100])),
        restart=draw(st.sampled_from([0, 0, 0, 3])),
        ahead=draw(st.integers(0, 3)) == 0,
        params=params or {},
    )
