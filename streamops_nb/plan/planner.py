"""The planner: from a query and the shapes of its inputs to a plan, or to every fault in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from streamops_nb.db import Instance, Session, ident, load_sql, sealed
from streamops_nb.model.errors import Fault, Interrupted, QueryRefused
from streamops_nb.plan.inferred import with_types
from streamops_nb.plan.operator import Plan
from streamops_nb.plan.outline import Outline
from streamops_nb.plan.patience import limited
from streamops_nb.plan.planning import FINAL, Param, Planning, StreamShape
from streamops_nb.plan.tree import Tree, relations_in

__all__ = ["FINAL", "Param", "Planner", "StreamShape", "load_macros"]

_DEFINING = threading.Lock()
"""Two that define one macro at once are a conflict to DuckDB; jobs are started side by side."""


def load_macros(session: Session) -> None:
    """Define the window macros in a session's instance."""
    with _DEFINING:
        for statement in load_sql("streamops_nb.plan", "macros.sql").split(";\n"):
            if "MACRO" in statement:
                session.rows(statement)


_KEPT = 100
"""So many outlines are kept: the same query is planned again with every start and preview of it."""


class Planner:
    """Plans queries in a sealed DuckDB of its own; thread-safe, made once per process.

    Nothing that is planned runs: queries are parsed and bound over empty tables.

    Parameters
    ----------
    patience
        Seconds that planning one query may take; constants are folded while a query is bound.
    """

    def __init__(self, *, patience: float = 10.0) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._kept: dict[str, Outline] = {}
        self._instance: Instance = sealed(memory="256MB", threads=1, json_errors=True)
        session = self._instance.session()
        load_macros(session)
        session.close()

    def close(self) -> None:
        """Close the sealed database."""
        self._instance.close()

    def plan(
        self,
        query: str,
        streams: Mapping[str, StreamShape],
        *,
        references: Mapping[str, Mapping[str, str]] | None = None,
        params: Mapping[str, Param] | None = None,
        database: str = "job",
        marks: bool = False,
    ) -> Plan:
        """Plan a query.

        Parameters
        ----------
        query
            One SELECT.
        streams, references
            What it may read; references as column name to DuckDB type.
        params
            What ``$name`` stands for.
        database
            Name under which the job's file is attached when the plan runs.
        marks
            Whether windows that a start point cut off are emitted, with a mark.

        Raises
        ------
        QueryRefused
            With every fault found, each with line and column.
        """
        outline = self.outline(
            query, streams, references=references, params=params, database=database, marks=marks
        )
        if outline.plan is None:
            raise QueryRefused(outline.faults)
        return outline.plan

    def outline(
        self,
        query: str,
        streams: Mapping[str, StreamShape],
        *,
        references: Mapping[str, Mapping[str, str]] | None = None,
        params: Mapping[str, Param] | None = None,
        database: str = "job",
        marks: bool = False,
    ) -> Outline:
        """Plan as much of a query as can be planned; parameters as of `plan`.

        Raises
        ------
        QueryRefused
            If not even its stages can be told apart.
        """
        _check_text(query)
        key = repr((query, streams, references, params, database, marks))
        with self._lock:
            found = self._kept.pop(key, None)
        if found is None:
            planning = partial(Planning, query, streams, references or {}, params or {})
            outline = self._outlined(planning, ident(database), marks=marks)
            found = replace(outline, faults=with_types(outline.faults, query, streams))
        with self._lock:
            self._kept[key] = found  # the newest comes last
            while len(self._kept) > _KEPT:
                del self._kept[next(iter(self._kept))]
        return found

    def _outlined(
        self, planning: Callable[[Session], Planning], database: str, *, marks: bool
    ) -> Outline:
        session = self._instance.session()
        try:
            with limited(session, self._patience):
                return planning(session).outline(database, marks=marks)
        except RecursionError:
            raise _refused("the query is nested too deeply", "put steps into CTEs") from None
        except Interrupted:
            what = f"planning the query took longer than {self._patience:g} s"
            raise _refused(what, "are there constants that are very large?") from None
        finally:
            session.close()

    def relations(self, query: str) -> list[str]:
        """Name the relations that a query reads, in order, its own CTEs left out.

        Raises
        ------
        QueryRefused
            If it is not one SELECT.
        """
        _check_text(query)
        session = self._instance.session()
        try:
            with limited(session, self._patience):
                return relations_in(Tree(session).parse(query))
        except Interrupted:
            raise _refused("parsing the query took too long", "write it shorter") from None
        finally:
            session.close()


def _check_text(query: str) -> None:
    try:
        query.encode()
    except UnicodeEncodeError as error:
        what = f"the character at {error.start} is no Unicode text"
        raise _refused(what, "write the query in UTF-8") from None


def _refused(what: str, remedy: str) -> QueryRefused:
    return QueryRefused([Fault(where="query", what=what, remedy=remedy)])
