"""One attempt at a batch: feeding state, emitting what has closed, writing the output."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa

from streamops_nb.db import Session, ident
from streamops_nb.engine.inflow import Inflow, reject_table
from streamops_nb.engine.record import Checkpoint, Record
from streamops_nb.engine.watermark import NEVER
from streamops_nb.model.errors import RowError
from streamops_nb.plan.operator import Operator, Plan, StateTable
from streamops_nb.plan.statement import Statement

__all__ = ["Attempt", "Batch", "Failed", "Looked", "Target"]

_MERGE_ABOVE = 50_000
"""Partial states are merged when so many rows, and three times what was left, came since."""


class Target(Protocol):
    """The sink as the recipe sees it, transactional or external."""

    def write(self, n: int, select: str, session: Session) -> int:
        """Write the rows of `select` as batch `n`; return their number."""
        ...


@dataclass(kw_only=True)
class Batch:
    """One batch on its way.

    Parameters
    ----------
    inflows
        Per stream, its rows; all streams of the plan are there, some perhaps empty.
    repaired
        Per operator that failed on rows, its emission without them.
    rejects
        Rows that failed in an emission or insert.
    """

    record: Record
    inflows: dict[str, Inflow]
    repaired: dict[str, pa.Table] = field(default_factory=dict)
    rejects: list[pa.Table] = field(default_factory=list)


class Failed(Exception):
    """A step failed on a row; carries the step out of the transaction.

    Parameters
    ----------
    operator
        The operator that failed, None for the output of a plan without windows.
    table
        The state table that was being fed, None if it was the emission.
    statement
        What failed, over the rows that came (an insert or output), None for an emission.
    stages
        What earlier operators emitted in this attempt.
    """

    def __init__(
        self,
        error: RowError,
        operator: Operator | None = None,
        table: StateTable | None = None,
        statement: Statement | None = None,
        stages: Mapping[str, pa.Table] | None = None,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.operator = operator
        self.table = table
        self.statement = statement
        self.stages = dict(stages or {})


class Looked(Exception):
    """Carries an operator's inputs out of a transaction that is then rolled back."""

    def __init__(self, inputs: dict[str, pa.Table]) -> None:
        super().__init__()
        self.inputs = inputs


