"""Rows of windows: what is known of each row's window, and in which order they are shown.

Both are done on the Arrow tables: DuckDB takes 1.2 ms for it in a stage of 2,000 rows, Arrow 0.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.engine.preview.result import WINDOW, WindowStatus
from streamops_nb.engine.preview.tables import CARRIED, CHUNK
from streamops_nb.plan.outline import Bounded

__all__ = ["in_order", "labelled", "sorts"]


def labelled(rows: pa.Table, bounded: Bounded, *, cut: int, frontier: int) -> pa.Table:
    """Add the column `WINDOW`.

    Parameters
    ----------
    bounded
        How each row's window is known.
    cut
        Windows that begin before are cut off; microseconds since the epoch.
    frontier
        Windows that end by then are complete; the others are early, also those not known.
    """
    start = _microseconds(rows[bounded.start])
    end = _microseconds(rows[bounded.end]) if bounded.end else pc.add(start, bounded.size)
    complete = pc.fill_null(pc.less_equal(end, frontier), False)
    open_or_not = pc.if_else(complete, WindowStatus.COMPLETE, WindowStatus.EARLY)
    before = pc.fill_null(pc.less(start, cut), False)
    return rows.append_column(WINDOW, pc.if_else(before, WindowStatus.CUT_OFF, open_or_not))


def _microseconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type) and column.type.unit != "us":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column.cast(pa.int64())


def sorts(columns: Mapping[str, str]) -> bool:
    """Whether Arrow sorts rows of these types (column to DuckDB type) as DuckDB does."""
    return CARRIED.keys() >= set(columns.values())


def in_order(rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Sort rows, NULL last, in pieces that are read on all cores."""
    if not rows.num_rows:
        return rows
    (batch,) = rows.combine_chunks().to_batches()  # sorted in a third of a table's time
    order = pc.sort_indices(batch, sort_keys=[(name, "ascending") for name in columns])
    return pa.Table.from_batches(_pieces(batch.take(order)), rows.schema)


def _pieces(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    return [batch.slice(at, CHUNK) for at in range(0, batch.num_rows, CHUNK)]
