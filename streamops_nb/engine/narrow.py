"""Finding the rows on which an expression fails, by halving.

For k bad rows among n this takes about 2 k log2(n / k) probes; a probe of a few rows takes 1 ms.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from streamops_nb.db import Session
from streamops_nb.engine.attempt import Attempt, Batch, Failed, Looked
from streamops_nb.engine.inflow import reject_table, row_texts
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
    if failed.statement is None and failed.operator is not None:
        _repair_emission(failed.operator, plan, batch, session, checkpoint)
        return
    attempt = Attempt(plan, batch, session, checkpoint)
    source = plan.streams if failed.table is None else _sources(plan, failed.table.source)
    if failed.table is not None and failed.table.source in failed.stages:
        _repair_stage(failed, attempt, batch, session)
    else:
        _repair_streams(failed, source, attempt, batch, session)


def _probe(failed: Failed, attempt: Attempt, session: Session) -> Callable[[], object]:
    assert failed.statement is not None
    query = attempt.fill(failed.statement, failed.operator)
    return lambda: session.table(query)


def _name(failed: Failed) -> str:
    return "result" if failed.operator is None else failed.operator.name


def _repair_streams(
    failed: Failed, source: tuple[str, ...], attempt: Attempt, batch: Batch, session: Session
) -> None:
    """Take the rows out of the streams that an insert or the output read."""
    probe = _probe(failed, attempt, session)
    found: dict[str, dict[int, str]] = {}
    for stream in source:
        session.register(stream, batch.inflows[stream].table.slice(0, 0))
    for stream in source:  # each with the others empty: a UNION reads several
        found[stream] = _culprits(session, stream, batch.inflows[stream].table, probe)
        session.register(stream, batch.inflows[stream].table.slice(0, 0))
    if not any(found.values()):
        raise _together(_name(failed), failed.error)
    for stream, culprits in found.items():
        if culprits:
            places = np.array(sorted(culprits), dtype=np.int64)
            reasons = [culprits[int(place)] for place in places]
            inflow = batch.inflows[stream]
            batch.inflows[stream] = inflow.without(places, reasons, _name(failed), "expression")


def _repair_stage(failed: Failed, attempt: Attempt, batch: Batch, session: Session) -> None:
    """Take the rows out of an earlier stage's emission that an insert read."""
    assert failed.table is not None
    source = failed.table.source
    rows = failed.stages[source]
    culprits = _culprits(session, source, rows, _probe(failed, attempt, session))
    if not culprits:
        raise _together(_name(failed), failed.error)
    batch.repaired[source] = _without(rows, culprits, _name(failed), batch)


def _together(stage: str, error: Exception) -> QueryError:
    return QueryError(f"stage {stage} fails on rows together, on none alone: {error}")


def _without(rows: pa.Table, culprits: dict[int, str], stage: str, batch: Batch) -> pa.Table:
    """Note closed rows as rejects; return the others."""
    places = sorted(culprits)
    batch.rejects.append(
        reject_table(
            stage=stage,
            kind="expression",
            reasons=[culprits[place] for place in places],
            raws=row_texts(rows.take(pa.array(places))),
        )
    )
    keep = np.ones(rows.num_rows, dtype=bool)
    keep[places] = False
    return rows.filter(pa.array(keep))


def _sources(plan: Plan, source: str) -> tuple[str, ...]:
    """The streams whose rows reach a stage that is evaluated on the fly."""
    if source in plan.streams:
        return (source,)
    stage = next(stage for stage in plan.stages if stage.name == source)
    return tuple(stage.relation.frontier) if stage.relation.window is None else (source,)


def _repair_emission(
    operator: Operator, plan: Plan, batch: Batch, session: Session, checkpoint: Checkpoint
) -> None:
    """Evaluate an operator's emission without the closed rows on which it fails.

    Over a join the rows of every side that meet a bad one seem bad; the side with the fewest is
    taken to be at fault, until nothing fails any more.
    """
    inputs = _look(operator, plan, batch, session, checkpoint)
    body = Attempt(plan, batch, session, checkpoint).fill(operator.body, operator)
    for name, table in inputs.items():
        session.register(name, table)
    while operator.name not in batch.repaired:
        try:
            batch.repaired[operator.name] = session.table(body)
        except RowError as error:
            found = {
                name: _culprits(session, name, table, lambda: session.table(body))
                for name, table in inputs.items()
            }
            guilty = min((n for n in found if found[n]), key=lambda n: len(found[n]), default=None)
            if guilty is None:
                raise _together(operator.name, error) from error
            inputs[guilty] = _without(inputs[guilty], found[guilty], operator.name, batch)
            session.register(guilty, inputs[guilty])
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
    except Failed as failed:
        # not even what the emission reads can be made: partial states that do not combine
        raise _together(operator.name, failed.error) from failed
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
