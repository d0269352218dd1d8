"""Getting a job's session and file ready for its plan."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version

from streamops_nb.db import Session, ident
from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.engine.inlet import Inlet
from streamops_nb.engine.places import with_places
from streamops_nb.engine.references import References
from streamops_nb.plan.cutting import FLAG, closed_rows
from streamops_nb.plan.operator import Plan
from streamops_nb.plan.places import PLACE, placed_stream

__all__ = ["planned_here", "prepare"]

_PLANNED_BY = "state planned by"


def prepare(
    plan: Plan,
    *,
    file: JobFile,
    session: Session,
    inlets: Mapping[str, Inlet],
    references: References,
) -> None:
    """Make references readable and create the state tables that are missing."""
    references.show(session)
    for name, inlet in inlets.items():
        nothing = inlet.nothing()
        session.declare(name, inlet.columns, nothing.table)
        if name in plan.placed:
            placed = {**inlet.columns, PLACE: "BIGINT"}
            session.declare(placed_stream(name), placed, with_places(nothing, {}))
    for operator in plan.operators:
        columns = operator.stage.relation.columns
        _declare(session, operator.name, columns)
        if plan.splits:
            _declare(session, closed_rows(operator.name), {**columns, FLAG: "BOOLEAN"})
        for table in operator.tables:
            create = table.create.fill()
            session.run(f"CREATE TABLE IF NOT EXISTS {table.name} AS {create}")
    if not planned_here(file):
        file.note(_PLANNED_BY, _ours())


def _declare(session: Session, name: str, columns: Mapping[str, str]) -> None:
    typed = ", ".join(f"CAST(NULL AS {kind}) AS {ident(c)}" for c, kind in columns.items())
    session.declare(name, columns, session.table(f"SELECT {typed} LIMIT 0"))


def planned_here(file: JobFile) -> bool:
    """Tell whether this version of streamops_nb planned the state that a file keeps.

    Another one may keep something else for the same query.
    """
    return file.about(_PLANNED_BY) == _ours()


@cache
def _ours() -> str:
    return version("streamops-nb")
