"""Following rows through a preview: which rows each row of a stage was made of.

The stages run again over the same sample, as `streamops_nb.plan.tracing` writes them. A preview
that nobody asks does not pay for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from streamops_nb.db import Session, ident
from streamops_nb.engine.preview.culprits import guilty_of
from streamops_nb.engine.preview.flows import Flow
from streamops_nb.engine.preview.tables import Tables
from streamops_nb.model.errors import QueryError, RowError
from streamops_nb.plan.outline import Outline
from streamops_nb.plan.relation import Kind
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.statement import Statement
from streamops_nb.plan.tracing import KEPT, ROW, Input, Traced, inputs_of, trace
from streamops_nb.plan.tree import Tree

__all__ = ["Step", "Trace", "Tracing"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One stage, traced.

    Parameters
    ----------
    rows
        All its rows, those too that QUALIFY drops.
    kept
        Which of them come out.
    made
        Per input of the FROM clauses its relation, and for each row the numbers of those rows of
        it that the row was made of; None if the stage cannot be traced.
    peers
        Per partitioning of its window functions, the number of each row's partition.
    rejected
        Per relation, the numbers of its rows on which the stage failed.
    """

    stage: Stage
    rows: pa.Table
    kept: np.ndarray
    made: tuple[tuple[str, pa.ListArray], ...] | None
    peers: tuple[np.ndarray, ...] = ()
    rejected: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def table(self) -> pa.Table:
        """The rows that come out; the place of a row is its number."""
        return self.rows.filter(pa.array(self.kept))

    def places(self, numbers: np.ndarray) -> np.ndarray:
        """The places in `rows` of rows that come out."""
        places: np.ndarray = np.flatnonzero(self.kept)[numbers]
        return places

    def origins(self, places: np.ndarray) -> dict[str, np.ndarray]:
        """Per relation, the numbers of the rows that rows of `rows` were made of."""
        found: dict[str, list[np.ndarray]] = {}
        for name, lists in self.made or ():
            numbers = lists.take(pa.array(places)).flatten().to_numpy(zero_copy_only=False)
            found.setdefault(name, []).append(numbers)
        return {name: np.unique(np.concatenate(parts)) for name, parts in found.items()}

    def fellows(self, places: np.ndarray) -> np.ndarray:
        """The places of other rows that window functions looked at for rows of `rows`."""
        looked = np.zeros(len(self.kept), dtype=bool)
        for partitions in self.peers:
            looked |= np.isin(partitions, partitions[places])
        looked[places] = False
        return np.flatnonzero(looked)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A traced preview.

    Parameters
    ----------
    flows, references
        What the stages read.
    steps
        Per stage, in order.
    """

    flows: Mapping[str, Flow]
    references: Mapping[str, pa.Table]
    steps: Mapping[str, Step]

    def table(self, name: str) -> pa.Table:
        """The rows of a stream, reference or stage; the place of a row is its number."""
        if name in self.flows:
            return self.flows[name].inflow.table
        return self.references[name] if name in self.references else self.steps[name].table

    def streams(self, name: str) -> bool:
        """Whether a relation's rows come from streams."""
        step = self.steps.get(name)
        return name in self.flows or (step is not None and step.stage.kind is not Kind.REFERENCE)

    def back(self, rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All that rows were made of, and these themselves: relation to numbers."""
        found = dict(rows)
        for name in reversed([*self.steps]):  # a stage is read only by later ones
            if name in found:
                step = self.steps[name]
                for below, origin in step.origins(step.places(found[name])).items():
                    known = found.get(below)
                    found[below] = origin if known is None else np.union1d(known, origin)
        return found

    def records(self, stream: str, numbers: np.ndarray) -> list[tuple[str, int]]:
        """Partition and offset of rows of a stream."""
        inflow = self.flows[stream].inflow
        raw = inflow.raw.take(inflow.row.take(pa.array(numbers, pa.int64())))
        partitions = raw["_partition"].cast(pa.string()).to_pylist()
        return list(zip(partitions, raw["_offset"].to_pylist(), strict=True))

    def dropped(self, stage: str) -> dict[str, np.ndarray]:
        """Per streaming input of a stage, the numbers of rows that did not come out."""
        step = self.steps[stage]
        used = step.origins(np.flatnonzero(step.kept))
        nothing = np.array([], dtype=np.int64)
        found = {}
        for name in dict.fromkeys(name for name, _ in step.made or ()):
            if not self.streams(name):
                continue
            gone = np.union1d(used[name], step.rejected.get(name, nothing))
            found[name] = np.setdiff1d(np.arange(self.table(name).num_rows), gone)
        return found


class Tracing:
    """Runs the stages of a query over a sample so that rows can be followed.

    Parameters
    ----------
    session
        A session of a sealed database with the window macros; its relations stay after `run`.
    now
        What ``now()`` is, microseconds since the epoch.
    """

    def __init__(
        self,
        outline: Outline,
        flows: Mapping[str, Flow],
        references: Mapping[str, pa.Table],
        *,
        now: int,
        session: Session,
    ) -> None:
        self.outline = outline
        self.session = session
        self.tree = Tree(session)
        self._flows = flows
        self._references = references
        self._now = now
        self._tables = Tables(session)
        self._loaded: set[str] = set()

    def run(self) -> Trace:
        """Evaluate all stages."""
        steps = {stage.name: self._step(stage) for stage in self.outline.stages}
        return Trace(flows=self._flows, references=self._references, steps=steps)

    def fill(self, sql: str) -> str:
        """Put the sample's time into a query."""
        return Statement(sql).fill(now=self._now)

    def show(self, inputs: tuple[Input, ...]) -> None:
        """Make the views that a traced stage reads."""
        for found in inputs:
            if found.placed:
                name = ident(found.name)
                self.session.run(f"CREATE OR REPLACE TEMP TABLE {ident(found.view)} AS FROM {name}")
            else:
                self._tables.show_as(found.view, found.name, ROW, found.number)

    def _step(self, stage: Stage) -> Step:
        inputs = inputs_of(stage)
        for found in inputs:
            self._load(found)
        for name in stage.reads & self._references.keys() - self._loaded:
            self._make(name, self._references[name], {})
        traced = trace(stage, self.tree) if stage.kind is not Kind.REFERENCE else None
        inputs = inputs if traced is None else traced.inputs
        self.show(inputs)
        sql = self.fill(stage.sql if traced is None else traced.sql)
        rejected: dict[str, np.ndarray] = {}
        while True:
            try:
                self.session.run(f"CREATE OR REPLACE TEMP TABLE _traced AS {sql}")
                break
            except RowError as error:
                self._repair(stage, inputs, rejected, error)
        step = self._read(stage, traced, rejected)
        kept = "true" if traced is None else KEPT
        hidden = () if traced is None else traced.hidden
        seen = f"* EXCLUDE ({', '.join(map(ident, hidden))})" if hidden else "*"
        numbered = self._tables.result(
            f"SELECT {seen}, row_number() OVER () - 1 AS {ROW} FROM _traced WHERE {kept}"
        )
        self._tables.load(stage.name, numbered, stage.relation.columns, (ROW,))
        self._loaded.add(stage.name)
        return step

    def _load(self, found: Input) -> None:
        if found.name in self._loaded:
            return
        item = found.item
        columns = item.relation.columns if item.macro is None else item.macro.source.columns
        if found.name in self._flows:
            self._make(found.name, self._flows[found.name].inflow.table, columns)
        elif found.name in self._references:
            self._make(found.name, self._references[found.name], {})

    def _make(self, name: str, rows: pa.Table, columns: Mapping[str, str]) -> None:
        """Make a relation of an Arrow table, numbered; of the given types."""
        numbered = rows.append_column(ROW, pa.array(np.arange(rows.num_rows)))
        self._tables.load(name, numbered, columns, (ROW,))
        self._loaded.add(name)

    def _read(
        self, stage: Stage, traced: Traced | None, rejected: Mapping[str, np.ndarray]
    ) -> Step:
        found = self.session.table("FROM _traced")
        if traced is None:
            kept = np.ones(found.num_rows, dtype=bool)
            return Step(stage=stage, rows=found, kept=kept, made=None, rejected=rejected)
        lists = ((i.name, self._numbered(i, found[i.number])) for i in traced.inputs)
        return Step(
            stage=stage,
            rows=found.drop_columns(list(traced.hidden)),
            kept=found[KEPT].to_numpy().astype(bool),
            made=tuple(lists),
            peers=tuple(found[name].to_numpy() for name in traced.peers),
            rejected=rejected,
        )

    def _numbered(self, of: Input, found: pa.ChunkedArray) -> pa.ListArray:
        """The numbers of rows, also where a stage told their places."""
        lists = found.combine_chunks()
        if not of.placed:
            return lists
        numbers = self._tables.table(of.name)[ROW].to_numpy()[lists.values.to_numpy()]
        return pa.ListArray.from_arrays(lists.offsets, pa.array(numbers))

    def _repair(
        self,
        stage: Stage,
        inputs: tuple[Input, ...],
        rejected: dict[str, np.ndarray],
        error: RowError,
    ) -> None:
        """Take the rows on which a stage fails out of what it reads, as the preview did."""
        streaming = [i.name for i in inputs if i.name not in self._references]
        query = Statement(stage.sql)
        guilty, found = guilty_of(stage, streaming, query, self._now, self._tables, self.session)
        if not found:
            raise QueryError(f"stage {stage.name} fails on rows together: {error}")
        numbers = self._tables.numbers(guilty, ROW, found)
        rejected[guilty] = np.union1d(rejected.get(guilty, numbers), numbers)
        self._tables.take(guilty, found)
        self.show(inputs)
