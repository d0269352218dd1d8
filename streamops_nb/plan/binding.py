"""Compiling the stages over windows, each tried before it is trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from streamops_nb.db import Session, ident
from streamops_nb.model.errors import Fault, QueryError, QueryRefused, RowError
from streamops_nb.plan.compiler import Compiler
from streamops_nb.plan.operator import Operator
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.tree import Tree, binder_message

__all__ = ["compile_operators"]


def compile_operators(
    closed: Sequence[Stage],
    stages: Mapping[str, Stage],
    compiler: Compiler,
    tree: Tree,
    session: Session,
) -> tuple[Operator, ...]:
    """Compile stages over windows, in order.

    Everything is compiled twice: once over tables of the planner's session, where it is bound, so
    that what could not run is a refusal now. Where partial states do not bind, rows are kept.

    Parameters
    ----------
    closed
        The stages to compile; the last one makes the output.
    stages
        All stages by name.
    session
        A session of the planner in which all relations exist as empty tables.

    Raises
    ------
    QueryRefused
        If a stage cannot be compiled.
    """
    if not closed:
        return ()
    trial = Compiler(stages, tree, ident("temp"))
    leaving = _leaving(closed[-1], stages)
    operators = [_operator(stage, compiler, trial, session) for stage in closed]
    return tuple(replace(each, leaves=each.name in leaving) for each in operators)


def _operator(stage: Stage, compiler: Compiler, trial: Compiler, session: Session) -> Operator:
    try:
        _bind(trial.operator(stage), session)
        return compiler.operator(stage)
    except (QueryError, RowError):
        pass
    try:
        _bind(trial.operator(stage, rows=True), session)
    except (QueryError, RowError) as error:
        what = f"the stage `{stage.name}` cannot be compiled: {binder_message(error)}"
        raise QueryRefused([Fault(where=stage.where, what=what)]) from error
    return compiler.operator(stage, rows=True)


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
