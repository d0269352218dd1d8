"""Finding the rows on which an expression fails, by halving.

For k bad rows among n this takes about 2 k log2(n / k) probes; a probe of a few rows takes 1 ms.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from streamops_nb.db import Session
from streamops_nb.engine.attempt import Attempt, Batch, Failed, Looked
from streamops_nb.engine.inflow import reject_table
from streamops_nb.engine.record import Checkpoint
from streamops_nb.model.errors import QueryError, RowError
from streamops_nb.plan.operator import Operator, Plan

__all__ = ["repair"]


def repair(
    failed: Failed, plan: Plan, batch: Batch, session: Session, checkpoint: Checkpoint
) -> None:
    """Change a batch so that it runs without the rows on which it failed.

    Raises
    ------
    QueryError
        If no single row is to blame.
    """
    if failed.operator is None or failed.table is not None:
        _repair_rows(failed, plan, batch, session, checkpoint)
    else:
        _repair_emission(failed.operator, plan, batch, session, checkpoint)


def _repair_rows(
    failed: Failed, plan: Plan, batch: Batch, session: Session, checkpoint: Checkpoint
) -> None:
    """Take the rows out of the streams, or of the stage's emission, that an insert read."""
    attempt = Attempt(plan, batch, session, checkpoint)
    operator, table = failed.operator, failed.table
    if table is None or operator is None:
        statement, name, source = attempt.fill(plan.output), "result", plan.streams  # type: ignore[arg-type]
    else:
        statement, name = attempt.fill(table.insert, operator), operator.name
        source = _sources(plan, table.source)
    for stream in source:
        if stream not in batch.inflows:
            raise QueryError(f"stage {name}: {failed.error}") from failed.error
        inflow = batch.inflows[stream]
        found = _culprits(session, stream, inflow.table, lambda: session.table(statement))
        if found:
            places = np.array(sorted(found), dtype=np.int64)
            reasons = [found[int(place)] for place in places]
            batch.inflows[stream] = inflow.without(places, reasons, name, "expression")
            return
    raise QueryError(f"stage {name} fails on rows together: {failed.error}") from failed.error


def _sources(plan: Plan, source: str) -> tuple[str, ...]:
    """The streams whose rows reach a stage that is evaluated on the fly."""
    if source in plan.streams:
        return (source,)
    stage = next(stage for stage in plan.stages if stage.name == source)
    return tuple(stage.relation.frontier) if stage.relation.window is None else (source,)


def _repair_emission(
    operator: Operator, plan: Plan, batch: Batch, session: Session, checkpoint: Checkpoint
) -> None:
    """Evaluate an operator's emission without the closed rows on which it fails."""
    inputs = _look(operator, plan, batch, session, checkpoint)
    body = Attempt(plan, batch, session, checkpoint).fill(operator.body, operator)
    for name, table in inputs.items():
        session.register(name, table)
    for name, table in inputs.items():
        found = _culprits(session, name, table, lambda: session.table(body))
        if not found:
            continue
        places = pa.array(sorted(found))
        rows = table.take(places).to_pylist()
        batch.rejects.append(
            reject_table(
                stage=operator.name,
                kind="expression",
                reasons=[found[place] for place in sorted(found)],
                raws=[json.dumps(row, default=str).encode() for row in rows],
            )
        )
        keep = np.ones(table.num_rows, dtype=bool)
        keep[sorted(found)] = False
        session.register(name, table.filter(pa.array(keep)))
        batch.repaired[operator.name] = session.table(body)
        break
    else:
        raise QueryError(f"stage {operator.name} fails on closed rows together")
    for name in inputs:
        session.unregister(name)


def _look(
    operator: Operator, plan: Plan, batch: Batch, session: Session, checkpoint: Checkpoint
) -> dict[str, pa.Table]:
    """Read what an operator would emit from, in a transaction that leaves nothing."""
    try:
        with session.transaction():
            Attempt(plan, batch, session, checkpoint, look_at=operator).evaluate(_Nowhere())
    except Looked as looked:
        return looked.inputs
    raise QueryError(f"stage {operator.name} did not fail when looked at again")


class _Nowhere:
    """A target for evaluations that are rolled back."""

    def write(self, n: int, select: str, session: Session) -> int:
        return 0


def _culprits(
    session: Session, name: str, table: pa.Table, probe: Callable[[], object]
) -> dict[int, str]:
    """Find the rows of a registered table on which `probe` fails, with their messages."""

    def fault(begin: int, end: int) -> str | None:
        session.register(name, table.slice(begin, end - begin))
        try:
            probe()
        except RowError as error:
            return str(error)
        return None

    if fault(0, 0) is not None:
        session.register(name, table)
        return {}
    found: dict[int, str] = {}
    stack = [(0, table.num_rows)]
    while stack:
        begin, end = stack.pop()
        message = fault(begin, end)
        if message is None:
            continue
        if end - begin == 1:
            found[begin] = message
            continue
        middle = (begin + end) // 2
        stack += [(begin, middle), (middle, end)]
    session.register(name, table)
    return found
