"""What a plan is made of: a list of values that can be printed, tested and explained."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from streamops_nb.plan.stage import Stage
from streamops_nb.plan.statement import Statement
from streamops_nb.plan.window import Window

__all__ = ["Operator", "Plan", "StateTable"]


@dataclass(frozen=True, kw_only=True, slots=True)
class StateTable:
    """What one windowed input of a stage keeps between batches.

    Parameters
    ----------
    name
        The table's quoted name in the job's file.
    keeps
        ``partials`` (partial aggregates per pane and key), ``rows``, ``closed rows`` that wait for
        a slower input, or ``times`` of rows made of sessions that were cut off.
    source
        The stream or stage that feeds it.
    create
        A query without rows that has the table's columns.
    insert
        The query for a batch's new content.
    expire
        The statement that deletes what no window needs any more.
    late
        For rows of streams: a query for the numbers of late and of partly late rows.
    late_rows
        The late rows: their places in the source if that is a stream, else as JSON text.
    merge
        For partials: a query for the same content in as few rows as possible.
    placed
        If its rows have the places of their records: the streams, as the places number them.
    oldest
        A query for the smallest time (or end of a window) that it holds, microseconds.
    fed
        Changes whenever rows that were kept mean something else than those that come under another
        plan, though they are kept alike: the types of its columns, and for rows of a stage over
        windows all that the stage is made of.
    """

    name: str
    keeps: str
    source: str
    create: Statement
    insert: Statement
    expire: Statement
    late: Statement | None = None
    late_rows: Statement | None = None
    merge: Statement | None = None
    placed: tuple[str, ...] = ()
    oldest: Statement | None = None
    fed: str = ""

    @property
    def fingerprint(self) -> str:
        """Changes whenever content kept under the old plan would not fit the new one."""
        text = f"{self.keeps}\0{self.create.sql}\0{self.insert.sql}\0{self.expire.sql}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """A stage over windows: state tables that are fed, and a query over what has closed.

    Parameters
    ----------
    frontier
        Per stream, how far the operator's frontier trails the stream's watermark, microseconds.
    direct
        Stages whose closed rows of the same batch it reads without keeping them.
    emit
        The query for the rows of the windows that close in a batch.
    dropped
        A query for the number of windows that were cut off and close in the batch.
    trails
        Per stream or stage over windows that feeds it, how much later than there windows begin to
        be whole here, microseconds.
    cut_trail
        How much later than the start point windows begin to be whole here, microseconds.
    open_ended
        Whether a window that was cut off may end arbitrarily late (in a plan that is split).
    leaves
        Whether its rows go to the output in their own window, not only into other windows.
    inputs, body
        The same in two steps, for finding the rows on which it fails: what it reads, and the query
        over that.
    places
        The inputs whose rows have the places of their records: as `StateTable.placed`.
    """

    stage: Stage
    window: Window
    frontier: Mapping[str, int]
    tables: tuple[StateTable, ...] = ()
    direct: frozenset[str] = field(default_factory=frozenset)
    emit: Statement
    dropped: Statement | None = None
    trails: Mapping[str, int] = field(default_factory=dict)
    cut_trail: int = 0
    open_ended: bool = False
    leaves: bool = True
    inputs: Mapping[str, Statement] = field(default_factory=dict)
    body: Statement
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.stage.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A compiled query.

    Parameters
    ----------
    streams, references
        The names that the query really reads.
    stages
        All stages in order, the final SELECT last.
    operators
        The stages over windows that the result needs, in order of evaluation.
    output
        For a query without windows, the query that turns a batch's rows into output.
    columns
        Output column to DuckDB type.
    event_times
        Per stream that has one, its event-time column.
    passed
        Per stage that is evaluated on the fly, a query for how many of a batch's rows pass it.
    marks
        Whether windows that the start point cut off are emitted, with a mark.
    splits
        Whether stages hand on what they made of such windows, so that the last one can tell.
    """

    streams: tuple[str, ...]
    references: tuple[str, ...]
    stages: tuple[Stage, ...]
    operators: tuple[Operator, ...]
    output: Statement | None
    columns: Mapping[str, str]
    event_times: Mapping[str, str]
    passed: Mapping[str, Statement] = field(default_factory=dict)
    marks: bool = False
    splits: bool = False

    @property
    def tables(self) -> tuple[StateTable, ...]:
        """All state tables."""
        return tuple(table for operator in self.operators for table in operator.tables)

    @property
    def placed(self) -> frozenset[str]:
        """The streams whose rows are kept with the places of their records."""
        return frozenset(stream for table in self.tables for stream in table.placed)

    def explain(self) -> str:
        """Say in words and as a drawing what is kept and when rows come out."""
        from streamops_nb.plan.explain import explain

        return explain(self)
