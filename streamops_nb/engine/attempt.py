"""One attempt at a batch: feeding state, emitting what has closed, writing the output."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.db import Session, ident
from streamops_nb.engine.inflow import Inflow, reject_table
from streamops_nb.engine.places import showing, without_hidden
from streamops_nb.engine.record import Checkpoint, Record
from streamops_nb.engine.watermark import NEVER
from streamops_nb.model.errors import RowError
from streamops_nb.plan.cutting import CUT_OFF, FLAG, closed_rows
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
        Per operator that failed on rows, and side, its emission without them.
    rejects
        Rows that failed in an emission or insert.
    """

    record: Record
    inflows: dict[str, Inflow]
    repaired: dict[tuple[str, int], pa.Table] = field(default_factory=dict)
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
    sides
        The sides of the emission that failed; see `streamops_nb.plan.cutting`.
    """

    def __init__(
        self,
        error: RowError,
        operator: Operator | None = None,
        table: StateTable | None = None,
        statement: Statement | None = None,
        stages: Mapping[str, pa.Table] | None = None,
        sides: Sequence[int] = (0,),
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.operator = operator
        self.table = table
        self.statement = statement
        self.stages = dict(stages or {})
        self.sides = sides


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
        Raise `Looked` with the inputs of this operator, on this side, instead of emitting it.
    """

    def __init__(
        self,
        plan: Plan,
        batch: Batch,
        session: Session,
        checkpoint: Checkpoint,
        *,
        keep_late: bool = False,
        look_at: tuple[Operator, int] | None = None,
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
        self._checkpoint = checkpoint
        for name, inflow in batch.inflows.items():
            self.showing(name)(0, inflow.table.num_rows)

    def showing(self, stream: str) -> Callable[[int, int], None]:
        """Give what makes a range of a stream's rows readable; see `streamops_nb.engine.places`."""
        inflow, positions = self._batch.inflows[stream], None
        if stream in self._plan.placed:
            positions = self._checkpoint.after(self._batch.record).positions[stream]
        return showing(self._session, inflow, positions)

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

    def fill(self, statement: Statement, operator: Operator | None = None, *, side: int = 0) -> str:
        """Fill the batch's numbers into a statement."""
        return statement.fill(**self._numbers(operator), side=side)

    def _numbers(self, operator: Operator | None) -> dict[str, int]:
        record = self._batch.record
        begin, end = record.frontiers[operator.name] if operator else (0, 0)
        cut, since = record.cut, record.since
        if operator is not None:
            cut = record.cut_of(operator)
            since = since if operator.leaves else NEVER
        return {"begin": begin, "end": end, "now": record.now, "cut": cut, "since": since}

    # feeding

    def _feed(self, operator: Operator, table: StateTable) -> None:
        if not self._has_rows(table):
            return
        step = table.insert
        try:
            insert, values = table.insert.parameters(**self._numbers(operator))
            added = self._session.run(f"INSERT INTO {table.name} {insert}", often=values)
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
        query, values = counts.parameters(**self._numbers(operator))
        late, partly = self._session.rows(query, often=values)[0]
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
        sides = self._sides(operator)
        try:
            select = self._emissions(operator, sides, self._mark(final=final))
            if final:
                written = target.write(self._batch.record.n, select, self._session)
            else:
                self._hand_on(operator.name, self._session.table(select, chunk=25_000))
        except RowError as error:
            raise Failed(error, operator, sides=sides) from error
        for table in operator.tables:
            gone = self._session.run(self.fill(table.expire, operator))
            self.state_rows[table.name] = self.state_rows.get(table.name, 0) - gone
        self.seconds["write" if final else "run"] += time.perf_counter() - begun
        return written

    def _hand_on(self, name: str, rows: pa.Table) -> None:
        """Make what an operator has emitted readable for the others."""
        self.stages[name] = rows
        self._session.register(name, without_hidden(rows))
        if self._plan.splits:
            self._session.register(closed_rows(name), rows)

    def _mark(self, *, final: bool) -> str | None:
        """The column by which an emission tells its sides apart, if it does."""
        if final:
            return CUT_OFF if self._plan.marks else None
        return FLAG if self._plan.splits else None

    def _sides(self, operator: Operator) -> tuple[int, ...]:
        """Count the windows that the start point cut off; say which sides are emitted."""
        cut = self._batch.record.cut_of(operator)
        if cut <= NEVER:
            return (0,)
        begin, _ = self._batch.record.frontiers[operator.name]
        open_ended = operator.window.kind == "session" or operator.open_ended
        over = not open_ended and begin >= cut + operator.window.size
        found = 0
        if operator.dropped is not None and not over:
            found = self._session.rows(self.fill(operator.dropped, operator))[0][0]
            self.cut_off += found
        final = operator is self._plan.operators[-1]
        if not (self._checkpoint.emits_cut_off if final else self._plan.splits):
            return (0,)
        # a join may have rows of such a window on its other side only
        joins = len(operator.direct) + sum(t.keeps != "times" for t in operator.tables) > 1
        handed = [self.stages[name] for name in operator.direct & self.stages.keys()]
        flagged = any(pc.any(rows[FLAG]).as_py() for rows in handed)
        return (0, 1) if found or flagged or (joins and not over) else (0,)

    def _emissions(self, operator: Operator, sides: Sequence[int], mark: str | None) -> str:
        """The query for what an operator emits, with the mark if there is one."""
        for name in operator.direct - self.stages.keys():
            empty = _empty(self._plan, name, self._session)
            self._session.register(name, without_hidden(empty))
            if self._plan.splits:
                self._session.register(closed_rows(name), empty)
        if mark is None:
            return self._emission(operator, 0)
        return "\nUNION ALL\n".join(
            f"SELECT *, {side == 1} AS {mark} FROM (\n{self._emission(operator, side)}\n)"
            for side in sides
        )

    def _emission(self, operator: Operator, side: int) -> str:
        if self._look_at == (operator, side):
            raise Looked(self._inputs(operator, side))
        repaired = self._batch.repaired.get((operator.name, side))
        if repaired is None:
            return self.fill(operator.emit, operator, side=side)
        self._session.register(f"_repaired_{side}", repaired)
        return f"SELECT * FROM _repaired_{side}"

    def _inputs(self, operator: Operator, side: int) -> dict[str, pa.Table]:
        inputs = {name: self.stages[name] for name in operator.direct & self.stages.keys()}
        for name, statement in operator.inputs.items():
            inputs[name] = self._session.table(self.fill(statement, operator, side=side))
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
    columns = dict(next(each.relation.columns for each in plan.stages if each.name == name))
    if plan.splits:
        columns[FLAG] = "BOOLEAN"
    typed = ", ".join(
        f"CAST(NULL AS {kind}) AS {ident(column)}" for column, kind in columns.items()
    )
    return session.table(f"SELECT {typed} LIMIT 0")
