"""Finding the rows on which an expression fails: all at once where that can be, else by halving.

For k bad rows among n halving takes about 2 k log2(n / k) probes; a probe of a few rows takes 1 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.db import Session
from streamops_nb.engine.attempt import Attempt, Batch, Failed, Looked
from streamops_nb.engine.foresee import foreseen
from streamops_nb.engine.places import Spots, rejects_of, spots_of, without_hidden
from streamops_nb.engine.record import Checkpoint
from streamops_nb.model.errors import QueryError, RowError
from streamops_nb.plan.cutting import FLAG
from streamops_nb.plan.failing import failing
from streamops_nb.plan.operator import Operator, Plan
from streamops_nb.plan.tree import Tree

__all__ = ["PIECE", "culprits_of", "fault_of", "repair"]

PIECE = r"^one of \d+ rows fails: "
"""How the reason of a row begins that was taken out with others, of which some fail."""
_PIECE = 64
"""Rows of a piece that is not divided any more."""


def repair(
    failed: Failed,
    plan: Plan,
    batch: Batch,
    session: Session,
    checkpoint: Checkpoint,
    keep: int,
) -> None:
    """Change a batch so that it runs without the rows on which it failed.

    Parameters
    ----------
    keep
        How many rejects of a stage are kept with their own reason.

    Raises
    ------
    QueryError
        If no single row is to blame.
    """
    if failed.statement is None and failed.operator is not None:
        for side in failed.sides:
            _repair_emission(failed.operator, side, plan, batch, session, checkpoint)
        return
    attempt = Attempt(plan, batch, session, checkpoint)
    source = plan.streams if failed.table is None else _sources(plan, failed.table.source)
    if failed.table is not None and failed.table.source in failed.stages:
        _repair_stage(failed, attempt, batch, session)
    else:
        _repair_streams(failed, source, attempt, batch, session, keep, plan)


def _probe(failed: Failed, attempt: Attempt, session: Session) -> Callable[[], object]:
    assert failed.statement is not None
    query = attempt.fill(failed.statement, failed.operator)
    return lambda: session.table(query)


def _name(failed: Failed) -> str:
    return "result" if failed.operator is None else failed.operator.name


def _repair_streams(
    failed: Failed,
    source: tuple[str, ...],
    attempt: Attempt,
    batch: Batch,
    session: Session,
    keep: int,
    plan: Plan,
) -> None:
    """Take the rows out of the streams that an insert or the output read."""
    probe = _probe(failed, attempt, session)
    shows = {stream: attempt.showing(stream) for stream in source}

    def fault(stream: str, place: int) -> str | None:
        return fault_of(shows[stream], place, place + 1, probe)

    stream, culprits = foreseen(
        lambda: failing(plan, Tree(session)), attempt.fill, session, fault, keep
    )
    found = {stream: culprits}
    if not culprits:
        for show in shows.values():
            show(0, 0)
        for stream in source:  # each with the others empty: a UNION reads several
            found[stream] = culprits_of(shows[stream], batch.inflows[stream].table.num_rows, probe)
            shows[stream](0, 0)
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
    probe = _probe(failed, attempt, session)
    show = _registering(session, source, without_hidden(rows))
    culprits = culprits_of(show, rows.num_rows, probe)
    if not culprits:
        raise _together(_name(failed), failed.error)
    rest = _without(rows, culprits, _name(failed), batch)
    flags = rest[FLAG] if FLAG in rest.column_names else pa.array([False] * rest.num_rows)
    for side, mask in enumerate((pc.invert(flags), flags)):
        batch.repaired[source, side] = without_hidden(rest.filter(mask))


def _registering(session: Session, name: str, table: pa.Table) -> Callable[[int, int], None]:
    return lambda begin, end: session.register(name, table.slice(begin, end - begin))


def _together(stage: str, error: Exception) -> QueryError:
    return QueryError(f"stage {stage} fails on rows together, on none alone: {error}")


def _without(
    rows: pa.Table,
    culprits: dict[int, str],
    stage: str,
    batch: Batch,
    resolve: Callable[[pa.Table], Spots | None] = lambda _: None,
) -> pa.Table:
    """Note kept or closed rows as rejects; return the others."""
    places = sorted(culprits)
    reasons = [culprits[place] for place in places]
    taken = rows.take(pa.array(places))
    batch.rejects.append(rejects_of(taken, reasons, stage, resolve(taken)))
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
    operator: Operator,
    side: int,
    plan: Plan,
    batch: Batch,
    session: Session,
    checkpoint: Checkpoint,
) -> None:
    """Evaluate an operator's emission without the closed rows on which it fails.

    Over a join the rows of every side that meet a bad one seem bad; the side with the fewest is
    taken to be at fault, until nothing fails any more.
    """
    inputs = _look((operator, side), plan, batch, session, checkpoint)
    body = Attempt(plan, batch, session, checkpoint).fill(operator.body, operator, side=side)
    positions = checkpoint.after(batch.record).positions
    for name, table in inputs.items():
        session.register(name, without_hidden(table))
    while (operator.name, side) not in batch.repaired:
        try:
            batch.repaired[operator.name, side] = session.table(body)
        except RowError as error:
            found = {
                name: culprits_of(
                    _registering(session, name, without_hidden(table)),
                    table.num_rows,
                    lambda: session.table(body),
                )
                for name, table in inputs.items()
            }
            guilty = min((n for n in found if found[n]), key=lambda n: len(found[n]), default=None)
            if guilty is None:
                raise _together(operator.name, error) from error
            streams = operator.places.get(guilty, ())
            inputs[guilty] = _without(
                inputs[guilty],
                found[guilty],
                operator.name,
                batch,
                partial(spots_of, streams=streams, positions=positions),
            )
            session.register(guilty, without_hidden(inputs[guilty]))
    for name in inputs:
        session.unregister(name)


def _look(
    wanted: tuple[Operator, int],
    plan: Plan,
    batch: Batch,
    session: Session,
    checkpoint: Checkpoint,
) -> dict[str, pa.Table]:
    """Read what an operator would emit from, in a transaction that leaves nothing."""
    try:
        with session.transaction():
            Attempt(plan, batch, session, checkpoint, look_at=wanted).evaluate(_Nowhere())
    except Looked as looked:
        return looked.inputs
    except Failed as failed:
        # not even what the emission reads can be made: partial states that do not combine
        raise _together(wanted[0].name, failed.error) from failed
    raise QueryError(f"stage {wanted[0].name} did not fail when looked at again")


class _Nowhere:
    """A target for evaluations that are rolled back."""

    def write(self, n: int, select: str, session: Session) -> int:
        return 0


def culprits_of(
    show: Callable[[int, int], None],
    rows: int,
    probe: Callable[[], object],
    most: int | None = None,
) -> dict[int, str]:
    """Find the rows on which `probe` fails, with their messages.

    Parameters
    ----------
    show
        Makes a range of them readable, and no others.
    rows
        How many there are.
    most
        When so many have been found, the others are taken by whole pieces some rows of which fail;
        and it is given up when none is found in twice as many probes.
    """
    found: dict[int, str] = {}
    stack = [(0, rows)] if fault_of(show, 0, 0, probe) is None else []
    probes, piece = 0, 1
    while stack and (most is None or found or probes <= 2 * most):
        begin, end = stack.pop()
        probes += 1
        message = fault_of(show, begin, end, probe)
        if message is None:
            continue
        if end - begin <= piece:
            said = f"one of {end - begin} rows fails: {message}" if end - begin > 1 else message
            found |= dict.fromkeys(range(begin, end), said)
            piece = piece if most is None or len(found) < most else max(_PIECE, rows // most)
            continue
        middle = (begin + end) // 2
        stack += [(begin, middle), (middle, end)]
    show(0, rows)
    return found


def fault_of(
    show: Callable[[int, int], None], begin: int, end: int, probe: Callable[[], object]
) -> str | None:
    """Give the message with which a range of rows fails; None if it does not."""
    show(begin, end)
    try:
        probe()
    except RowError as error:
        return str(error)
    return None
