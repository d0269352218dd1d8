"""The planning of one query: checked, read stage by stage, compiled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamops_nb.db import Session, literal
from streamops_nb.model.errors import Fault, Interrupted, QueryRefused, StreamopsError
from streamops_nb.model.wording import shown
from streamops_nb.plan.allowed import find_faults
from streamops_nb.plan.binding import compile_operators
from streamops_nb.plan.compiler import Compiler
from streamops_nb.plan.cutting import CUT_OFF, needs_split
from streamops_nb.plan.from_clause import reads_relations
from streamops_nb.plan.functions import TIME_NOW
from streamops_nb.plan.handing import handing
from streamops_nb.plan.operator import Plan
from streamops_nb.plan.outline import Outline, bounded
from streamops_nb.plan.places import create
from streamops_nb.plan.relation import Kind, Mark, Relation
from streamops_nb.plan.stage import Stage, read_stage
from streamops_nb.plan.statement import NOW, RESERVED
from streamops_nb.plan.tree import (
    OLD_LAMBDA,
    Node,
    Tree,
    base_table,
    binder_details,
    binder_message,
    names_in,
    place,
    relocated,
    rewrite,
    walk,
)

__all__ = ["FINAL", "Param", "Planning", "StreamShape"]

FINAL = "result"
"""The name of the stage that the final SELECT makes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamShape:
    """What the planner must know of a stream: its columns and which is the event time.

    `inferred` says whether the types of its columns were told from a sample.
    """

    columns: Mapping[str, str]
    event_time: str | None = None
    inferred: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Param:
    """A parameter's DuckDB type and value."""

    type: str
    value: Any


