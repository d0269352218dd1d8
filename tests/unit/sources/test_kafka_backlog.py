from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from streamops_nb.sources.kafka_backlog import FETCHED, Backlog, share

OFFSETS = st.lists(st.integers(0, 60), unique=True, min_size=1).map(sorted)
SIZES = st.lists(st.integers(0, 9), min_size=61, max_size=61)


def filled(offsets: list[int], sizes: list[int], cuts: list[int]) -> Backlog:
    """Add records in several pieces; the record at an offset has as many bytes as `sizes` says."""
    backlog = Backlog(0)
    for low, high in zip([0, *cuts], [*cuts, 99], strict=True):
        piece = [offset for offset in offsets if low <= offset < high]
        if piece:
            raw = [b"x" * sizes[offset] for offset in piece]
            empty = pa.nulls(len(piece))
            columns = [raw, piece, empty, empty]
            arrays = [pa.array(c).cast(f.type) for c, f in zip(columns, FETCHED, strict=True)]
            backlog.add(np.array(piece, np.int64), pa.record_batch(arrays, schema=FETCHED))
    return backlog


def between(backlog: Backlog, start: int, stop: int) -> list[int]:
    return [
        offset for rows in backlog.between(start, stop) for offset in rows["_offset"].to_pylist()
    ]


CUTS = st.lists(st.integers(1, 60), max_size=3).map(sorted)


@given(st.lists(st.integers(0, 50), max_size=8), st.integers(0, 200))
def test_a_share_is_even_and_leaves_nothing_over(wants: list[int], total: int) -> None:
    given_out = share(wants, total)
    assert sum(given_out) == min(total, sum(wants))
    assert all(0 <= got <= want for got, want in zip(given_out, wants, strict=True))
    unsatisfied = [got for got, want in zip(given_out, wants, strict=True) if got < want]
    assert max(given_out, default=0) <= min(unsatisfied, default=10**9) + 1


@given(OFFSETS, SIZES, CUTS, st.integers(0, 70), st.integers(0, 70))
def test_the_records_between_two_offsets_are_those_that_were_added(
    offsets: list[int], sizes: list[int], cuts: list[int], start: int, stop: int
) -> None:
    backlog = filled(offsets, sizes, cuts)
    assert between(backlog, start, stop) == [o for o in offsets if start <= o < stop]
    assert backlog.rows == len(offsets)
    assert backlog.nbytes == sum(sizes[o] for o in offsets)
    assert backlog.end == offsets[-1] + 1


@given(OFFSETS, SIZES, CUTS, st.integers(0, 61))
def test_what_is_skipped_is_gone_and_nothing_else(
    offsets: list[int], sizes: list[int], cuts: list[int], to: int
) -> None:
    backlog = filled(offsets, sizes, cuts)
    to = min(to, backlog.end)
    backlog.skip(to)
    left = [o for o in offsets if o >= to]
    assert between(backlog, 0, 99) == left
    assert (backlog.start, backlog.rows) == (to, len(left))
    assert backlog.nbytes == sum(sizes[o] for o in left)


@given(OFFSETS, SIZES, CUTS, st.integers(0, 70), st.integers(0, 300))
def test_a_stop_takes_as_many_records_as_fit(
    offsets: list[int], sizes: list[int], cuts: list[int], rows: int, nbytes: int
) -> None:
    backlog = filled(offsets, sizes, cuts)
    stop, taken = backlog.stop(rows, nbytes)
    inside = between(backlog, 0, stop)
    rest = between(backlog, stop, 99)
    assert taken == sum(sizes[o] for o in inside) <= nbytes
    assert len(inside) <= rows
    assert not rest or len(inside) == rows or taken + sizes[rest[0]] > nbytes
    if inside and not rest:
        assert stop == backlog.end


@given(OFFSETS, SIZES)
def test_a_record_that_comes_twice_is_kept_once(offsets: list[int], sizes: list[int]) -> None:
    backlog = filled(offsets, sizes, [])
    rows = next(backlog.between(0, 99))
    backlog.add(np.array(offsets, np.int64), rows)
    assert between(backlog, 0, 99) == offsets


def test_an_end_behind_a_gap_is_reached_and_left_again() -> None:
    backlog = filled([0, 1], [1] * 61, [])
    backlog.reach(4)
    assert (backlog.end, backlog.at_end) == (4, True)
    assert backlog.stop(5, 99) == (4, 2)
    backlog.reach(3)  # news that is older
    assert backlog.end == 4
