"""Jobs over literal rows, and plain DuckDB over the same rows, for the suites of this folder."""

from __future__ import annotations

import itertools
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from streamops_nb.db import Instance, Session, ident, load_sql, open_instance
from streamops_nb.engine.assembly import Surroundings
from streamops_nb.engine.record import Checkpoint
from streamops_nb.engine.runner import Runner
from streamops_nb.model.events import BatchCommitted, Event, from_json
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan.planner import Planner
from streamops_nb.sources.base import Source
from streamops_nb.testing import Crashed, End, ListSource

__all__ = ["Batch", "Bench", "Input", "Outcome", "alike", "job", "plain_rows"]

NOW = 4_102_444_800.0
"""2100-01-01: what these jobs take for the present, after all their event times."""


@dataclass(frozen=True, kw_only=True)
class Input:
    """One stream of a test.

    Parameters
    ----------
    fields
        Field name to DuckDB type.
    rows
        Per partition its rows in order of arrival; marks such as `Crash` may stand between them.
    settings
        What the specification says of the stream besides source and schema.
    apart
        Whether partitions have watermarks of their own.
    """

    fields: Mapping[str, str]
    rows: Mapping[str, Sequence[Any]]
    settings: Mapping[str, Any] = field(default_factory=lambda: {"event_time": "ts"})
    apart: bool = True

    @property
    def all_rows(self) -> list[Mapping[str, Any]]:
        """The rows of all partitions, marks left out."""
        return [row for part in self.rows.values() for row in part if isinstance(row, Mapping)]

    def source(self, *, ended: bool = True) -> ListSource:
        """Open the stream; unless told otherwise it ends after its rows."""
        closing = [End()] if ended else []
        rows = {name: [*part, *closing] for name, part in self.rows.items()}
        return ListSource(rows, arrow_schema(self.fields), apart=self.apart)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a job left: output rows, rejects, facts, and where it stands."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    rejects: list[dict[str, Any]]
    facts: list[Event]
    checkpoint: Checkpoint
    restarts: int = 0

    @property
    def batches(self) -> list[BatchCommitted]:
        """The facts of committed batches."""
        return [fact for fact in self.facts if isinstance(fact, BatchCommitted)]

    def total(self, number: str) -> int:
        """The sum of a number over all committed batches."""
        return sum(getattr(fact, number) for fact in self.batches)


def arrow_schema(fields: Mapping[str, str]) -> pa.Schema:
    """Give the Arrow schema of fields of DuckDB types."""
    return _arrow_schema(tuple(fields.items()))


@cache
def _arrow_schema(fields: tuple[tuple[str, str], ...]) -> pa.Schema:
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {ident(name)}" for name, kind in fields)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'").fetchall()
        return connection.sql(f"SELECT {columns} LIMIT 0").to_arrow_table().schema


def job(query: str, inputs: Mapping[str, Input], **parts: Any) -> JobSpec:
    """Write the specification of a job over `inputs`."""
    streams = {
        name: {
            "source": "simulator",
            "schema": dict(each.fields),
            "idle_timeout": None,
            "max_ahead": None,
            **each.settings,
        }
        for name, each in inputs.items()
    }
    start = {"at": "earliest"}
    return JobSpec.model_validate(
        {"name": "proof", "streams": streams, "query": query, "start": start, **parts}
    )


class Bench:
    """Runs jobs in one instance and one planner, each job in a database of its own."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.planner = Planner()
        self.instance: Instance = open_instance(folder, memory="512MB", threads=1)
        self._numbers = itertools.count(1)
        self._free: list[str] = []

    def close(self) -> None:
        self.planner.close()
        self.instance.close()

    def attach(self, path: Path | None = None) -> str:
        """Attach a database, in memory unless told otherwise, and give its name."""
        # a name is taken again: the plan of a query names the database, and is kept
        name = self._free.pop() if self._free else f"job{next(self._numbers)}"
        self.instance.attach(path, name)
        return name

    def detach(self, name: str) -> None:
        self.instance.detach(name)
        self._free.append(name)

    def runner(
        self,
        spec: JobSpec,
        sources: Mapping[str, Source],
        database: str,
        *,
        now: Callable[[], float] = lambda: NOW,
        **options: Any,
    ) -> Runner:
        around = Surroundings(
            instance=self.instance,
            folder=self.folder or Path(),
            now=now,
            planner=self.planner,
            sources=sources,
        )
        return Runner(spec, around, database=database, **options)

    def run(
        self,
        spec: JobSpec,
        inputs: Mapping[str, Input],
        *,
        ended: bool = True,
        restart: int = 0,
        **options: Any,
    ) -> Outcome:
        """Run a job to the end of its inputs; begin anew from what is committed after a crash.

        Parameters
        ----------
        ended
            Whether the inputs end; else the job runs until it has nothing to do.
        restart
            Begin anew after so many steps, again and again; 0 for never.
        """
        sources = {name: each.source(ended=ended) for name, each in inputs.items()}
        database, restarts = self.attach(), 0
        runner = self.runner(spec, sources, database, **options)
        for steps in itertools.count(1):
            try:
                wait = runner.step()
            except Crashed:
                wait, restarts = 0.0, restarts + 1
                runner.close()
                runner = self.runner(spec, sources, database, **options)
            if wait is None or (wait > 0 and not ended):
                break
            if restart and steps % restart == 0:
                runner.close()
                runner = self.runner(spec, sources, database, **options)
        outcome = self.outcome(runner, database, restarts)
        runner.close()
        self.detach(database)
        return outcome

    def outcome(self, runner: Runner, database: str, restarts: int = 0) -> Outcome:
        session = self.instance.session()
        try:
            return read_outcome(session, database, list(runner.plan.columns), restarts)
        finally:
            session.close()


def read_outcome(session: Session, database: str, columns: list[str], restarts: int = 0) -> Outcome:
    """Read what a job's file holds."""
    names = ", ".join(ident(name) for name in columns)
    batches = session.rows(f"SELECT checkpoint, facts FROM {ident(database)}.batches ORDER BY n")
    rejects = session.table(f"SELECT * FROM {ident(database)}.rejects ORDER BY batch, rowid")
    return Outcome(
        columns=columns,
        rows=session.rows(f"SELECT {names} FROM {ident(database)}.output"),
        rejects=rejects.to_pylist(),
        facts=[from_json(fact) for _, facts in batches for fact in json.loads(facts)],
        checkpoint=Checkpoint.from_json(batches[-1][0]),
        restarts=restarts,
    )


