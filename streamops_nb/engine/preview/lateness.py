"""Which rows of a sample would have come late for the windows of a stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa

from streamops_nb.db import Session
from streamops_nb.engine.inflow import row_texts
from streamops_nb.engine.preview.flows import Flow
from streamops_nb.engine.watermark import NEVER
from streamops_nb.plan.relation import Kind
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.window import Window

__all__ = ["LATE", "late_rows"]

LATE = pa.schema(
    [
        ("stage", pa.string()),
        ("stream", pa.string()),
        ("late", pa.string()),
        ("partition", pa.string()),
        ("offset", pa.int64()),
        ("row", pa.string()),
    ]
)


def late_rows(stages: Iterable[Stage], flows: Mapping[str, Flow], session: Session) -> pa.Table:
    """Find the rows that came after windows of theirs had closed, stage by stage.

    Every row is looked at as a batch of its own, which is the strictest way to cut them: a job
    that reads larger batches finds fewer. Whether the stage's filters would let the row pass is
    not looked at.
    """
    found: list[pa.Table] = []
    for stage in stages:
        for item in stage.items:
            macro = item.macro
            if macro is None or macro.source.kind is not Kind.FLOW or len(macro.frontier) != 1:
                continue
            ((stream, trail),) = macro.frontier.items()
            for late, places in _places(macro.window, flows[stream], trail, session):
                found.append(_table(stage.name, stream, late, flows[stream], places))
    return pa.concat_tables(found) if found else LATE.empty_table()


def _places(
    window: Window, flow: Flow, trail: int, session: Session
) -> Iterator[tuple[str, list[int]]]:
    """The places of rows that are late, and of those that are partly late."""
    if flow.before is None or flow.timing is None:
        return
    us = flow.inflow.microseconds(flow.timing.column)
    marks = np.where(flow.before > NEVER, flow.before - trail, flow.before)
    if window.kind == "session":  # late if it is older than the watermark
        last = first = "_us + 1"
    else:
        last, first = window.last_end("_us"), window.first_end("_us")
    rows = pa.table({"_us": us, "_mark": marks, "_place": np.arange(len(us))})
    with session.registered(_times=rows):
        told = session.rows(
            f"SELECT _place, {last} <= _mark FROM _times WHERE {first} <= _mark ORDER BY _place"
        )
    for name, whole in (("late", True), ("partly late", False)):
        places = [place for place, late in told if late is whole]
        if places:
            yield name, places


def _table(stage: str, stream: str, late: str, flow: Flow, places: list[int]) -> pa.Table:
    inflow = flow.inflow
    picked = pa.array(places)
    records = inflow.raw.take(inflow.row.take(picked))
    n = len(places)
    columns = [
        [stage] * n,
        [stream] * n,
        [late] * n,
        records["_partition"].cast(pa.string()).to_pylist(),
        records["_offset"].to_pylist(),
        [text.decode() for text in row_texts(inflow.table.take(picked))],
    ]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, LATE, strict=True)]
    return pa.Table.from_arrays(arrays, schema=LATE)
