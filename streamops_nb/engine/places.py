"""Rows with the places of their records: put on when they are kept, read when one is a reject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.db import Session
from streamops_nb.engine.inflow import REJECTS, Inflow, reject_table, row_texts
from streamops_nb.plan.cutting import FLAG
from streamops_nb.plan.places import OFFSET_BITS, PARTITION_BITS, PLACE, placed_stream

__all__ = ["Spots", "rejects_of", "showing", "spots_of", "with_places", "without_hidden"]

Spots = Sequence[tuple[str | None, str | None, int | None]]
"""Stream, partition and offset of rows."""


def with_places(inflow: Inflow, positions: Mapping[str, int]) -> pa.Table:
    """Give an inflow's rows with the places of their records.

    Parameters
    ----------
    positions
        The stream's positions after the batch, whose order numbers the partitions.
    """
    numbers = _numbers(inflow.raw["_partition"], list(positions))
    offsets = inflow.raw["_offset"].to_numpy()
    places = (numbers << OFFSET_BITS) | offsets
    unknown = (numbers < 0) | (numbers >> PARTITION_BITS > 0) | (offsets >> OFFSET_BITS > 0)
    column = pa.array(places, pa.int64(), mask=unknown).take(inflow.row)
    return inflow.table.append_column(PLACE, column)


def _numbers(partitions: pa.ChunkedArray, names: list[str]) -> np.ndarray:
    """The number of each record's partition; -1 where it has none."""
    known = pa.array(names, pa.string())
    parts = []
    for chunk in partitions.chunks:
        if pa.types.is_dictionary(chunk.type):
            values = pc.index_in(chunk.dictionary.cast(pa.string()), known)
            found = values.take(chunk.indices)
        else:
            found = pc.index_in(chunk, known)
        parts.append(pc.fill_null(found, -1).to_numpy(zero_copy_only=False))
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64)


def showing(
    session: Session, inflow: Inflow, positions: Mapping[str, int] | None
) -> Callable[[int, int], None]:
    """Give what makes a range of an inflow's rows readable under the name of its stream.

    Parameters
    ----------
    positions
        As of `with_places`, if they are to be readable with places too.
    """
    shown = {inflow.stream: inflow.table}
    if positions is not None:
        shown[placed_stream(inflow.stream)] = with_places(inflow, positions)

    def show(begin: int, end: int) -> None:
        for name, table in shown.items():
            session.register(name, table.slice(begin, end - begin))

    return show


def without_hidden(rows: pa.Table) -> pa.Table:
    """The same rows as queries see them: no place, no mark of what was cut off."""
    hidden = [name for name in (PLACE, FLAG) if name in rows.column_names]
    return rows.drop_columns(hidden) if hidden else rows


def spots_of(
    rows: pa.Table, streams: Sequence[str], positions: Mapping[str, Mapping[str, int]]
) -> Spots | None:
    """Read the places of kept rows.

    Parameters
    ----------
    streams
        The streams that feed the state table, in the order in which places number them.
    positions
        Per stream, its positions after the batch.
    """
    if PLACE not in rows.column_names:
        return None
    return [_spot(place, streams, positions) for place in rows[PLACE].to_pylist()]


def _spot(
    place: int | None, streams: Sequence[str], positions: Mapping[str, Mapping[str, int]]
) -> tuple[str | None, str | None, int | None]:
    if place is None:
        return None, None, None
    number, offset = divmod(place, 1 << OFFSET_BITS)
    stream, partition = divmod(number, 1 << PARTITION_BITS)
    name = streams[stream]
    return name, list(positions[name])[partition], offset


def rejects_of(rows: pa.Table, reasons: Sequence[str], stage: str, spots: Spots | None) -> pa.Table:
    """Make rejects of kept or closed rows that failed in a stage.

    A record that failed in several windows at once is one reject.
    """
    rejects = reject_table(
        stage=stage, kind="expression", reasons=reasons, raws=row_texts(without_hidden(rows))
    )
    if spots is None:
        return rejects
    for field, values in zip(
        ("stream", "partition", "offset"), zip(*spots, strict=True), strict=True
    ):
        number = REJECTS.get_field_index(field)
        column = pa.array(values, REJECTS.field(number).type)
        rejects = rejects.set_column(number, REJECTS.field(number), column)
    first = {spot: i for i, spot in reversed(list(enumerate(spots))) if spot[0] is not None}
    unknown = [i for i, spot in enumerate(spots) if spot[0] is None]
    return rejects.take(pa.array(sorted([*first.values(), *unknown]), pa.int64()))
