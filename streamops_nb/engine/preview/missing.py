"""Why a row is not there: the stage and the predicate that let its ingredients go.

From the output down: a stage that reads what a row would be made of, and does not give the row, has
dropped it; one that reads nothing of it sends the question on to what it reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.db import ident
from streamops_nb.engine.preview.asked import Key, as_sql, holds, microseconds, times_of
from streamops_nb.engine.preview.difference import TOLERANCE
from streamops_nb.engine.preview.trace import Trace, Tracing
from streamops_nb.model.errors import Refused
from streamops_nb.plan.probing import ONE, Branch, Term, branches
from streamops_nb.plan.relation import Kind
from streamops_nb.plan.tracing import Input, inputs_of
from streamops_nb.plan.tree import Node

__all__ = ["Finding", "Search"]

_MOST = 1_000
"""So many rows are looked at where a stage dropped some."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Where a row was lost.

    Parameters
    ----------
    reason
        ``filter``, ``duplicate``, ``join``, ``window``, ``values``, ``absent``, or ``present`` if
        it was not.
    stage
        The stage that dropped it, or the stream that does not have it.
    predicate, where
        The term of a condition that did not hold, as written, and its place in the query.
    clause
        The clause that it stands in.
    values
        What it depends on, for the row that came furthest.
    rows
        The rows that did not get further, with what the condition depends on.
    instead
        Of a de-duplication: the rows that were taken instead.
    key
        What was looked for at that stage.
    """

    reason: str
    stage: str
    predicate: str = ""
    where: str = ""
    clause: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    rows: pa.Table | None = None
    instead: pa.Table | None = None
    key: Key = field(default_factory=Key)


class Search:
    """Looks for what became of a row.

    Parameters
    ----------
    tracing
        It has run: its relations are there.
    query
        The user's text.
    """

    def __init__(self, tracing: Tracing, trace: Trace, query: str) -> None:
        self._tracing = tracing
        self._trace = trace
        self._query = query
        self._session = tracing.session

    def look(self, name: str, key: Key) -> Finding:
        """Say what became of rows with this key at a stage, or below it."""
        step = self._trace.steps.get(name)
        if step is None or step.stage.kind is Kind.REFERENCE:
            return self._source(name, key)
        found: list[Finding] = []
        for branch in branches(step.stage, self._query, self._tracing.tree):
            self._tracing.show(inputs_of(step.stage))
            found.append(self._branch(branch, key))
        # of a UNION, the part in which it came furthest
        return max(found, key=lambda f: _order(f.reason, f.stage == name))

    def _source(self, name: str, key: Key) -> Finding:
        table = self._trace.table(name)
        mask = np.ones(table.num_rows, dtype=bool)
        for column in key.names & set(table.column_names):
            mask &= holds(table, column, key)
        reason = "present" if mask.any() else "absent"
        return Finding(reason=reason, stage=name, rows=table.filter(pa.array(mask)), key=key)

    # one SELECT

    def _branch(self, branch: Branch, key: Key) -> Finding:
        terms = branch.terms("where_clause")
        rows = self._rows(branch, key, terms)
        if not rows.num_rows:
            return self._ingredients(branch, key)
        lost = self._judge(branch, terms, rows, key)
        if lost is not None:
            return lost
        lost = self._having(branch, key) if branch.grouped else None
        if lost is None and branch.node["qualify"] is not None:
            lost = self._qualify(branch, key)
        return lost or Finding(reason="present", stage=branch.stage.name, key=key)

    def _having(self, branch: Branch, key: Key) -> Finding | None:
        terms = branch.terms("having")
        left_out = ["having", "qualify"]
        rows = self._results(branch, key, terms, left_out)
        if rows.num_rows:
            return self._judge(branch, terms, rows, key)
        return self._other_values(branch, key, left_out)

    def _qualify(self, branch: Branch, key: Key) -> Finding | None:
        terms = branch.terms("qualify")
        rows = self._results(branch, key, terms, ["qualify"])
        if not rows.num_rows:
            return self._other_values(branch, key, ["qualify"])
        lost = self._judge(branch, terms, rows, key)
        return None if lost is None else self._instead(branch, lost)

    def _other_values(self, branch: Branch, key: Key, left_out: list[str]) -> Finding | None:
        """Rows with the key, but for what an aggregate or a window function gives."""
        made = {n for n in key.values if (e := branch.expression(n)) and not branch.is_of_rows(e)}
        if not made:
            return None
        rest = replace(key, values={n: v for n, v in key.values.items() if n not in made})
        columns = {n: e for n in sorted(made) if (e := branch.expression(n)) is not None}
        rows = self._results(branch, rest, [], left_out, columns)
        values = {n: rows[n][0].as_py() for n in columns} if rows.num_rows else {}
        stage = branch.stage.name
        return Finding(reason="values", stage=stage, values=values, rows=rows, key=key)

    def _rows(self, branch: Branch, key: Key, terms: list[Term]) -> pa.Table:
        """The rows of the FROM clause that fit the key, with the terms of WHERE as columns."""
        keys = {
            name: made
            for name in key.names
            if (made := branch.expression(name)) is not None and branch.is_of_rows(made)
        }
        columns = {name: branch.tried(made) for name, made in keys.items()}
        sql = branch.over(
            branch.node["from_table"], {**columns, **_judged(branch, terms)}, where=False
        )
        return self._matching(sql, branch, key, set(keys))

    def _results(
        self,
        branch: Branch,
        key: Key,
        terms: list[Term],
        left_out: list[str],
        others: Mapping[str, Node] | None = None,
    ) -> pa.Table:
        """The rows of the SELECT that fit the key, with the terms of a clause as columns."""
        keys = {name: made for name in key.names if (made := branch.expression(name)) is not None}
        if branch.grouped:
            columns = branch.stage.relation.columns
            keys = {name: made for name, made in keys.items() if name in columns}
        sql = branch.without(left_out, {**keys, **(others or {}), **_judged(branch, terms)})
        return self._matching(sql, branch, key, set(keys))

    def _matching(self, sql: str, branch: Branch, key: Key, names: set[str]) -> pa.Table:
        where = " AND ".join(self._condition(branch, name, key) for name in sorted(names)) or "true"
        filled = self._tracing.fill(sql)
        return self._session.table(f"SELECT * FROM ({filled}) WHERE {where} LIMIT {_MOST}")

    def _condition(self, branch: Branch, name: str, key: Key) -> str:
        """SQL for what the key says of a column."""
        column = ident(name)
        if name in key.ranges:
            low, high = key.ranges[name]
            return f"epoch_us({column}) >= {low} AND epoch_us({column}) < {high}"
        value = key.values[name]
        kinds = self._type(branch, name)
        literal = as_sql(name, value, kinds)
        if literal is None:  # pandas does not tell NULL and NaN apart
            nan = f" OR isnan({column})" if pa.types.is_floating(kinds[1]) else ""
            return f"({column} IS NULL{nan})"
        if isinstance(value, float):
            return f"abs({column} - {literal}) <= {TOLERANCE} * abs({literal})"
        return f"{column} = {literal}"

    def _type(self, branch: Branch, name: str) -> tuple[str, pa.DataType]:
        stage = branch.stage
        if name in stage.relation.columns:
            kind = self._trace.steps[stage.name].rows[name].type
            return stage.relation.columns[name], kind
        for found in branch.inputs:
            if name in found.item.relation.columns:
                table = self._trace.table(found.name)
                if name in table.column_names:
                    return found.item.relation.columns[name], table[name].type
        raise Refused(f"there is no column `{name}`")

    def _judge(self, branch: Branch, terms: list[Term], rows: pa.Table, key: Key) -> Finding | None:
        """Which term let every row go; None if some passed."""
        passed = _passed(rows, len(terms))
        if (passed == len(terms)).any():
            return None
        furthest = int(passed.argmax())
        term = terms[int(passed[furthest])]
        values = {
            text: rows[_value(terms.index(term), n)][furthest].as_py()
            for n, text in enumerate(term.looked_at)
        }
        return Finding(
            reason="duplicate" if term.clause == "QUALIFY" and term.numbers_rows else "filter",
            stage=branch.stage.name,
            predicate=term.text,
            where=term.where,
            clause=term.clause,
            values=values,
            rows=_readable(rows, terms, passed),
            key=key,
        )

    def _instead(self, branch: Branch, lost: Finding) -> Finding:
        """Add the rows that came out of the partitions of those that did not."""
        step = self._trace.steps[branch.stage.name]
        if not step.peers or lost.rows is None:
            return lost
        known = [n for n in lost.key.values if n in step.rows.column_names]
        mask = np.ones(step.rows.num_rows, dtype=bool)
        for name in known:
            mask &= holds(step.rows, name, lost.key)
        places = step.fellows(np.flatnonzero(mask))
        kept = places[step.kept[places]]
        return replace(lost, instead=step.rows.take(pa.array(kept)))

    # nothing comes out of the FROM clause

    def _ingredients(self, branch: Branch, key: Key) -> Finding:
        for found in branch.inputs:
            if not self._count(branch, found.item.node, key):
                below = self.look(found.name, self._below(branch, found, key))
                if below.reason != "present":
                    return below
                reason = "window" if _bounds(branch, found, key) else "values"
                stage = branch.stage.name
                return Finding(reason=reason, stage=stage, rows=below.rows, key=key)
        for join in branch.joins():
            sides = [self._count(branch, join[side], key) for side in ("left", "right")]
            if all(sides) and not self._count(branch, join, key):
                text, where = branch.join_text(join)
                missing = branch.below(join["right"])
                return Finding(
                    reason="join",
                    stage=branch.stage.name,
                    predicate=text,
                    where=where,
                    clause=f"{join['join_type']} JOIN",
                    values={"without a partner in": ", ".join(i.name for i in missing)},
                    key=key,
                )
        return Finding(reason="absent", stage=branch.stage.name, key=key)

    def _count(self, branch: Branch, part: Node, key: Key) -> int:
        """How many rows of a part of the FROM clause fit what the key says of it."""
        inputs = branch.below(part)
        keys = {
            name: made
            for name in key.names
            if (made := branch.expression(name)) is not None
            and branch.is_of_rows(made)
            and branch.belongs(made, inputs)
        }
        columns = {name: branch.tried(made) for name, made in keys.items()}
        sql = branch.over(part, columns, where=False)
        return int(self._matching(sql, branch, key, set(keys)).num_rows)

    def _below(self, branch: Branch, found: Input, key: Key) -> Key:
        """What a key says of the rows of an input."""
        values: dict[str, Any] = {}
        ranges: dict[str, tuple[int, int]] = {}
        bounds: dict[str, int] = {}
        for name in key.names:
            handed = branch.handed_on(name, found)
            mark = found.item.relation.marks.get(handed or "")
            if handed is None and branch.expression(name) is None:
                handed = name  # of something further below
            if handed is None:
                continue
            macro = found.item.macro
            if macro is not None and handed not in macro.source.columns and mark is not None:
                bound = microseconds(name, key.values[name]) if name in key.values else None
                if bound is not None:  # a join may have found no window
                    bounds[mark.what] = bound
            elif name in key.ranges:
                ranges[handed] = key.ranges[name]
            else:
                values[handed] = key.values[name]
        if found.item.macro is not None and bounds:
            ranges[found.item.macro.time] = times_of(found, bounds)
        return Key(values=values, ranges=ranges)


def _bounds(branch: Branch, found: Input, key: Key) -> bool:
    """Whether a key says something of the windows of an input."""
    macro = found.item.macro
    handed = {branch.handed_on(name, found) for name in key.names} - {None}
    return macro is not None and not handed <= macro.source.columns.keys()


def _order(reason: str, here: bool) -> tuple[bool, bool, int]:
    order = ("absent", "window", "join", "filter", "values", "duplicate")
    return reason == "present", here, order.index(reason) if reason in order else len(order)


def _value(term: int, n: int) -> str:
    return f"_value_{term}_{n}"


def _judged(branch: Branch, terms: list[Term]) -> dict[str, Node]:
    """The terms of a condition, and what they depend on, as columns."""
    columns: dict[str, Node] = {}
    for number, term in enumerate(terms):
        columns[f"_holds_{number}"] = branch.tried(term.node)
        for n, node in enumerate(term.looked_at.values()):
            columns[_value(number, n)] = node
    return columns


def _passed(rows: pa.Table, terms: int) -> np.ndarray:
    """For each row how many terms hold before the first that does not."""
    passed = np.zeros(rows.num_rows, dtype=np.int64)
    still = np.ones(rows.num_rows, dtype=bool)
    for number in range(terms):
        holds = pc.fill_null(rows[f"_holds_{number}"].cast(pa.bool_()), False)
        still &= holds.to_numpy()
        passed += still
    return passed


def _readable(rows: pa.Table, terms: list[Term], passed: np.ndarray) -> pa.Table:
    """The rows with what the terms depend on under its own name, and the term that failed."""
    columns: dict[str, Any] = {}
    for name in rows.column_names:
        if not name.startswith((ONE, "_holds_", "_value_")):
            columns[name] = rows[name]
    for number, term in enumerate(terms):
        for n, text in enumerate(term.looked_at):
            columns.setdefault(text, rows[_value(number, n)])
    columns["_failed"] = pa.array([terms[int(p)].text for p in passed], pa.string())
    return pa.table(columns)
