"""What is known of a query stage by stage, also while some of its stages are still wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streamops_nb.db import Session, ident
from streamops_nb.model.errors import Fault, StreamopsError
from streamops_nb.plan.handing import Handing
from streamops_nb.plan.keys import hands_on, selected
from streamops_nb.plan.operator import Plan
from streamops_nb.plan.relation import Item, Kind
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.statement import Statement
from streamops_nb.plan.tree import Node, Tree

__all__ = ["END", "START", "Bounded", "Outline", "bounded"]

START, END = "_streamops_start", "_streamops_end"
"""The hidden columns that tell which window a row belongs to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounded:
    """A stage's query, and the columns that hold the bounds of each row's window.

    Parameters
    ----------
    query
        The query; `hidden` are its last columns.
    start, end
        The columns: `START` and `END`, microseconds, or columns of the stage's own.
    size
        The length of every window in microseconds, if there is no column `end`.
    """

    query: Statement
    start: str = START
    end: str = END
    size: int = 0

    @property
    def hidden(self) -> tuple[str, ...]:
        """The columns that the stage itself does not have."""
        return (self.start, self.end) if self.start == START else ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """A query, read stage by stage.

    Parameters
    ----------
    stages
        Those that could be read, in order.
    failed
        The names of the others, and of those that read them.
    faults
        Everything that is wrong with the query.
    plan
        The compiled query, if nothing is wrong with it.
    bounded
        Per stage over windows, how the window of each of its rows is known. A stage that hides its
        window from those that read it may be missing.
    handing
        Per stage that makes a row of each row, what it hands on.
    """

    stages: tuple[Stage, ...]
    failed: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    plan: Plan | None = None
    bounded: Mapping[str, Bounded] = field(default_factory=dict)
    handing: Mapping[str, Handing] = field(default_factory=dict)

    @property
    def by_name(self) -> dict[str, Stage]:
        """The stages by name."""
        return {stage.name: stage for stage in self.stages}


def bounded(stages: Iterable[Stage], tree: Tree, session: Session) -> dict[str, Bounded]:
    """Write the queries of `Outline.bounded`.

    Parameters
    ----------
    session
        A session of the planner in which all relations exist as empty tables; each query is bound
        there before it is trusted.
    """
    found = {}
    for stage in stages:
        if stage.kind is not Kind.CLOSED:
            continue
        shown = _shown(stage)
        if shown is not None:
            found[stage.name] = shown
            continue
        bounds = _bounds(stage, tree)
        if bounds is None:
            continue
        query = Statement(tree.sql({**stage.node, "select_list": [*_select(stage), *bounds]}))
        try:
            session.describe(query.fill())
        except StreamopsError:
            continue
        found[stage.name] = Bounded(query=query)
    return found


def _shown(stage: Stage) -> Bounded | None:
    """How a stage that reads but one relation tells its windows by columns of its own.

    Two columns more for each group cost a fifth of a small stage's time.
    """
    if len(stage.items) != 1 or stage.node["type"] != "SELECT_NODE":
        return None
    (item,) = stage.items
    window = item.relation.window
    bounds = {mark.what: name for name, mark in item.relation.marks.items()}
    start, end = (_handed_on(stage, item, bounds.get(what, "")) for what in ("start", "end"))
    query = Statement(stage.sql)
    if start and end:
        return Bounded(query=query, start=start, end=end)
    if start and window is not None and window.fixed:
        return Bounded(query=query, start=start, end="", size=window.size)
    return None


def _handed_on(stage: Stage, item: Item, column: str) -> str:
    """The name under which a stage hands on a column that carries time; empty if it does not."""
    found = (
        name
        for name, entry in selected(stage).items()
        if hands_on(name, entry, column, item)
        and stage.relation.marks.get(name) == item.relation.marks.get(column)
    )
    return next(found, "") if column else ""


def _select(stage: Stage) -> list[Node]:
    selected: list[Node] = stage.node["select_list"]
    return selected


def _bounds(stage: Stage, tree: Tree) -> list[Node] | None:
    """The beginning and the end of the window of a stage's row, as items of its SELECT list."""
    seen = [item for item in stage.items if item.relation.window is not None and not item.hidden]
    sure = [item for item in seen if not item.nullable][:1] or seen
    pairs = [pair for item in sure if (pair := _of(item)) is not None]
    if not pairs or len(pairs) < len(sure):
        return None
    nodes = []
    for name, parts in zip((START, END), zip(*pairs, strict=True), strict=True):
        text = parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"
        # each group lies within one window
        sql = f"any_value({text})" if stage.aggregated else text
        nodes.append({**tree.expression(sql), "alias": name})
    return nodes


def _of(item: Item) -> tuple[str, str] | None:
    """SQL for the bounds of the window of an item's row, microseconds."""
    window = item.relation.window
    # a macro without an alias cannot be named
    alias = (item.alias,) if item.macro is None or item.node["alias"] else ()
    columns = {mark.what: name for name, mark in item.relation.marks.items()}
    start, end = (
        f"epoch_us({ident(*alias, columns[what])})" if what in columns else None
        for what in ("start", "end")
    )
    assert window is not None
    if start is not None and end is not None:
        return start, end
    if start is not None and window.fixed:
        return start, f"{start} + {window.size}"
    if end is not None and window.kind != "session":
        return window.start_of(end), end
    return None
