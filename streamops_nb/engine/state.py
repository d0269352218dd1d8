"""Getting a job's session and file ready for its plan."""

from __future__ import annotations

import json
from collections.abc import Mapping

from streamops_nb.db import Session, ident
from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.engine.inlet import Inlet
from streamops_nb.engine.places import with_places
from streamops_nb.engine.references import References
from streamops_nb.model.errors import StorageError
from streamops_nb.plan.cutting import FLAG, closed_rows
from streamops_nb.plan.operator import Plan
from streamops_nb.plan.places import PLACE, placed_stream

__all__ = ["prepare"]


def prepare(
    plan: Plan,
    *,
    file: JobFile,
    session: Session,
    inlets: Mapping[str, Inlet],
    references: References,
) -> None:
    """Make references readable and create the state tables that are missing.

    Raises
    ------
    StorageError
        If the file keeps window state of another query, which would be wrong for this one.
    """
    references.show(session)
    _check_kept(plan, file)
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


def _declare(session: Session, name: str, columns: Mapping[str, str]) -> None:
    typed = ", ".join(f"CAST(NULL AS {kind}) AS {ident(c)}" for c, kind in columns.items())
    session.declare(name, columns, session.table(f"SELECT {typed} LIMIT 0"))


def _check_kept(plan: Plan, file: JobFile) -> None:
    wanted = {table.name: table.fingerprint for table in plan.tables}
    text = file.about("state")
    if text is None:
        file.note("state", json.dumps(wanted))
        return
    kept = json.loads(text)
    if kept != wanted:
        changed = sorted(name for name in {*kept, *wanted} if kept.get(name) != wanted.get(name))
        raise StorageError(
            f"the window state kept in {', '.join(changed)} belongs to an earlier version of the "
            "query - stop the job (which drops its state) and start it again"
        )
