"""Start points: from where a job that has no position reads, and which windows are whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from streamops_nb.engine.inlet import Inlet
from streamops_nb.engine.record import Checkpoint
from streamops_nb.engine.watermark import NEVER
from streamops_nb.model.spec import Positions, Start
from streamops_nb.plan.operator import Plan
from streamops_nb.sources.base import Limit

__all__ = ["first_checkpoint"]

_LOOK = Limit(rows=2_000, nbytes=8 * 1024 * 1024)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def first_checkpoint(
    start: Start, plan: Plan, inlets: Mapping[str, Inlet], before: Checkpoint
) -> Checkpoint:
    """Give the checkpoint from which a job starts without kept state.

    Parameters
    ----------
    before
        Where the job stood, whose batch number goes on.

    Notes
    -----
    Windows that begin at or before the largest event time read before the start point may have
    lost rows: with ``cut_off: drop`` they are not emitted. With ``lookback`` the start moves back
    by the longest window, and what closed before the wanted start is not emitted again.
    """
    positions: dict[str, dict[str, int]] = {}
    cuts: list[int] = []
    back = _lookback(start, plan)
    for name, inlet in inlets.items():
        at = start.at or ("earliest" if inlet.source.traits.bounded else "latest")
        if at == "stopped" and name in before.positions:
            positions[name] = dict(before.positions[name])
            cuts.append(before.cut)
        elif isinstance(at, Positions):
            positions[name] = dict(at.positions.get(name, {}))
        elif isinstance(at, datetime):
            positions[name] = dict(inlet.source.seek(at - (back or timedelta(0))))
            cuts.append((at - _EPOCH) // timedelta(microseconds=1))
        elif at == "latest":
            positions[name] = dict(inlet.ends().latest)
            cuts += _seen_before(inlet, back, positions)
        else:
            positions[name] = dict(inlet.ends().earliest)
    cut = max(cuts, default=NEVER)
    frontiers = {}
    if back is not None and cuts:
        frontiers = {operator.name: cut for operator in plan.operators}
    return Checkpoint(
        n=before.n,
        seq=before.seq,
        positions=positions,
        frontiers=frontiers,
        cut=cut if start.cut_off == "drop" else NEVER,
    )


def _lookback(start: Start, plan: Plan) -> timedelta | None:
    if start.cut_off != "lookback":
        return None
    longest = max((operator.window.size for operator in plan.operators), default=0)
    return start.lookback or timedelta(microseconds=longest)


def _seen_before(
    inlet: Inlet, back: timedelta | None, positions: dict[str, dict[str, int]]
) -> list[int]:
    """The largest event time among the latest records; with a lookback the position moves back."""
    if inlet.timing is None:
        return []
    source = inlet.source
    inflow, _ = inlet.read(source.cut(source.seek(_LOOK.rows), _LOOK))
    latest = inflow.timed(inlet.timing.column, None).latest if inflow.table.num_rows else {}
    if not latest:
        return []
    seen = max(latest.values())
    if back is not None:
        time = _EPOCH + timedelta(microseconds=seen) - back
        positions[inlet.name] = dict(source.seek(time))
    return [seen + 1]