class Batch:
    """Plain DuckDB over whole inputs: the streams are tables, the windows are the macros."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(config={"threads": 1})
        self._connection.execute("SET TimeZone='UTC'").fetchall()
        self._connection.execute(load_sql("streamops_nb.plan", "macros.sql")).fetchall()

    def close(self) -> None:
        self._connection.close()

    def values(self, table: pa.Table, types: Mapping[str, str]) -> list[tuple[Any, ...]]:
        """Give the rows of an Arrow table as DuckDB gives values of these types."""
        casts = ", ".join(f"CAST({ident(n)} AS {kind})" for n, kind in types.items())
        self._connection.register("_values", table)
        return self._connection.execute(f"SELECT {casts} FROM _values").fetchall()

    def rows(
        self,
        query: str,
        inputs: Mapping[str, Input],
        params: Mapping[str, Any] | None = None,
        references: Mapping[str, pa.Table] | None = None,
    ) -> list[tuple[Any, ...]]:
        """Run the same query over all rows at once."""
        tables = {
            name: pa.Table.from_pylist(
                [dict(row) for row in each.all_rows], arrow_schema(each.fields)
            )
            for name, each in inputs.items()
        }
        tables |= references or {}
        for name, table in tables.items():
            # a real table: CREATE … AS keeps types and is what a batch job would read
            self._connection.register("_rows", table)
            self._connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {ident(name)} AS FROM _rows"
            ).fetchall()
            self._connection.unregister("_rows")
        return self._connection.execute(query, params or {}).fetchall()


def plain_rows(query: str, inputs: Mapping[str, Input], **given: Any) -> list[tuple[Any, ...]]:
    """Run a query as a batch, in a connection of its own."""
    batch = Batch()
    try:
        return batch.rows(query, inputs, **given)
    finally:
        batch.close()


def alike(found: Iterable[Sequence[Any]], wanted: Iterable[Sequence[Any]]) -> list[str]:
    """List what differs between two multisets of rows; floats may differ by 1e-9 of their size."""
    left, right = _by_skeleton(found), _by_skeleton(wanted)
    faults = []
    for skeleton in {**left, **right}:
        extra, missing = list(left[skeleton]), []
        for floats in right[skeleton]:
            at = next((i for i, other in enumerate(extra) if _all_close(floats, other)), None)
            if at is None:
                missing.append(floats)
            else:
                del extra[at]
        faults += [f"missing: {skeleton} with {floats}" for floats in missing]
        faults += [f"too much: {skeleton} with {floats}" for floats in extra]
    return sorted(faults)


def _by_skeleton(rows: Iterable[Sequence[Any]]) -> dict[str, list[tuple[float, ...]]]:
    """Group rows by what they hold besides floats."""
    groups: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for row in rows:
        floats: list[float] = []
        skeleton = repr(_skeleton(tuple(row), floats))
        groups[skeleton].append(tuple(floats))
    return groups


def _skeleton(value: Any, floats: list[float]) -> Any:
    """Give a value without its floats, which are put aside; times in UTC whatever their zone."""
    if isinstance(value, float):
        floats.append(value)
        return "float"
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, (list, tuple)):
        return [_skeleton(each, floats) for each in value]
    if isinstance(value, dict):
        return {key: _skeleton(each, floats) for key, each in value.items()}
    return value


def _all_close(some: tuple[float, ...], others: tuple[float, ...]) -> bool:
    return all(
        math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
        or (math.isnan(one) and math.isnan(other))
        for one, other in zip(some, others, strict=True)
    )
