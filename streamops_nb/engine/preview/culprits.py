"""The rows on which a stage of a preview fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from streamops_nb.db import Session
from streamops_nb.engine.foresee import foreseen
from streamops_nb.engine.narrow import culprits_of, fault_of
from streamops_nb.engine.preview.tables import Tables
from streamops_nb.plan.failing import failing_stage
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.statement import Statement
from streamops_nb.plan.tree import Tree

__all__ = ["guilty_of"]

_MOST = 500
"""So many rows are asked for their own message: each takes a millisecond or two."""


def guilty_of(
    stage: Stage,
    inputs: Iterable[str],
    query: Statement,
    now: int,
    tables: Tables,
    session: Session,
) -> tuple[str, Mapping[int, str]]:
    """Find the relation whose rows are at fault: their places, and why each fails.

    Over a join the rows of every side that meet a bad one seem bad; the side with the fewest is
    taken to be at fault, as in the job.

    Parameters
    ----------
    inputs
        The relations of streams that the stage reads.
    query
        The stage's.

    Returns
    -------
    tuple
        No relation if no row fails by itself.
    """

    def probe() -> object:
        return session.table(query.fill(now=now))

    def fault(name: str, place: int) -> str | None:
        return fault_of(partial(tables.show, name), place, place + 1, probe)

    name, found = foreseen(
        lambda: failing_stage(stage, {}, Tree(session)),
        lambda failing: failing.fill(now=now),
        session,
        fault,
        _MOST,
    )
    if found:
        tables.show(name)
        return name, found
    sides = {
        name: culprits_of(partial(tables.show, name), tables.rows(name), probe, _MOST)
        for name in dict.fromkeys(inputs)
    }
    guilty = min((n for n in sides if sides[n]), key=lambda n: len(sides[n]), default="")
    return guilty, sides.get(guilty, {})
