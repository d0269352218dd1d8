"""By which columns the rows of a stream in a sample can be told apart."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from streamops_nb.engine.preview.flows import Flow

__all__ = ["key_of"]

_MOST = 8
"""So many columns beside the event time are tried."""
_FIRST = 5_000


def key_of(flow: Flow) -> tuple[str, ...]:
    """Find columns that differ between every two rows of a sample's stream; empty if none do.

    The fewest are taken, the event time before others; none that holds fractions or nested values.
    """
    table = flow.inflow.table
    time = "" if flow.timing is None else flow.timing.column
    others = [f.name for f in table.schema if f.name != time and _tells(f.type)][:_MOST]
    found = (key for key in _candidates(time, others) if _unique(table, key))
    return next(found, ())


def _candidates(time: str, others: list[str]) -> Iterator[tuple[str, ...]]:
    if time:
        yield (time,)
    yield from ((name,) for name in others)
    if time:
        yield from ((time, name) for name in others)
        yield (time, *others)


def _tells(kind: pa.DataType) -> bool:
    simple = (pa.types.is_integer, pa.types.is_string, pa.types.is_date, pa.types.is_timestamp)
    return any(is_kind(kind) for is_kind in simple)


def _unique(table: pa.Table, key: tuple[str, ...]) -> bool:
    """Whether no two rows are equal in these columns; most that are not fail on the first rows."""
    parts = (part.select(list(key)) for part in (table.slice(0, _FIRST), table))
    return all(p.group_by(list(key)).aggregate([]).num_rows == p.num_rows for p in parts)
