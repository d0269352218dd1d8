"""Two tables of one stage, compared; checked against counting by hand."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamops_nb.db import Session, sealed
from streamops_nb.engine.preview.difference import Compared, compare

CLOSE = 1.0 + 1e-12
SCHEMA = pa.schema([("k", pa.int64()), ("x", pa.float64()), ("s", pa.string())])

cells = st.tuples(
    st.sampled_from([1, 2, 3, None]),
    st.sampled_from([1.0, CLOSE, 2.0, 0.0, math.nan, math.inf, -math.inf, None]),
    st.sampled_from(["a", "b", None]),
)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    instance = sealed(threads=1)
    yield instance.session()
    instance.close()


def table(rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = [[row[n] for row in rows] for n in range(len(SCHEMA))]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The row with equal floats written alike."""
    x = row[1]
    written = "NaN" if x is not None and math.isnan(x) else 1.0 if x == CLOSE else x
    return (row[0], written, row[2])


def taken(rows: list[tuple[Any, ...]], places: Any) -> Counter[tuple[Any, ...]]:
    return Counter(plain(rows[place]) for place in places)


@settings(max_examples=300)
@given(st.lists(cells, max_size=12), st.lists(cells, max_size=12))
def test_whole_rows_are_compared_as_multisets_up_to_close_floats(
    session: Session, before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]
) -> None:
    found = compare(table(before), table(after), [], session)
    old, new = Counter(map(plain, before)), Counter(map(plain, after))
    assert taken(before, found.removed) == old - new
    assert taken(after, found.added) == new - old
    assert (found.key, len(found.changed[0])) == ((), 0)
    assert found.unchanged == (old & new).total()


@given(
    st.lists(st.tuples(st.floats(), st.floats()), max_size=30),
    st.floats(-0.9e-9, 0.9e-9),
    st.integers(0, 30),
)
def test_floats_that_hardly_differ_are_equal_wherever_they_lie(
    session: Session, rows: list[tuple[float, float]], off: float, gone: int
) -> None:
    before = pa.table(
        {"x": pa.array([x for x, _ in rows], pa.float64()), "y": [y for _, y in rows]}
    )
    kept = [row for n, row in enumerate(rows[::-1]) if n != gone]
    after = pa.table(
        {
            "x": pa.array([x * (1 + off) if abs(x) < 1e300 else x for x, _ in kept], pa.float64()),
            "y": [y for _, y in kept],
        }
    )
    found = compare(before, after.cast(before.schema), [], session)
    assert (len(found.removed), len(found.added)) == (len(rows) - len(kept), 0)


by_key = st.lists(cells, max_size=4, unique_by=lambda row: row[0])


@given(by_key, by_key)
def test_rows_with_a_key_are_compared_cell_by_cell(
    session: Session, before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]
) -> None:
    found = compare(table(before), table(after), [["no column"], ["k"]], session)
    old, new = ({row[0]: plain(row) for row in rows} for rows in (before, after))
    assert {before[p][0] for p in found.removed} == old.keys() - new.keys()
    assert {after[p][0] for p in found.added} == new.keys() - old.keys()
    apart = {
        (before[i][0], name)
        for name, differs in found.cells.items()
        for i, differ in zip(found.changed[0], differs, strict=True)
        if differ
    }
    assert apart == {
        (k, name)
        for k in old.keys() & new.keys()
        for n, name in ((1, "x"), (2, "s"))
        if old[k][n] != new[k][n]
    }
    pairs = zip(*found.changed, strict=True)
    assert all(before[i][0] == after[j][0] for i, j in pairs)


def counts(found: Compared) -> tuple[tuple[str, ...], int, int, int]:
    return found.key, len(found.removed), len(found.added), found.n_cells


def test_a_key_that_is_not_unique_is_passed_over(session: Session) -> None:
    one = table([(1, 1.0, "a"), (1, 2.0, "b")])
    other = table([(1, 1.0, "a"), (1, 3.0, "b")])
    assert counts(compare(one, other, [["k"]], session)) == ((), 1, 1, 0)
    assert counts(compare(one, other, [["k"], ["s"]], session)) == (("s",), 0, 0, 1)


def test_columns_that_came_went_or_have_another_type_are_told(session: Session) -> None:
    one = pa.table({"k": [1, 2], "n": pa.array([1, 2], pa.int32()), "gone": ["a", "b"]})
    other = pa.table({"k": [1, 2], "n": [1.0, 2.5], "new": [True, False]})
    found = compare(one, other, [["k"]], session)
    assert found.columns == {
        "n": ("INTEGER", "DOUBLE"),
        "gone": ("VARCHAR", ""),
        "new": ("", "BOOLEAN"),
    }
    assert counts(found) == (("k",), 0, 0, 1)
    assert bool(found)


def test_a_number_and_a_text_are_compared_as_texts(session: Session) -> None:
    one = pa.table({"k": [1, 2], "v": [1, 2]})
    other = pa.table({"k": [1, 2], "v": ["1", "zwei"]})
    assert counts(compare(one, other, [["k"]], session)) == (("k",), 0, 0, 1)
    assert counts(compare(one, other, [], session)) == ((), 1, 1, 0)


def test_nested_values_are_compared(session: Session) -> None:
    one = pa.table({"v": [{"a": [1, 2]}, {"a": []}, None]})
    other = pa.table({"v": [{"a": [1, 2]}, {"a": [3]}, None]})
    assert counts(compare(one, other, [], session)) == ((), 1, 1, 0)
    assert not compare(one, one, [], session)
