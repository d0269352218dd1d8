"""Compiling the stages over windows, each tried before it is trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from streamops_nb.db import Session, ident
from streamops_nb.model.errors import Fault, QueryError, QueryRefused, RowError
from streamops_nb.plan.compiler import Compiler
from streamops_nb.plan.cutting import FLAG, closed_rows
from streamops_nb.plan.operator import Operator
from streamops_nb.plan.places import create
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
    operators = [_operator(stage, compiler, trial, session) for stage in closed]
    return tuple(replace(each, leaves=each.name in leaving) for each in operators)


def _operator(stage: Stage, compiler: Compiler, trial: Compiler, session: Session) -> Operator:
    fault = ""
    for rows, places in ((False, True), (True, True), (True, False)):
        try:
            _bind(trial.operator(stage, rows=rows, places=places), session)
            return compiler.operator(stage, rows=rows, places=places)
        except (QueryError, RowError) as error:
            fault = binder_message(error)
    what = f"the stage `{stage.name}` cannot be compiled: {fault}"
    raise QueryRefused([Fault(where=stage.where, what=what)])


def _bind(operator: Operator, session: Session) -> None:
    """Bind every statement of an operator over empty tables."""
    for table in operator.tables:
        session.run(f"CREATE OR REPLACE TEMP TABLE {table.name} AS {table.create.fill()}")
        session.run(f"INSERT INTO {table.name} {table.insert.fill()}")
        session.run(table.expire.fill())
        for query in (table.late, table.late_rows, table.merge):
            if query is not None:
                session.describe(query.fill())
    for query in (operator.emit, operator.dropped):
        if query is not None:
            session.describe(query.fill())


def _leaving(stage: Stage, stages: Mapping[str, Stage]) -> set[str]:
    """The stages whose rows reach the output without going into windows of another stage."""
    leaving = {stage.name}
    for item in stage.items:
        if item.macro is None and item.relation.name in stages:
            leaving |= _leaving(stages[item.relation.name], stages)
    return leaving
