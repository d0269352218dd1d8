"""Choosing some of many records."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamops_nb.engine.preview.sample import Drawn

__all__ = ["evenly", "from_time", "last_of_each", "newest"]


def newest(drawn: Drawn, rows: int) -> np.ndarray:
    """Say which are the newest `rows` records, taken evenly from the partitions."""
    count = drawn.raw.num_rows
    if not drawn.apart:
        last: np.ndarray = np.arange(count) >= count - rows
        return last
    return last_of_each(_partitions(drawn), rows)


def from_time(drawn: Drawn, times: np.ndarray, low: int) -> np.ndarray:
    """Say which records come from the first one on that is not before a time, per partition."""
    reached = times >= low
    if not drawn.apart:
        return np.maximum.accumulate(reached)
    codes = _partitions(drawn)
    keep = np.zeros(len(times), dtype=bool)
    for code in np.unique(codes):
        mine = codes == code
        keep[mine] = np.maximum.accumulate(reached[mine])
    return keep


def _partitions(drawn: Drawn) -> np.ndarray:
    """A number for the partition of each record."""
    names = drawn.raw["_partition"].cast(pa.string()).to_numpy()
    codes: np.ndarray = np.unique(names, return_inverse=True)[1]
    return codes


def last_of_each(codes: np.ndarray, rows: int) -> np.ndarray:
    """Say which records are kept if every group gets an even share of `rows`, its last ones."""
    counts = np.bincount(codes)
    shares = evenly(counts, rows)
    order = np.argsort(codes, kind="stable")
    # the place of each record in its group, counted from the group's end
    ends = np.cumsum(counts)
    from_end = ends[codes[order]] - np.arange(len(codes))
    keep = np.zeros(len(codes), dtype=bool)
    keep[order] = from_end <= shares[codes[order]]
    return keep


def evenly(wants: np.ndarray, total: int) -> np.ndarray:
    """Divide `total`: nobody gets more than they want, what is left goes to the others."""
    given = np.zeros_like(wants)
    left = total
    for done, place in enumerate(np.argsort(wants, kind="stable")):
        given[place] = min(int(wants[place]), -(-left // (len(wants) - done)))
        left -= int(given[place])
    return given
