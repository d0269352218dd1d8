"""Evaluating a query over a sample, stage by stage.

The stages run as the batch that the user wrote, so every window that has a row comes out; which of
them the job would have emitted by the sample's end is told from the watermarks, as the job does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import pyarrow as pa

from streamops_nb.db import Session, ident
from streamops_nb.engine.inflow import REJECTS, reject_table, row_texts
from streamops_nb.engine.preview.culprits import guilty_of
from streamops_nb.engine.preview.flows import Flow
from streamops_nb.engine.preview.lateness import late_rows
from streamops_nb.engine.preview.result import WINDOW, Result, StageResult
from streamops_nb.engine.preview.tables import Tables, places_of
from streamops_nb.engine.preview.windowed import in_order, labelled, sorts
from streamops_nb.engine.watermark import FOREVER, NEVER
from streamops_nb.model.errors import Fault, QueryError, RowError
from streamops_nb.plan.outline import Bounded, Outline
from streamops_nb.plan.planner import FINAL
from streamops_nb.plan.relation import Kind
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.statement import Statement
from streamops_nb.plan.tree import walk

__all__ = ["Evaluation"]


_ASIDE = 500
"""A stage beside the way to the output that fails on more rows is a fault: no job evaluates it, so
it may not take the rows from those that do."""


class _Fails(Exception):
    """A stage that cannot be evaluated on this sample; says why."""


class Evaluation:
    """The evaluation of one query over one sample.

    Parameters
    ----------
    flows
        The rows of all streams.
    references
        What the query may join.
    now
        What ``now()`` is, microseconds since the epoch.
    session
        A session of a sealed database in which the window macros are defined.
    most
        So many bytes may the rows of all stages have.
    """

    def __init__(
        self,
        outline: Outline,
        flows: Mapping[str, Flow],
        references: Mapping[str, pa.Table],
        *,
        now: int,
        session: Session,
        most: int = 2**30,
    ) -> None:
        self._outline = outline
        self._stages = outline.by_name
        self._flows = dict(flows)
        self._references = references
        self._now = now
        self._session = session
        self._tables = Tables(session, most)
        self._read: set[str] = set()
        self._rejects: list[pa.Table] = []
        self._done: dict[str, StageResult] = {}
        self._faults: list[Fault] = []

    def run(self, upto: str | None = None) -> Result:
        """Evaluate all stages, or those that `upto` needs."""
        begun = time.perf_counter()
        wanted = [s for s in self._stages.values() if upto is None or s.name in self._needed(upto)]
        self._read = {name for stage in wanted for name in stage.reads}
        self._load()
        loaded = time.perf_counter()
        for stage in wanted:
            self._try(stage)
        evaluated = time.perf_counter()
        late = late_rows(wanted, self._flows, self._session)
        decoded = [part for flow in self._flows.values() for part in flow.inflow.rejects]
        rejects = [*decoded, *self._rejects]
        return Result(
            flows=self._flows,
            stages=self._done,
            output=FINAL if FINAL in self._done else "",
            rejects=pa.concat_tables(rejects) if rejects else REJECTS.empty_table(),
            late=late,
            faults=(*self._outline.faults, *self._faults),
            seconds={
                "load": loaded - begun,
                "run": evaluated - loaded,
                "late": time.perf_counter() - evaluated,
            },
        )

    def _needed(self, name: str) -> set[str]:
        stage = self._stages.get(name)
        below = [self._needed(read) for read in stage.reads] if stage is not None else []
        return {name}.union(*below)

    def _load(self) -> None:
        for name in self._read & self._flows.keys():
            table = self._flows[name].inflow.table
            self._tables.load(name, table, self._stream_types(name))
        for name in self._read & self._references.keys():
            self._tables.load(name, self._references[name], {})

    def _stream_types(self, name: str) -> Mapping[str, str]:
        return next(
            item.relation.columns if item.macro is None else item.macro.source.columns
            for stage in self._stages.values()
            for item in stage.items
            if name in (item.relation.name, item.macro and item.macro.source.name)
        )

    def _try(self, stage: Stage) -> None:
        """Evaluate a stage, unless one that it reads failed; one that fails is a fault."""
        if any(name in self._stages and name not in self._done for name in stage.reads):
            return
        try:
            self._done[stage.name] = self._evaluate(stage)
        except _Fails as fails:
            where = stage.where if stage.where != "query" else f"query, stage {stage.name}"
            self._faults.append(Fault(where=where, what=str(fails)))

    def _evaluate(self, stage: Stage) -> StageResult:
        begun = time.perf_counter()
        bounded = self._outline.bounded.get(stage.name)
        query = (bounded.query if bounded else Statement(stage.sql)).fill(now=self._now)
        inputs, columns = _inputs(stage), stage.relation.columns
        ordered = stage.kind is Kind.CLOSED and not _keeps_order(stage)
        if ordered and not sorts(columns):
            query += f" ORDER BY {', '.join(map(ident, stage.relation.order))}"
            ordered = False
        rows, rejected = self._rows(stage, inputs, query)
        if ordered:
            rows = in_order(rows, stage.relation.order)
        if bounded is not None:
            rows = self._labelled(rows, stage, bounded)
        hidden = () if bounded is None else (*bounded.hidden, WINDOW)
        self._tables.load(stage.name, rows, columns, hidden, read=stage.name in self._read)
        return StageResult(
            name=stage.name,
            kind=stage.kind.value,
            table=self._tables.table(stage.name, () if bounded is None else bounded.hidden),
            columns=dict(columns),
            inputs=tuple(sorted(stage.reads)),
            rows_in=sum(self._tables.rows(name) for name in inputs) + rejected,
            rejected=rejected,
            seconds=time.perf_counter() - begun,
        )

    def _rows(self, stage: Stage, inputs: tuple[str, ...], query: str) -> tuple[pa.Table, int]:
        """The rows of a stage, and on how many it failed."""
        rejected = 0
        while True:
            try:
                rows = self._extended(stage)
                return self._tables.result(query) if rows is None else rows, rejected
            except RowError as error:
                rejected += self._repair(stage, inputs, error)

    def _extended(self, stage: Stage) -> pa.Table | None:
        """The rows of a stage that makes one of each, what it hands on not copied."""
        handing = self._outline.handing.get(stage.name)
        if handing is None:
            return None
        query = None if handing.query is None else handing.query.fill(now=self._now)
        name = stage.items[0].relation.name
        try:
            return self._tables.extended(name, handing.columns, query, stage.relation.columns)
        except QueryError:
            return None

    def _labelled(self, rows: pa.Table, stage: Stage, bounded: Bounded) -> pa.Table:
        """Say what is known of each row's window."""
        cut = max((self._flows[name].cut for name in stage.relation.frontier), default=NEVER)
        plan = self._outline.plan
        if plan is not None and cut > NEVER:
            cut += next((o.cut_trail for o in plan.operators if o.name == stage.name), 0)
        return labelled(rows, bounded, cut=cut, frontier=self._frontier(stage))

    def _frontier(self, stage: Stage) -> int:
        """How far a stage has everything: the slowest of its streams, as in the job."""
        marks = []
        for name, trail in stage.relation.frontier.items():
            mark = self._flows[name].watermark
            marks.append(mark if mark in (NEVER, FOREVER) else mark - trail)
        return min(marks)

    def _repair(self, stage: Stage, inputs: tuple[str, ...], error: RowError) -> int:
        """Take the rows on which a stage fails out of what it reads; say how many."""
        query = Statement(stage.sql)
        guilty, found = guilty_of(stage, inputs, query, self._now, self._tables, self._session)
        if not found:
            raise _Fails(f"stage {stage.name} fails on rows together, on none alone: {error}")
        if len(found) > _ASIDE and stage.name not in self._needed(FINAL):
            rows = self._tables.rows(guilty)
            raise _Fails(f"stage {stage.name} fails on {len(found):,} of {rows:,} rows: {error}")
        places, reasons = places_of(found)
        taken = self._tables.take(guilty, places.tolist())
        flow = self._flows.get(guilty)
        if flow is not None:
            inflow = flow.inflow.without(places, reasons, stage.name, "expression")
            self._flows[guilty] = flow.with_inflow(inflow, places)
        else:
            raws = row_texts(taken)
            self._rejects.append(
                reject_table(stage=stage.name, kind="expression", reasons=reasons, raws=raws)
            )
        return len(places)


def _keeps_order(stage: Stage) -> bool:
    """Whether a stage's rows come in the order of what it reads; groups come as threads finish."""
    return len(stage.items) == 1 and not (
        stage.aggregated or any(node.get("class") == "WINDOW" for node in walk(stage.node))
    )


def _inputs(stage: Stage) -> tuple[str, ...]:
    """The relations of streams that a stage reads."""
    sources = (i.relation if i.macro is None else i.macro.source for i in stage.items)
    return tuple(dict.fromkeys(s.name for s in sources if s.kind is not Kind.REFERENCE))
