"""Start points: from where a job that has no position reads, and which windows are whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from streamops_nb.engine.inlet import Inlet
from streamops_nb.engine.record import Checkpoint
from streamops_nb.engine.watermark import NEVER
from streamops_nb.model.batch import Position
from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.spec import Positions, Start
from streamops_nb.plan.operator import Plan
from streamops_nb.sources.base import Limit

__all__ = ["UNMARKED", "first_checkpoint", "reached"]

UNMARKED = Fault(
    what="the job's output has no column `_cut_off` that could mark them",
    where="start.cut_off",
    remedy="write `start: {cut_off: emit}` in the specification, or choose drop or lookback",
)
"""Windows that a start cuts off are to be emitted, and the specification did not say so."""

_LOOK = Limit(rows=2_000, nbytes=8 * 1024 * 1024)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def first_checkpoint(
    start: Start, plan: Plan, inlets: Mapping[str, Inlet], before: Checkpoint
) -> Checkpoint:
    """Give the checkpoint from which a job starts without kept state.

    Parameters
    ----------
    before
        Where the job stood, whose batch number goes on.

    Raises
    ------
    SpecRefused
        If cut-off windows are to be emitted and the plan has no column for the mark.

    Notes
    -----
    A window that begins before the *cut* may have lost rows that lie before the start point. The
    cut is the wanted time; or just after the largest event time seen before the latest record; or,
    for positions, the smallest event time found there plus the stream's watermark delay.

    With ``cut_off: drop`` such windows are not emitted, and counted; with ``emit`` they are emitted
    with a mark, for which the plan must have a column. With ``lookback`` reading begins earlier, by
    the lengths of all windows of the query (or as the specification says), and windows that end
    before the cut are made but not emitted.
    """
    if start.cut_off == "emit" and plan.operators and not plan.marks:
        raise SpecRefused([UNMARKED])
    back = _lookback(start, plan)
    positions: dict[str, Position] = {}
    cuts = []
    for name, inlet in inlets.items():
        position, cut = _start_of(start, inlet, before)
        if cut is not None:
            cuts.append(cut)
            if back is not None:
                position = inlet.source.seek(_EPOCH + cut * _MICROSECOND - back)
        positions[name] = dict(position)
    checkpoint = Checkpoint(n=before.n, seq=before.seq, positions=positions)
    if not cuts:
        return checkpoint
    cut = max(cuts)
    if back is None:
        return replace(checkpoint, cut=cut, emits_cut_off=start.cut_off == "emit")
    return replace(checkpoint, cut=cut - back // _MICROSECOND, since=cut)


def _start_of(start: Start, inlet: Inlet, before: Checkpoint) -> tuple[Position, int | None]:
    """Where a stream starts, and its cut (None: nothing lies before it)."""
    at = start.at or ("earliest" if inlet.source.traits.bounded else "latest")
    if isinstance(at, Positions):
        position = at.positions.get(inlet.name, {})
        return position, _after(inlet, position)
    if isinstance(at, datetime):
        return inlet.source.seek(at), (at - _EPOCH) // _MICROSECOND
    if at == "stopped" and inlet.name in before.positions:
        position = before.positions[inlet.name]
        return position, before.cut if before.cut > NEVER else _after(inlet, position)
    if at == "latest":
        return inlet.source.seek(0), _last_before(inlet)
    return inlet.ends().earliest, None


def reached(inlet: Inlet, stands: Checkpoint) -> int:
    """Just after the largest event time that a job has read of a stream; `NEVER` before any."""
    if inlet.name in stands.clocks:
        largest = stands.reach(inlet.name)
        return largest if largest <= NEVER else largest + 1
    found = _after(inlet, stands.positions.get(inlet.name, {}))
    return NEVER if found is None else found


def _after(inlet: Inlet, position: Position) -> int | None:
    """The cut of a position; None if nothing lies before it."""
    first = inlet.ends().earliest
    lies = any(position.get(partition, offset) > offset for partition, offset in first.items())
    return _first_after(inlet, position) if lies else None


def _lookback(start: Start, plan: Plan) -> timedelta | None:
    if start.cut_off != "lookback":
        return None
    if start.lookback is not None:
        return start.lookback
    return sum((operator.window.size for operator in plan.operators), 0) * _MICROSECOND


def _last_before(inlet: Inlet) -> int | None:
    """Just after the largest event time among the latest records."""
    if inlet.timing is None:
        return None
    inflow, _ = inlet.read(inlet.cut(inlet.source.seek(_LOOK.rows), _LOOK))
    if not inflow.table.num_rows:
        return None
    latest = inflow.timed(inlet.timing.column, None).latest
    return max(latest.values()) + 1 if latest else None


def _first_after(inlet: Inlet, position: Position) -> int | None:
    """Just after the largest event time that can lie before a position.

    Rows of a partition are at most the watermark delay behind the largest event time before them,
    so none before the position lies later than the earliest one found there plus that delay.
    """
    if inlet.timing is None:
        return None
    inflow, _ = inlet.read(inlet.cut(position, _LOOK))
    if not inflow.table.num_rows:
        return _last_before(inlet)
    earliest = inflow.timed(inlet.timing.column, None).earliest_of_each(inlet.timing.column)
    return max(earliest.values()) + inlet.timing.delay + 1 if earliest else None
