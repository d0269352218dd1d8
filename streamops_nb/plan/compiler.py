"""From stages to operators: the SQL of each step of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from streamops_nb.db import ident
from streamops_nb.model.errors import Fault, QueryRefused
from streamops_nb.plan.cutting import Cutting, is_open_ended, start_of, trails_of
from streamops_nb.plan.decompose import Decomposed, decompose, names_row
from streamops_nb.plan.operator import Operator, StateTable
from streamops_nb.plan.places import PLACE, Places, streams_of
from streamops_nb.plan.relation import Item, Kind
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.statement import CUT, FROM, SIDE, SINCE, TO, Statement
from streamops_nb.plan.tree import Node, Tree, base_table, rewrite, walk

__all__ = ["Compiler"]

_BOUNDS = ("epoch_us(window_start)", "epoch_us(window_end)")


class Compiler:
    """Compiles the stages of one query.

    Parameters
    ----------
    stages
        All stages by name, in order.
    database
        The quoted name of the job's attached file.
    splits
        Whether windows that the start point cut off are evaluated too, on a side of their own.
    """

    def __init__(
        self, stages: Mapping[str, Stage], tree: Tree, database: str, *, splits: bool = False
    ) -> None:
        self._stages = stages
        self._tree = tree
        self._database = database
        self.splits = splits
        self._open_ended: set[str] = set()
        self._cut_trails: dict[str, int] = {}
        self._places = Places(stages, tree, self._inline)

    def over(self, database: str) -> Compiler:
        """Give a compiler of the same stages for another database."""
        return Compiler(self._stages, self._tree, database, splits=self.splits)

    def query(self, sql: str, reads: Iterable[str] = (), **ours: str) -> Statement:
        """Put the stages in front that `sql` reads and that are evaluated on the fly.

        Parameters
        ----------
        ours
            Common table expressions of the planner, in order; one may stand in for a stage.
        """
        steps: dict[str, str] = {}
        for name in reads:
            self._inline(name, steps)
        steps = {name: text for name, text in steps.items() if name not in ours}
        every = {**steps, **ours}
        prefix = ", ".join(f"{ident(name)} AS ({text})" for name, text in every.items())
        return Statement(f"WITH {prefix} {sql}" if prefix else sql)

    def _inline(self, name: str, steps: dict[str, str]) -> None:
        stage = self._stages.get(name)
        if stage is None or name in steps or stage.kind is Kind.CLOSED:
            return
        for below in stage.reads:
            self._inline(below, steps)
        steps[name] = stage.sql

    def passed(self, names: Iterable[str]) -> dict[str, Statement]:
        """Count, per stage that is evaluated on the fly, the rows that pass it."""
        flows = [name for name in names if self._stages[name].kind is Kind.FLOW]
        return {name: self.query(f"SELECT count(*) FROM {ident(name)}", [name]) for name in flows}

    def operator(self, stage: Stage, *, rows: bool = False, places: bool = True) -> Operator:
        """Compile a stage over windows.

        Parameters
        ----------
        rows
            Keep rows even where partial aggregates could be kept.
        places
            Keep with each row the place of its record, where it has one.
        """
        frontier = stage.relation.frontier
        trails = trails_of(stage)
        self._cut_trails[stage.name] = max(
            self._cut_trails.get(source, 0) + trail for source, trail in trails.items()
        )
        window = next(i.relation.window for i in stage.items if i.relation.window is not None)
        decomposed = None if rows else decompose(stage, self._tree)
        if decomposed is not None:
            return self._partials(stage, decomposed, trails)
        cutting = self._cutting(stage)
        tables: list[StateTable] = []
        ours: dict[str, str] = {}
        placed: dict[str, str] = {}
        streams: dict[str, tuple[str, ...]] = {}
        direct: set[str] = set()
        swaps: dict[int, str] = {}
        for number, item in enumerate(stage.items):
            if item.macro is not None:
                table, placed[f"_in{number}"] = self._rows(stage, item, number, ours, places)
                streams[f"_w{number}"] = table.placed
                tables.append(table)
                swaps[id(item.node)] = f"_w{number}"
            elif item.relation.kind is Kind.CLOSED:
                if dict(item.relation.frontier) == dict(frontier):
                    direct.add(item.relation.name)
                    if self.splits:
                        alone = sum(i.relation.kind is Kind.CLOSED for i in stage.items) == 1
                        ours[item.relation.name] = cutting.closed(item, alone=alone)
                else:
                    tables.append(self._waiting(stage, item, number, ours))
        tables += self._times(stage)
        sql = self._tree.sql(_swap(stage.node, swaps))
        return Operator(
            stage=stage,
            window=window,
            frontier=frontier,
            trails=trails,
            cut_trail=self._cut_trails[stage.name],
            open_ended=stage.name in self._open_ended,
            dropped=self._dropped(stage, ours),
            tables=tuple(tables),
            direct=frozenset(direct),
            places=streams,
            **self._emission(sql, stage.reads, ours, placed),
        )

    def _emission(
        self,
        sql: str,
        reads: Iterable[str],
        ours: Mapping[str, str],
        placed: Mapping[str, str],
    ) -> dict[str, Any]:
        """The emission as one query, and apart: what it reads, and its body over that.

        Parameters
        ----------
        placed
            What stands in for some of `ours` in the inputs, so that their rows have places.
        """
        others = [name for name in reads if name not in ours]
        looked = {**ours, **placed}
        inputs = [name for name in ours if name not in placed]
        return {
            "emit": self.query(sql, reads, **ours),
            "inputs": {
                name: self.query(f"SELECT * FROM {ident(name)}", (), **looked) for name in inputs
            },
            "body": self.query(sql, others),
        }

    def _cutting(self, stage: Stage) -> Cutting:
        if self.splits and is_open_ended(stage, self._open_ended):
            self._open_ended.add(stage.name)
        fed = {item.macro.source.name for item in stage.items if item.macro is not None}
        held = self.splits and bool(fed & self._open_ended)
        times = f"{self._database}.{ident(f'state_{stage.name}_cut')}" if held else None
        return Cutting(splits=self.splits, times=times)

    def _times(self, stage: Stage) -> list[StateTable]:
        macros = [item.macro for item in stage.items if item.macro is not None]
        cutting = self._cutting(stage)
        table = cutting.table(macros[0], self._table(stage, 0)) if macros else None
        return [] if table is None else [table]

    def _dropped(self, stage: Stage, ours: Mapping[str, str]) -> Statement | None:
        """Count the windows of a stage's first macro that were cut off."""
        for number, item in enumerate(stage.items):
            if item.macro is None:
                continue
            kept = f"_in{number}"
            count = (
                f"SELECT count(DISTINCT ({item.macro.keys}, window_start, window_end)) "
                f"FROM {item.macro.window.kind}({kept}, {item.macro.call}) "
                f"WHERE epoch_us(window_end) > {FROM} AND epoch_us(window_end) > {SINCE} "
                f"AND epoch_us(window_end) <= {TO} AND {self._cutting(stage).cut(*_BOUNDS)}"
            )
            return self.query(count, (), **{kept: ours[kept]})
        return None

    def _table(self, stage: Stage, number: int) -> str:
        return f"{self._database}.{ident(f'state_{stage.name}_{number}')}"

    def _rows(
        self, stage: Stage, item: Item, number: int, ours: dict[str, str], places: bool
    ) -> tuple[StateTable, str]:
        """Keep the rows that feed a macro; add the macro over them to `ours`.

        Returns
        -------
        tuple
            The state table, and the query for all that it keeps, places included.
        """
        macro = _present(item.macro)
        name = self._table(stage, number)
        columns = ", ".join(ident(column) for column in _needed(stage, item))
        time = f"epoch_us({ident(macro.time)})"
        steps: dict[str, str] = {}
        flows = places and macro.source.kind is Kind.FLOW
        source = self._places.of(macro.source, steps) if flows else None
        every = columns if source is None else f"{columns}, {PLACE}"
        reads = [macro.source.name] if source is None else []
        session = macro.window.kind == "session"
        on_time = f"{time} >= {FROM}" if session else f"{macro.window.last_end(time)} > {FROM}"
        kept = f"_in{number}"
        call = f"{macro.window.kind}({kept}, {macro.call})"
        ours[kept] = f"SELECT {columns} FROM {name}"
        ours[f"_w{number}"] = (
            f"SELECT * FROM {call} WHERE epoch_us(window_end) > {FROM} "
            f"AND epoch_us(window_end) > {SINCE} AND epoch_us(window_end) <= {TO} "
            f"AND {self._cutting(stage).side(*_BOUNDS)}"
        )
        if session:
            expire = (
                f"DELETE FROM {name} WHERE rowid IN (WITH {kept} AS (SELECT rowid AS _id, "
                f"{columns} FROM {name}) SELECT _id FROM {call} WHERE epoch_us(window_end) <= {TO})"
            )
        else:
            expire = f"DELETE FROM {name} WHERE {macro.window.last_end(time)} <= {TO}"
        read_from = ident(source or macro.source.name)
        plain = f"SELECT {every} FROM {read_from} WHERE {ident(macro.time)} IS NOT NULL"
        table = StateTable(
            name=name,
            keeps="rows",
            source=macro.source.name,
            create=self.query(f"{plain} LIMIT 0", reads, **steps),
            insert=self.query(f"{plain} AND {on_time}", reads, **steps),
            expire=Statement(expire),
            placed=() if source is None else streams_of(macro.source),
            oldest=Statement(f"SELECT min({time}) FROM {name}"),
            **self._late(item),
        )
        return table, f"SELECT {every} FROM {name}"

    def _late(self, item: Item) -> dict[str, Any]:
        macro = _present(item.macro)
        if macro.source.kind is not Kind.FLOW:
            return {}
        reads = [macro.source.name]
        source, time = ident(macro.source.name), f"epoch_us({ident(macro.time)})"
        if macro.window.kind == "session":
            late, partly = f"{time} < {FROM}", "false"
        else:
            late = f"{macro.window.last_end(time)} <= {FROM}"
            partly = f"{macro.window.first_end(time)} <= {FROM} AND NOT {late}"
        counts = f"SELECT count(*) FILTER ({late}), count(*) FILTER ({partly}) FROM {source}"
        if macro.source.name in self._stages:
            rows = f"SELECT CAST(to_json(_late) AS VARCHAR) FROM {source} AS _late WHERE {late}"
        else:
            placed = f"SELECT *, row_number() OVER () - 1 AS _place FROM {source}"
            rows = f"SELECT _place FROM ({placed}) WHERE {late}"
        return {
            "late": self.query(counts, reads),
            "late_rows": self.query(rows, reads),
        }

    def _waiting(self, stage: Stage, item: Item, number: int, ours: dict[str, str]) -> StateTable:
        """Keep closed rows of a stage until the slower inputs have closed the same window."""
        relation = item.relation
        window = relation.window
        end = next((c for c, m in relation.marks.items() if m.what == "end"), None)
        start = next((c for c, m in relation.marks.items() if m.what == "start"), None)
        if end is not None:
            bound = f"epoch_us({ident(end)})"
        elif start is not None and window is not None and window.fixed:
            bound = f"epoch_us({ident(start)}) + {window.size}"
        else:
            raise QueryRefused(
                [
                    Fault(
                        where=stage.where,
                        what=f"`{relation.name}` has to wait for a slower input of "
                        f"`{stage.name}`, but does not say which window its rows belong to",
                        remedy=f"select window_end in `{relation.name}`",
                    )
                ]
            )
        name = self._table(stage, number)
        source = ident(relation.name)
        ours[relation.name] = (
            f"SELECT * EXCLUDE (_end) FROM {name} WHERE _end > {FROM} AND _end <= {TO}"
        )
        if self.splits:
            ours[relation.name] += f" AND ({start_of(relation)} < {CUT}) = ({SIDE} = 1)"
        plain = f"SELECT *, {bound} AS _end FROM {source}"
        return StateTable(
            name=name,
            keeps="closed rows",
            source=relation.name,
            create=Statement(f"{plain} LIMIT 0"),
            insert=Statement(plain),
            expire=Statement(f"DELETE FROM {name} WHERE _end <= {TO}"),
            oldest=Statement(f"SELECT min(_end) FROM {name}"),
        )

    def _partials(self, stage: Stage, parts: Decomposed, trails: Mapping[str, int]) -> Operator:
        """Keep partial aggregates per pane and key."""
        item = parts.item
        macro = _present(item.macro)
        window = macro.window
        name = self._table(stage, 0)
        reads = stage.reads
        time = f"epoch_us({ident(macro.time)})"
        panes = f"SELECT *, {window.pane_of(time)} AS _pane FROM {ident(macro.source.name)}"
        where = f"{window.pane_end} > {FROM}"
        start, end = window.bounds_of_pane()
        kind = macro.source.columns[macro.time]
        stamp = "make_timestamptz" if "ZONE" in kind or kind == "TIMESTAMPTZ" else "make_timestamp"
        keys = "".join(f", _k{i}" for i in range(len(parts.keys)))
        states = "".join(f", _a{i}" for i in range(len(parts.aggregates)))
        combined = "".join(f", combine_aggr(_a{i}) AS _a{i}" for i in range(len(parts.aggregates)))
        final = "".join(
            f", finalize(combine_aggr(_a{i})) AS _a{i}" for i in range(len(parts.aggregates))
        )
        cutting = self._cutting(stage)
        closing = f"_end > {FROM} AND _end > {SINCE} AND _end <= {TO}"
        ours = {
            "_panes": f"SELECT _pane{keys}{states}, {start} AS _start FROM {name} "
            f"WHERE _pane < {TO} AND {window.pane_end} > {FROM}",
            "_windows": f"SELECT *, {end} AS _end FROM _panes",
            "_closed": f"SELECT {stamp}(_start) AS window_start, {stamp}(_end) AS window_end{keys}"
            f"{final} FROM _windows WHERE {closing} AND {cutting.side('_start', '_end')} "
            "GROUP BY ALL",
        }
        windows = "SELECT count(DISTINCT (_start, _end)) FROM _windows"
        cut = f"{windows} WHERE {closing} AND {cutting.cut('_start', '_end')}"
        before = {name: ours[name] for name in ("_panes", "_windows")}
        create = self.query(f"{parts.partial} LIMIT 0", reads, _p=panes)
        insert = self.query(parts.partial, reads, _p=f"SELECT * FROM ({panes}) WHERE {where}")
        table = StateTable(
            name=name,
            keeps="partials",
            source=macro.source.name,
            create=create,
            insert=insert,
            expire=Statement(f"DELETE FROM {name} WHERE {window.pane_end} <= {TO}"),
            merge=Statement(f"SELECT _pane{keys}{combined} FROM {name} GROUP BY ALL"),
            oldest=Statement(f"SELECT min(_pane) FROM {name}"),
            **self._late(item),
        )
        return Operator(
            stage=stage,
            window=window,
            frontier=stage.relation.frontier,
            trails=trails,
            cut_trail=self._cut_trails[stage.name],
            open_ended=stage.name in self._open_ended,
            dropped=self.query(cut, (), **before),
            tables=(table, *self._times(stage)),
            **self._emission(parts.final, (), ours, before),
        )


def _present(macro: Any) -> Any:
    if macro is None:
        raise AssertionError("only called for window macros")
    return macro


def _swap(node: Node, swaps: Mapping[int, str]) -> Node:
    """Replace the macros in a FROM clause by the relations that hold their closed rows."""

    def change(below: Node) -> Node | None:
        name = swaps.get(id(below))
        if name is None:
            return None
        return base_table(name, below["alias"] or str(below["function"]["function_name"]))

    changed: Node = rewrite(node, change)
    return changed


def _needed(stage: Stage, item: Item) -> list[str]:
    """The columns of a macro's input that the stage looks at (all if it has a star)."""
    macro = _present(item.macro)
    every = list(macro.source.columns)
    nodes = list(walk(stage.node))
    if any(node.get("class") == "STAR" for node in nodes):
        return every
    named = {str(name).lower() for node in nodes for name in (node.get("column_names") or [])}
    named |= {str(n).lower() for j in nodes for n in (j.get("using_columns") or [])}
    if any(names_row(node, item) for node in nodes):
        return every
    return [c for c in every if c.lower() in named or c == macro.time]
