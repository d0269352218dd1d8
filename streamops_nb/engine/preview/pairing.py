"""Pairing rows of two tables that are equal, or hardly differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

__all__ = ["Side", "unmatched", "without_close"]

_BUCKET = 30
"""Floats are near if their order among all floats is the same but for so many last bits."""
_MOST = 1_000_000
"""So many pairs are looked at one by one, of rows that lie at the edges of buckets."""


@dataclass(frozen=True, slots=True)
class Side:
    """Rows of one table.

    Parameters
    ----------
    places
        Where they are in it.
    rest
        A hash of everything but their floats.
    floats
        Column by column; NULL is NaN here and told apart by `rest`.
    """

    places: np.ndarray
    rest: np.ndarray
    floats: list[np.ndarray]

    def without(self, gone: np.ndarray) -> Side:
        """The others."""
        floats = [np.delete(column, gone) for column in self.floats]
        return Side(np.delete(self.places, gone), np.delete(self.rest, gone), floats)

    def buckets(self, shift: int) -> np.ndarray:
        """For each row a number that is the same for rows whose floats are near."""
        key = self.rest.copy()
        for column in self.floats:
            bucket = (_ordered(column) + shift) >> _BUCKET
            key = (key ^ bucket.view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
        return key


def unmatched(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the places of values that have no equal on the other side; of equal ones the last."""
    orders = [np.argsort(side, kind="stable") for side in (before, after)]
    mine, theirs = before[orders[0]], after[orders[1]]
    left = (_partners(mine, theirs)[1], _partners(theirs, mine)[1])
    i, j = (np.sort(order[~has]) for order, has in zip(orders, left, strict=True))
    return i, j


def without_close(before: Side, after: Side, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Leave out pairs that are equal but for floats, and these up to a relative tolerance."""
    for shift in (0, 1 << (_BUCKET - 1)):
        i, j = _near_pairs(before, after, shift, tolerance)
        before, after = before.without(i), after.without(j)
    pairs = list(_one_by_one(before, after, tolerance))
    i, j = (np.array([pair[n] for pair in pairs], dtype=np.int64) for n in (0, 1))
    return np.delete(before.places, i), np.delete(after.places, j)


def _near_pairs(
    before: Side, after: Side, shift: int, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pair the rows of each bucket in the order of their floats."""
    sides = [(side, side.buckets(shift)) for side in (before, after)]
    orders = [np.lexsort((*side.floats[::-1], keys)) for side, keys in sides]
    mine, theirs = (keys[order] for (_, keys), order in zip(sides, orders, strict=True))
    place, paired = _partners(mine, theirs)
    i, j = orders[0][paired], orders[1][place[paired]]
    near = before.rest[i] == after.rest[j]
    for a, b in zip(before.floats, after.floats, strict=True):
        near &= _near(a[i], b[j], tolerance)
    return i[near], j[near]


def _one_by_one(before: Side, after: Side, tolerance: float) -> Iterator[tuple[int, int]]:
    """Pair rows whose rest is equal: each with the first that is near and has no partner yet."""
    order = np.argsort(after.rest, kind="stable")
    first = np.searchsorted(after.rest[order], before.rest)
    counts = np.searchsorted(after.rest[order], before.rest, side="right") - first
    if counts.sum() > _MOST:
        return
    i = np.repeat(np.arange(len(counts)), counts)
    nth = np.arange(len(i)) - np.repeat(np.cumsum(counts) - counts, counts)
    j = order[np.repeat(first, counts) + nth]
    near = np.ones(len(i), dtype=bool)
    for a, b in zip(before.floats, after.floats, strict=True):
        near &= _near(a[i], b[j], tolerance)
    paired: tuple[set[int], set[int]] = (set(), set())
    for mine, theirs in zip(i[near].tolist(), j[near].tolist(), strict=True):
        if mine not in paired[0] and theirs not in paired[1]:
            paired[0].add(mine)
            paired[1].add(theirs)
            yield mine, theirs


def _partners(mine: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of sorted values the place of its partner in others, and whether it has one.

    The n-th of equal values has the n-th of those equal to it.
    """
    nth = np.arange(len(mine)) - np.searchsorted(mine, mine)
    place = np.searchsorted(theirs, mine) + nth
    return place, place < np.searchsorted(theirs, mine, side="right")


def _ordered(floats: np.ndarray) -> np.ndarray:
    """Floats as integers in the same order, neighbours one apart."""
    bits = np.where(np.isnan(floats), np.nan, floats).view(np.int64)
    ordered: np.ndarray = np.where(bits < 0, np.iinfo(np.int64).min - bits, bits)
    return ordered


def _near(a: np.ndarray, b: np.ndarray, tolerance: float) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.abs(a - b) <= tolerance * np.maximum(np.abs(a), np.abs(b))
    near: np.ndarray = (
        (a == b) | (np.isnan(a) & np.isnan(b)) | (np.isfinite(a) & np.isfinite(b) & close)
    )
    return near
