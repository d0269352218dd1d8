"""Which windows a start point has cut off, where their beginning alone does not tell.

A window is cut off if it begins before the start point, or later by less than the windows that
feed it reach back (the *trail*). To leave such windows out at their source is enough for most
queries. A query is *split* if it joins windows of different trails, or if they are to be emitted
with a mark: then a stage's emission is evaluated for two *sides*, the whole windows and those cut
off, and only the last stage leaves the latter out. Rows that are joined belong to the same window,
so they are on the same side.

Sessions have no such bound: one that was cut off may end at any time. Where they feed windows of
another stage, the times of the rows made of cut-off sessions are kept beside the state, and a
window that holds one of them is cut off too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamops_nb.db import ident
from streamops_nb.model.errors import Fault, QueryRefused
from streamops_nb.plan.operator import StateTable
from streamops_nb.plan.relation import Item, Kind, Macro, Relation
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.statement import CUT, SIDE, TO, Statement

__all__ = [
    "CUT_OFF",
    "FLAG",
    "Cutting",
    "closed_rows",
    "is_open_ended",
    "needs_split",
    "start_of",
    "trails_of",
]

CUT_OFF = "_cut_off"
"""The column of the mark in the output."""
FLAG = "_streamops_cut"
"""The column of the mark in the rows that a stage hands on."""


def closed_rows(name: str) -> str:
    """The relation that holds what a stage has just emitted, with the mark."""
    return f"_closed_{name}"


def is_open_ended(stage: Stage, open_ended: set[str]) -> bool:
    """Whether a cut-off window of the stage may end arbitrarily late.

    Parameters
    ----------
    open_ended
        The earlier stages of which that is so.
    """
    return any(
        item.relation.window is not None
        and (item.relation.window.kind == "session" or _source(item).name in open_ended)
        for item in stage.items
    )


def _source(item: Item) -> Relation:
    return item.relation if item.macro is None else item.macro.source


def needs_split(stages: Sequence[Stage], *, marks: bool) -> bool:
    """Whether both sides of a query's windows have to be evaluated.

    Parameters
    ----------
    stages
        The stages over windows, in order; the last one makes the output.
    marks
        Whether cut-off windows are to be emitted with a mark.

    Raises
    ------
    QueryRefused
        If they are and cannot be told from whole ones, or the output has a column of that name.
    """
    open_ended: set[str] = set()
    needed = False
    for stage in stages:
        closed = [item for item in stage.items if item.relation.kind is Kind.CLOSED]
        ended = is_open_ended(stage, open_ended)
        if ended and len(closed) > 1:
            if marks:
                _refuse_sessions(stage)
            return False
        fed = any(item.macro is not None and _source(item).name in open_ended for item in closed)
        handed = len(closed) > 1 and any(item.macro is None for item in closed)
        needed = needed or fed or handed
        if ended:
            open_ended.add(stage.name)
    if marks and stages:
        _refuse_name(stages[-1])
    return needed or marks


def _refuse_sessions(stage: Stage) -> None:
    what = (
        f"`{stage.name}` joins sessions, or windows over them: with `cut_off: emit` it is not "
        "certain which of them a start point cut off"
    )
    _refuse(stage, what, "choose `cut_off: drop` or `lookback`")


def _refuse_name(stage: Stage) -> None:
    if any(name.lower() == CUT_OFF for name in stage.relation.columns):
        what = f"the column name `{CUT_OFF}` is taken by the mark of `cut_off: emit`"
        _refuse(stage, what, "choose another (AS)")


def _refuse(stage: Stage, what: str, remedy: str) -> None:
    raise QueryRefused([Fault(where=stage.where, what=what, remedy=remedy)])


@dataclass(frozen=True, kw_only=True, slots=True)
class Cutting:
    """Writes the conditions by which one stage's windows are told apart.

    Parameters
    ----------
    splits
        Whether both sides are evaluated; else cut-off windows are just left out.
    times
        The table with the times of rows made of cut-off sessions, if the stage has one.
    """

    splits: bool
    times: str | None = None

    def cut(self, start: str, end: str) -> str:
        """SQL that tells whether a window, given by its bounds in microseconds, is cut off."""
        if self.times is None:
            return f"{start} < {CUT}"
        held = f"SELECT 1 FROM {self.times} WHERE _time >= {start} AND _time < {end}"
        return f"({start} < {CUT} OR EXISTS ({held}))"

    def side(self, start: str, end: str) -> str:
        """SQL that tells whether a window is on the side that is being evaluated."""
        if not self.splits:
            return f"{start} >= {CUT}"
        return f"({self.cut(start, end)}) = ({SIDE} = 1)"

    def table(self, macro: Macro, kept: str) -> StateTable | None:
        """The state table for `times`; `kept` is the one of the rows."""
        if self.times is None:
            return None
        source, time = ident(closed_rows(macro.source.name)), f"epoch_us({ident(macro.time)})"
        if macro.window.kind == "session":
            gone = f"_time NOT IN (SELECT {time} FROM {kept})"
        else:
            gone = f"{macro.window.last_end('_time')} <= {TO}"
        return StateTable(
            name=self.times,
            keeps="times",
            source=macro.source.name,
            create=Statement(f"SELECT {time} AS _time FROM {source} LIMIT 0"),
            insert=Statement(f"SELECT DISTINCT {time} AS _time FROM {source} WHERE {FLAG}"),
            expire=Statement(f"DELETE FROM {self.times} WHERE {gone}"),
        )

    def closed(self, item: Item, *, alone: bool) -> str:
        """The rows of a stage that another one reads in their own window, on one side.

        Parameters
        ----------
        alone
            Whether it reads nothing else; a join looks at the window's beginning, since its other
            side may have a longer trail.
        """
        relation = item.relation
        columns = ", ".join(ident(column) for column in relation.columns)
        cut = FLAG if alone else f"{start_of(relation)} < {CUT}"
        source = ident(closed_rows(relation.name))
        return f"SELECT {columns} FROM {source} WHERE ({cut}) = ({SIDE} = 1)"


def start_of(relation: Relation) -> str:
    """SQL for the beginning of the window that a closed row belongs to."""
    window = relation.window
    assert window is not None
    for what in ("start", "end"):
        column = next((c for c, mark in relation.marks.items() if mark.what == what), None)
        if column is not None:
            us = f"epoch_us({ident(column)})"
            return us if what == "start" else window.start_of(us)
    raise AssertionError("a join names the window of both sides")


def trails_of(stage: Stage) -> dict[str, int]:
    """How much later than those of what feeds a stage its windows begin to be whole."""
    trails: dict[str, int] = {}
    for item in stage.items:
        sources, trail = [item.relation.name], 0
        if item.macro is not None:
            source = item.macro.source
            mark = source.marks[item.macro.time]
            # a session that begins less than its gap later may have begun before
            trail = item.macro.window.size if item.macro.window.kind == "session" else 0
            trail += mark.window.size if mark.what == "end" and mark.window else 0
            sources = [source.name] if source.kind is Kind.CLOSED else list(source.frontier)
        elif item.relation.kind is not Kind.CLOSED:
            continue
        for name in sources:
            trails[name] = max(trail, trails.get(name, 0))
    return trails