class Attempt:
    """Evaluates a plan for one batch, inside the caller's transaction.

    Parameters
    ----------
    look_at
        Raise `Looked` with the inputs of this operator instead of emitting it.
    """

    def __init__(
        self,
        plan: Plan,
        batch: Batch,
        session: Session,
        checkpoint: Checkpoint,
        *,
        keep_late: bool = False,
        look_at: Operator | None = None,
    ) -> None:
        self.state_rows = dict(checkpoint.state_rows)
        self.merged_rows = dict(checkpoint.merged_rows)
        self.late = 0
        self.partly_late = 0
        self.cut_off = 0
        self.late_rejects: list[pa.Table] = []
        self.stages: dict[str, pa.Table] = {}
        self.seconds = {"run": 0.0, "write": 0.0}
        self._plan = plan
        self._batch = batch
        self._session = session
        self._keep_late = keep_late
        self._look_at = look_at
        for name, inflow in batch.inflows.items():
            session.register(name, inflow.table)

    def evaluate(self, target: Target) -> int:
        """Do all steps; return the number of output rows.

        Raises
        ------
        Failed
            If an expression failed on a row.
        """
        if self._plan.output is not None:
            return self._output(self._plan.output, target)
        written = 0
        for operator in self._plan.operators:
            begun = time.perf_counter()
            for table in operator.tables:
                self._feed(operator, table)
            self.seconds["run"] += time.perf_counter() - begun
            if self._due(operator):
                written = self._close(operator, target)
        return written

    def fill(self, statement: Statement, operator: Operator | None = None) -> str:
        """Fill the batch's numbers into a statement."""
        record = self._batch.record
        begin, end = record.frontiers[operator.name] if operator else (0, 0)
        cut, since = record.cut, record.since
        if operator is not None:
            cut = cut if cut <= NEVER else cut + operator.cut_trail
            since = since if operator.leaves else NEVER
        return statement.fill(begin=begin, end=end, now=record.now, cut=cut, since=since)

    # feeding

    def _feed(self, operator: Operator, table: StateTable) -> None:
        if not self._has_rows(table):
            return
        step = table.insert
        try:
            insert = self.fill(table.insert, operator)
            added = self._session.run(f"INSERT INTO {table.name} {insert}")
            if table.late is not None and self._may_be_late(operator):
                step = table.late
                self._count_late(operator, table)
        except RowError as error:
            raise Failed(error, operator, table, step, self.stages) from error
        self.state_rows[table.name] = self.state_rows.get(table.name, 0) + added
        self._merge(table)

    def _has_rows(self, table: StateTable) -> bool:
        """Whether anything new can have come: its stage emitted, or the streams below brought."""
        inflows = self._batch.inflows
        if table.source in inflows:
            return bool(inflows[table.source].table.num_rows)
        stage = next(stage for stage in self._plan.stages if stage.name == table.source)
        if stage.relation.window is not None:
            return table.source in self.stages
        return any(inflows[name].table.num_rows for name in stage.relation.frontier)

    def _may_be_late(self, operator: Operator) -> bool:
        begin, _ = self._batch.record.frontiers[operator.name]
        times = [flow.earliest for flow in self._batch.inflows.values()]
        return any(earliest is not None and earliest < begin for earliest in times)

    def _count_late(self, operator: Operator, table: StateTable) -> None:
        counts, rows, source = table.late, table.late_rows, table.source
        if counts is None:
            return
        late, partly = self._session.rows(self.fill(counts, operator))[0]
        self.late += late
        self.partly_late += partly
        if not late or not self._keep_late or rows is None:
            return
        found = [row[0] for row in self._session.rows(self.fill(rows, operator))]
        reasons = ["all windows of the row had closed when it came"] * len(found)
        inflow = self._batch.inflows.get(source)
        if inflow is not None:
            places = np.array(sorted(found), dtype=np.int64)
            rejects = inflow.rejected_at(places, reasons, operator.name, "late")
        else:
            raws = [text.encode() for text in found]
            rejects = reject_table(stage=operator.name, kind="late", reasons=reasons, raws=raws)
        self.late_rejects.append(rejects)

    def _merge(self, table: StateTable) -> None:
        """Merge partial states when many have gathered, so that long windows stay small."""
        rows, before = self.state_rows[table.name], self.merged_rows.get(table.name, 0)
        if table.merge is None or rows < _MERGE_ABOVE + 4 * before:
            return
        run = self._session.run
        run(f"CREATE OR REPLACE TEMP TABLE _merged AS {table.merge.sql}")
        run(f"DELETE FROM {table.name}")
        self.state_rows[table.name] = run(f"INSERT INTO {table.name} SELECT * FROM _merged")
        self.merged_rows[table.name] = self.state_rows[table.name]
        run("DROP TABLE _merged")

    # emitting

    def _due(self, operator: Operator) -> bool:
        if operator.tables:
            return operator.window.closes(*self._batch.record.frontiers[operator.name])
        return bool(operator.direct & self.stages.keys())

    def _close(self, operator: Operator, target: Target) -> int:
        """Emit what has closed and drop what nobody needs any more."""
        begun = time.perf_counter()
        final = operator is self._plan.operators[-1]
        written = 0
        try:
            select = self._emission(operator)
            if final:
                written = target.write(self._batch.record.n, select, self._session)
            else:
                self.stages[operator.name] = self._session.table(select, chunk=25_000)
                self._session.register(operator.name, self.stages[operator.name])
        except RowError as error:
            raise Failed(error, operator) from error
        self._count_cut(operator)
        for table in operator.tables:
            gone = self._session.run(self.fill(table.expire, operator))
            self.state_rows[table.name] = self.state_rows.get(table.name, 0) - gone
        self.seconds["write" if final else "run"] += time.perf_counter() - begun
        return written

    def _count_cut(self, operator: Operator) -> None:
        """Count the windows that the start point cut off, as long as there can be any."""
        cut = self._batch.record.cut
        begin, _ = self._batch.record.frontiers[operator.name]
        window = operator.window
        over = window.kind != "session" and begin >= cut + operator.cut_trail + window.size
        if operator.dropped is None or cut <= NEVER or over:
            return
        self.cut_off += self._session.rows(self.fill(operator.dropped, operator))[0][0]

    def _emission(self, operator: Operator) -> str:
        for name in operator.direct - self.stages.keys():
            self._session.register(name, _empty(self._plan, name, self._session))
        if operator is self._look_at:
            raise Looked(self._inputs(operator))
        repaired = self._batch.repaired.get(operator.name)
        if repaired is None:
            return self.fill(operator.emit, operator)
        self._session.register("_repaired", repaired)
        return "SELECT * FROM _repaired"

    def _inputs(self, operator: Operator) -> dict[str, pa.Table]:
        inputs = {name: self.stages[name] for name in operator.direct & self.stages.keys()}
        for name, statement in operator.inputs.items():
            inputs[name] = self._session.table(self.fill(statement, operator))
        return inputs

    def _output(self, output: Statement, target: Target) -> int:
        if not any(flow.table.num_rows for flow in self._batch.inflows.values()):
            return 0
        begun = time.perf_counter()
        try:
            return target.write(self._batch.record.n, self.fill(output), self._session)
        except RowError as error:
            raise Failed(error, statement=output) from error
        finally:
            self.seconds["write"] += time.perf_counter() - begun


def _empty(plan: Plan, name: str, session: Session) -> pa.Table:
    """Give a stage's relation without rows."""
    columns = next(stage.relation.columns for stage in plan.stages if stage.name == name)
    typed = ", ".join(
        f"CAST(NULL AS {kind}) AS {ident(column)}" for column, kind in columns.items()
    )
    return session.table(f"SELECT {typed} LIMIT 0")