class Planning:
    """The planning of one query.

    Parameters
    ----------
    session
        A session of the planner's sealed database, for this query alone.
    """

    def __init__(
        self,
        query: str,
        streams: Mapping[str, StreamShape],
        references: Mapping[str, Mapping[str, str]],
        params: Mapping[str, Param],
        session: Session,
    ) -> None:
        self._query = query
        self._streams = streams
        self._params = params
        self._session = session
        self._tree = Tree(session)
        self._faults: list[Fault] = []
        self._relations: dict[str, Relation] = {}
        for name, shape in streams.items():
            self._declare(_stream(name, shape))
        for name, columns in references.items():
            self._declare(Relation(name=name, kind=Kind.REFERENCE, columns=dict(columns)))

    def outline(self, database: str, *, marks: bool) -> Outline:
        """Plan as much as can be planned; `database` is the quoted name of the job's file."""
        self._check_reserved()
        self._check_params()
        root, whole = self._parse()
        names = [str(cte["key"]) for cte in root.get("cte_map", {}).get("map", [])]
        self._check_nesting(root)
        self._check_names(names)
        if whole:
            self._raise()
        stages, failed = self._read_all(root, {*names, *self._names()}, whole=whole)
        plan = None
        if not self._faults:
            try:
                plan = self._compile(stages, database, marks=marks)
            except QueryRefused as refused:
                self._faults += refused.faults
        return Outline(
            stages=tuple(stages.values()),
            failed=failed,
            faults=tuple(self._faults),
            plan=plan,
            bounded=bounded(stages.values(), self._tree, self._session),
            handing=handing(stages.values(), self._tree),
        )

    def _parse(self) -> tuple[Node, bool]:
        """Parse the query, or the stages before a syntax error; say whether that is all of it."""
        try:
            return self._tree.parse(self._query), True
        except QueryRefused as refused:
            root = self._tree.parse_ctes(self._query)
            if root is None:
                raise
            self._faults += refused.faults
            return root, False

    def _names(self) -> set[str]:
        return {relation.name for relation in self._relations.values()}

    def _columns(self) -> set[str]:
        return {name.lower() for r in self._relations.values() for name in r.columns}

    def _raise(self) -> None:
        if self._faults:
            raise QueryRefused(self._faults)

    def _declare(self, relation: Relation) -> None:
        """Create the relation as an empty table of the session."""
        try:
            create(self._session, relation, placed=relation.name in self._streams)
        except StreamopsError as error:
            where = f"streams.{relation.name}.schema"
            if relation.name not in self._streams:
                where = f"query, columns of {relation.name}"
            self._faults.append(Fault(where=where, what=binder_message(error)))
        self._relations[relation.name.lower()] = relation

    # checks of the whole text

    def _check_reserved(self) -> None:
        texts = [self._query, *(str(param.value) for param in self._params.values())]
        if any(RESERVED in text for text in texts):
            self._note(f"the text {RESERVED} is reserved", "leave it out")
        self._raise()

    def _check_params(self) -> None:
        """A value that is none of its type would make every row a reject."""
        given = {name: p for name, p in self._params.items() if p.value is not None}
        casts = (f"TRY_CAST({literal(_sql_text(p.value))} AS {p.type})" for p in given.values())
        (values,) = self._session.rows(f"SELECT {', '.join(casts)}") if given else ((),)
        for (name, param), value in zip(given.items(), values, strict=True):
            if value is None:
                what = f"{shown(param.value)} is no {param.type}"
                self._faults.append(Fault(where=f"params.{name}", what=what))
        self._raise()

    def _check_names(self, names: list[str]) -> None:
        taken = {name.lower() for name in self._names()}
        for name in [*names, *self._names()]:
            if name.startswith("_"):
                self._note(f"the name `{name}` begins with an underscore", "choose another")
        for name in names:
            if name.lower() in taken:
                self._note(f"the CTE `{name}` has the name of another relation", "rename it")
            taken.add(name.lower())
        if FINAL in taken:
            self._note(f"`{FINAL}` is the name of the final SELECT", "rename the stream or CTE")

    def _note(self, what: str, remedy: str = "") -> None:
        self._faults.append(Fault(where="query", what=what, remedy=remedy))

    def _check_nesting(self, root: Node) -> None:
        for below in walk(root):
            if below is not root and below.get("cte_map", {}).get("map"):
                self._note("a WITH stands inside another query", "move it to the top of the query")
                self._raise()

    def _judge(self, node: Node, relations: set[str]) -> list[Fault]:
        """What of a stage is not allowed, so that it is not even bound."""
        faults = find_faults(node, self._query, relations, self._columns())
        known = ", ".join(f"${name}" for name in sorted(self._params)) or "none"
        for below in walk(node):
            if below.get("class") == "PARAMETER" and below["identifier"] not in self._params:
                where = place(self._query, below.get("query_location"))
                what = f"there is no parameter ${below['identifier']}"
                faults.append(
                    Fault(where=where, what=what, remedy=f"declared under `params:` are {known}")
                )
        return faults

    def _bind(self) -> Fault | None:
        """Bind the user's text as it stands, to learn where in it the binder's fault lies.

        The binder tells only its first fault; None if that one is known already.
        """
        prefix = "PREPARE checked AS "
        try:
            self._session.rows(prefix + self._query)
        except Interrupted:
            raise
        except StreamopsError as error:
            fault = _binder_fault(error, self._query, len(prefix))
            return None if fault in self._faults else fault
        return None

    def _fill(self, node: Node) -> Node:
        """Put typed constants where parameters stand, and the batch's time where now() stands."""
        columns = self._columns()

        def change(node: Node) -> Node | None:
            if node.get("class") == "PARAMETER":
                return self._constant(node)
            names = node.get("column_names") or [""]
            called = str(node.get("function_name", names[0])).lower()
            if called not in TIME_NOW or len(names) > 1 or (names[0] and called in columns):
                return None
            return self._now(TIME_NOW[called], node)

        filled: Node = rewrite(node, change)
        return filled

    def _constant(self, node: Node) -> Node:
        param = self._params[node["identifier"]]
        text = "NULL" if param.value is None else literal(_sql_text(param.value))
        made = self._tree.expression(f"CAST({text} AS {param.type})")
        return {**relocated(made, node), "alias": node["alias"]}

    def _now(self, kind: str, node: Node) -> Node:
        sql = f"CAST(make_timestamptz(CAST({NOW} AS BIGINT)) AS {kind})"
        alias = node["alias"] or str(node.get("function_name", "now"))
        return {**relocated(self._tree.expression(sql), node), "alias": alias}

    # stage by stage

    def _read_all(
        self, root: Node, relations: set[str], *, whole: bool
    ) -> tuple[dict[str, Stage], tuple[str, ...]]:
        """Read all stages; also give the names of those that cannot be, and of what reads them."""
        stages: dict[str, Stage] = {}
        steps = [(str(cte["key"]), cte["value"]) for cte in root.get("cte_map", {}).get("map", [])]
        failed: dict[str, str] = {}
        if whole:
            final = {**root, "cte_map": {"map": []}}
            steps.append((FINAL, {"query_node": final, "aliases": []}))
        else:
            failed[FINAL] = FINAL
        for name, cte in steps:
            faults = self._judge(cte["query_node"], relations)
            self._faults += faults
            if faults:
                failed[name.lower()] = name
                continue
            for part, node in self._lifted(name, cte):
                # what reads a stage that failed would only repeat its faults
                stage = None if names_in(node) & failed.keys() else self._read(part, node)
                if stage is None:
                    failed[part.lower()] = part
                else:
                    stages[part] = stage
        return stages, tuple(failed.values())

    def _lifted(self, name: str, cte: Node) -> list[tuple[str, Node]]:
        """Make stages of the subqueries in a stage's FROM; the stage itself comes last."""
        if cte["aliases"]:
            self._note(f"the CTE `{name}` renames its columns", "name them in its SELECT list")
        lifted: list[tuple[str, Node]] = []

        def change(node: Node) -> Node | None:
            if node.get("type") != "SUBQUERY" or node.get("class") or not reads_relations(node):
                return None
            if node["column_name_alias"]:
                self._note("a subquery in FROM renames its columns", "name them in its SELECT")
            alias = node["alias"] or "subquery"
            taken = {*self._relations, *(part for part, _ in lifted)}
            part = alias if alias.lower() not in taken else f"{name}_{alias}_{len(lifted) + 1}"
            inner = rewrite(node["subquery"]["node"], change)
            lifted.append((part, inner))
            return {**base_table(part, alias), "query_location": node["query_location"]}

        body = rewrite(self._fill(cte["query_node"]), change)
        return [*lifted, (name, body)]

    def _read(self, name: str, node: Node) -> Stage | None:
        try:
            stage = read_stage(
                name, node, self._relations, self._tree, self._session, self._query, self._faults
            )
        except Interrupted:
            raise
        except StreamopsError as error:
            said = Fault(where=f"query, stage {name}", what=binder_message(error))
            self._faults.append(self._bind() or said)
            return None
        if stage is not None:
            self._declare(stage.relation)
        return stage

    def _compile(self, stages: dict[str, Stage], database: str, *, marks: bool) -> Plan:
        final = stages[FINAL]
        needed = _needed_by(final, stages)
        if final.kind is Kind.REFERENCE:
            raise QueryRefused(
                [Fault(where="query", what="the query reads no stream", remedy="name one in FROM")]
            )
        closed = [s for name, s in stages.items() if name in needed and s.kind is Kind.CLOSED]
        splits = needs_split(closed, marks=marks)
        compiler = Compiler(stages, self._tree, database, splits=splits)
        operators = compile_operators(closed, stages, compiler, self._session)
        output = compiler.query(final.sql, final.reads) if final.kind is Kind.FLOW else None
        streams = tuple(name for name in self._streams if name in needed)
        return Plan(
            streams=streams,
            references=tuple(
                r.name
                for r in self._relations.values()
                if r.kind is Kind.REFERENCE and r.name in needed and r.name not in stages
            ),
            stages=tuple(stages.values()),
            operators=operators,
            output=output,
            columns={
                **final.relation.columns,
                **({CUT_OFF: "BOOLEAN"} if marks and operators else {}),
            },
            passed=compiler.passed(n for n in stages if n in needed and n != FINAL),
            marks=marks and bool(operators),
            splits=splits,
            event_times={
                name: time for name in streams if (time := self._streams[name].event_time)
            },
        )


def _stream(name: str, shape: StreamShape) -> Relation:
    marks = {shape.event_time: Mark("time")} if shape.event_time else {}
    return Relation(
        name=name,
        kind=Kind.FLOW,
        columns=dict(shape.columns),
        marks=marks,
        frontier={name: 0},
    )


def _needed_by(stage: Stage, stages: Mapping[str, Stage]) -> set[str]:
    needed = {stage.name}
    for name in stage.reads:
        needed |= _needed_by(stages[name], stages) if name in stages else {name}
    return needed


def _sql_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _binder_fault(error: Exception, query: str, prefix: int) -> Fault:
    details = binder_details(error)
    message = binder_message(error)
    position = details.get("position")
    where = "query" if position is None else place(query, max(0, int(position) - prefix))
    if message == OLD_LAMBDA and (arrow := re.search(r"\w+\s*->(?!>)", query)):  # it has no place
        where = place(query, len(query[: arrow.start()].encode()))
    candidates = str(details.get("candidates", "")).strip()
    remedy = f"candidates: {candidates}" if candidates and len(candidates) < 200 else ""
    return Fault(where=where, what=message, remedy=remedy)
