"""Compiling the stages over windows, each tried before it is trusted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from streamops_nb.db import Session, ident
from streamops_nb.model.errors import Fault, QueryError, QueryRefused, RowError
from streamops_nb.plan.compiler import Compiler
from streamops_nb.plan.cutting import FLAG, closed_rows
from streamops_nb.plan.operator import Operator
from streamops_nb.plan.places import create
from streamops_nb.plan.relation import Kind
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.tree import binder_message

__all__ = ["compile_operators"]


def compile_operators(
    closed: Sequence[Stage],
    stages: Mapping[str, Stage],
    compiler: Compiler,
    session: Session,
) -> tuple[Operator, ...]:
    """Compile stages over windows, in order.

    Everything is compiled twice: once over tables of the planner's session, where it is bound, so
    that what could not run is a refusal now. Where partial states do not bind, rows are kept; where
    rows with the places of their records do not bind, rows without.

    Parameters
    ----------
    closed
        The stages to compile; the last one makes the output.
    stages
        All stages by name.
    compiler
        For the job's file.
    session
        A session of the planner in which all relations exist as empty tables.

    Raises
    ------
    QueryRefused
        If a stage cannot be compiled.
    """
    if not closed:
        return ()
    trial = compiler.over(ident("temp"))
    for stage in closed if compiler.splits else ():
        columns = {**stage.relation.columns, FLAG: "BOOLEAN"}
        create(session, replace(stage.relation, name=closed_rows(stage.name), columns=columns))
    leaving = _leaving(closed[-1], stages)
    operators = [_operator(stage, stages, compiler, trial, session) for stage in closed]
    return tuple(replace(each, leaves=each.name in leaving) for each in operators)


def _operator(
    stage: Stage,
    stages: Mapping[str, Stage],
    compiler: Compiler,
    trial: Compiler,
    session: Session,
) -> Operator:
    fault = ""
    for rows, places in ((False, True), (True, True), (True, False)):
        try:
            kinds = _bind(trial.operator(stage, rows=rows, places=places), session)
            operator = compiler.operator(stage, rows=rows, places=places)
            fed = [_fed(t.source, stages, k) for t, k in zip(operator.tables, kinds, strict=True)]
            tables = zip(operator.tables, fed, strict=True)
            return replace(operator, tables=tuple(replace(t, fed=text) for t, text in tables))
        except (QueryError, RowError) as error:
            fault = binder_message(error)
    what = f"the stage `{stage.name}` cannot be compiled: {fault}"
    raise QueryRefused([Fault(where=stage.where, what=what)])


def _bind(operator: Operator, session: Session) -> list[str]:
    """Bind every statement of an operator over empty tables; give the types that each keeps."""
    kinds = []
    for table in operator.tables:
        session.run(f"CREATE OR REPLACE TEMP TABLE {table.name} AS {table.create.fill()}")
        kinds.append(", ".join(session.describe(f"FROM {table.name}").values()))
        session.run(f"INSERT INTO {table.name} {table.insert.fill()}")
        session.run(table.expire.fill())
        for query in (table.late, table.late_rows, table.merge):
            if query is not None:
                session.describe(query.fill())
    for query in (operator.emit, operator.dropped):
        if query is not None:
            session.describe(query.fill())
    return kinds


def _fed(source: str, stages: Mapping[str, Stage], kinds: str) -> str:
    """The fingerprint of what feeds a state table; see `StateTable.fed`."""
    made: dict[str, str] = {}
    if source in stages and stages[source].kind is Kind.CLOSED:
        _made(source, stages, made)
    text = "\0".join([kinds, *(f"{name}\0{made[name]}" for name in sorted(made))])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _made(name: str, stages: Mapping[str, Stage], made: dict[str, str]) -> None:
    """Collect the text of a stage and of all stages that it reads."""
    if name in stages and name not in made:
        made[name] = stages[name].sql
        for below in stages[name].reads:
            _made(below, stages, made)


def _leaving(stage: Stage, stages: Mapping[str, Stage]) -> set[str]:
    """The stages whose rows reach the output without going into windows of another stage."""
    leaving = {stage.name}
    for item in stage.items:
        if item.macro is None and item.relation.name in stages:
            leaving |= _leaving(stages[item.relation.name], stages)
    return leaving
