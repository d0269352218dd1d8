"""Getting a job's session and file ready for its plan."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa

from streamops_nb.db import Session, ident
from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.engine.inlet import Inlet
from streamops_nb.model.errors import StorageError
from streamops_nb.plan.operator import Plan

__all__ = ["prepare"]


def prepare(
    plan: Plan,
    *,
    file: JobFile,
    session: Session,
    inlets: Mapping[str, Inlet],
    references: Mapping[str, pa.Table],
) -> None:
    """Make references readable and create the state tables that are missing.

    Raises
    ------
    StorageError
        If the file keeps window state of another query, which would be wrong for this one.
    """
    for name, table in references.items():
        with session.registered(_reference=table):
            session.run(f"CREATE OR REPLACE TEMP TABLE {ident(name)} AS FROM _reference")
    _check_kept(plan, file)
    for name, inlet in inlets.items():
        session.declare(name, inlet.columns, inlet.nothing().table)
    for operator in plan.operators:
        for table in operator.tables:
            create = table.create.fill()
            session.run(f"CREATE TABLE IF NOT EXISTS {table.name} AS {create}")
        columns = operator.stage.relation.columns
        typed = ", ".join(f"CAST(NULL AS {kind}) AS {ident(c)}" for c, kind in columns.items())
        session.declare(operator.name, columns, session.table(f"SELECT {typed} LIMIT 0"))


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
