"""Rejects that were healed go into a job's output: as a batch of their own, exactly once.

In one transaction on the job's file the rows are written as the next batch, the rejects they were
made of are taken out, and noted as healed: whoever comes again with one of them is refused. A sink
outside of the file is written just before that commits, by the batch's number, as in every batch:
if the process dies in between, the next batch, healed or not, takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from streamops_nb.db import Session, ident
from streamops_nb.engine.attempt import Target
from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.engine.record import Record
from streamops_nb.model.errors import Refused

__all__ = ["PLACE", "inject", "not_healed"]

PLACE = ("batch", "stream", "partition", "offset")
"""What tells a reject from all others."""

_SAME = " AND ".join(f"one.{ident(c)} IS NOT DISTINCT FROM other.{ident(c)}" for c in PLACE)


def not_healed(file: JobFile, session: Session, rejects: str) -> str:
    """Give a query for those rows of the table `rejects` that were not healed before."""
    _create(file, session)
    return (
        f"SELECT one.* FROM {rejects} AS one WHERE NOT EXISTS "
        f"(SELECT 1 FROM {file.database}.healed AS other WHERE {_SAME})"
    )


def _create(file: JobFile, session: Session) -> None:
    session.run(
        f"CREATE TABLE IF NOT EXISTS {file.database}.healed "
        '(batch BIGINT, stream VARCHAR, "partition" VARCHAR, "offset" BIGINT)'
    )


def inject(
    file: JobFile,
    session: Session,
    sink: Target,
    *,
    rows: pa.Table,
    columns: Mapping[str, str],
    places: pa.Table,
    now: float,
    version: int,
    facts: Callable[[int, int, int], list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """Write healed rows as the next batch of a job of which no batch is going on; give its facts.

    Parameters
    ----------
    file, session
        The session is the file's own, so that all is one transaction.
    sink
        It is open.
    rows, columns
        The output rows, and their columns with types.
    places
        The rejects that they were made of, with the columns `PLACE`.
    facts
        Makes the batch's facts of its number, the number of the first fact, and the rows written.

    Raises
    ------
    Refused
        If one of the rejects was healed before; nothing is written then.
    """
    _create(file, session)
    stands = file.open()
    n = stands.n + 1
    record = Record(
        n=n, spans={}, watermarks={}, frontiers={}, now=int(now * 1_000_000), cut=stands.cut,
        since=stands.since, version=version,
    )  # fmt: skip
    typed = ", ".join(f"CAST({ident(c)} AS {kind}) AS {ident(c)}" for c, kind in columns.items())
    with session.transaction(), session.registered(_places=places, _healed=rows):
        again = session.rows(
            f"SELECT count(*) FROM _places AS one SEMI JOIN {file.database}.healed AS other"
            f" ON {_SAME}"
        )[0][0]
        if again:
            raise Refused(f"{again:,} of these rejects were healed before - heal the rest anew")
        names = ", ".join(map(ident, PLACE))
        session.run(f"INSERT INTO {file.database}.healed SELECT {names} FROM _places")
        session.run(
            f"DELETE FROM {file.database}.rejects AS one WHERE EXISTS "
            f"(SELECT 1 FROM _places AS other WHERE {_SAME})"
        )
        written = sink.write(n, f"SELECT {typed} FROM _healed", session)
        made = facts(n, stands.seq + 1, written)
        file.commit(record, replace(stands, n=n, seq=stands.seq + len(made)), made, None)
    return made
