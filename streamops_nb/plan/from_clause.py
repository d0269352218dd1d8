"""Reading a FROM clause: which relations, under which aliases, in which windows, joined how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from streamops_nb.db import Session
from streamops_nb.model.errors import Fault, StreamopsError
from streamops_nb.model.time_forms import OTHER_FORMS
from streamops_nb.plan.functions import WINDOW_MACROS
from streamops_nb.plan.relation import Item, Kind, Macro, Mark, Relation
from streamops_nb.plan.tree import Node, Tree, binder_message, place, walk
from streamops_nb.plan.window import Window

__all__ = ["FromClause", "flatten_and", "reads_relations"]

_CHANGING = ("COLUMN_REF", "PARAMETER", "SUBQUERY")
_SHAPES = {
    "tumble": "tumble(rel, time, size)",
    "hop": "hop(rel, time, slide, size)",
    "cumulate": "cumulate(rel, time, step, size)",
    "session": "session(rel, time, keys, gap)",
}


class FromClause:
    """One stage's FROM clause, read into items; faults are collected, not raised.

    Parameters
    ----------
    node
        The ``from_table`` of the stage.
    relations
        What the stage may read, by lower-case name.
    """

    def __init__(
        self,
        node: Node,
        relations: Mapping[str, Relation],
        tree: Tree,
        session: Session,
        query: str,
    ) -> None:
        self.items: list[Item] = []
        self.faults: list[Fault] = []
        self.joins: list[tuple[Node, list[Item], list[Item]]] = []
        self.using: set[str] = set()
        self._relations = relations
        self._tree = tree
        self._session = session
        self._query = query
        self.items = self._read(node)

    def fault(self, node: Node, what: str, remedy: str = "") -> None:
        """Note a fault at a node."""
        where = place(self._query, node.get("query_location"))
        self.faults.append(Fault(where=where, what=what, remedy=remedy))

    @property
    def visible(self) -> list[Item]:
        """The items whose columns the SELECT list can name."""
        return [item for item in self.items if not item.hidden]

    def relation(self, name: str) -> Relation | None:
        """Give what a name stands for, if it is known by now."""
        return self._relations.get(name.lower())

    @property
    def streaming(self) -> list[Item]:
        """The items whose rows come from streams."""
        return [item for item in self.items if item.relation.kind is not Kind.REFERENCE]

    @property
    def windowed(self) -> list[Item]:
        """The items whose rows belong to a window."""
        return [item for item in self.items if item.relation.kind is Kind.CLOSED]

    def resolve(self, names: list[str]) -> Mark | None:
        """Give the mark of a column reference, if it has one that can be trusted."""
        if len(names) == 1:
            found = [item for item in self.visible if names[0].lower() in _lower(item)]
            if names[0].lower() in self.using:
                found = [replace(found[0], nullable=False)] if found else []
            return found[0].marks.get(_exact(found[0], names[0])) if len(found) == 1 else None
        if len(names) == 2:
            for item in self.visible:
                if item.alias.lower() == names[0].lower():
                    return item.marks.get(_exact(item, names[1]))
        return None

    def _read(self, node: Node) -> list[Item]:
        if node.get("sample") is not None:
            self.fault(node, "TABLESAMPLE is random", "filter by hash(key) % n = 0 instead")
        kind = node["type"]
        if kind == "BASE_TABLE":
            return [self._base(node)]
        if kind == "TABLE_FUNCTION":
            return [self._function(node)]
        if kind == "JOIN":
            return self._join(node)
        if kind in ("EMPTY", "EXPRESSION_LIST"):
            return []
        if kind == "SUBQUERY" and not reads_relations(node):
            return [_neutral(node)]
        self.fault(node, "this form of subquery is not supported", "write it as a CTE")
        return []

    def _base(self, node: Node) -> Item:
        relation = self._relations.get(str(node["table_name"]).lower())
        if relation is None:
            self.fault(
                node,
                f"`{node['table_name']}` is defined later, or refers to itself",
                "put the CTE before its first use; WITH RECURSIVE is not supported",
            )
            return _neutral(node)
        if node["column_name_alias"]:
            self.fault(node, "column aliases in FROM", "name the columns in a CTE's SELECT list")
        return Item(alias=node["alias"] or relation.name, relation=relation, node=node)

    def _function(self, node: Node) -> Item:
        name = str(node["function"]["function_name"]).lower()
        alias = node["alias"] or name
        if name not in WINDOW_MACROS:
            return _neutral(node)
        macro = self._macro(name, node)
        if macro is None:
            unknown = Relation(name=alias, kind=Kind.CLOSED, columns={})
            return Item(alias=alias, relation=unknown, node=node)
        time_type = macro.source.columns[macro.time]
        bounds = {
            "window_start": Mark("start", macro.window),
            "window_end": Mark("end", macro.window),
        }
        relation = Relation(
            name=alias,
            kind=Kind.CLOSED,
            columns={**macro.source.columns, "window_start": time_type, "window_end": time_type},
            marks=bounds,
            window=macro.window,
            frontier=macro.frontier,
        )
        return Item(alias=alias, relation=relation, node=node, macro=macro)

    def _macro(self, name: str, node: Node) -> Macro | None:
        arguments = node["function"]["arguments"]
        wanted = _SHAPES[name].count(",") + 1
        if len(arguments) != wanted or any(argument["name"] for argument in arguments):
            self.fault(node, f"{name}() takes {wanted} plain arguments", f"write {_SHAPES[name]}")
            return None
        values = [argument["expression"] for argument in arguments]
        source = self._input(name, values[0])
        if source is None:
            return None
        time = self._time(name, values[1], source)
        lengths = [self._length(name, value) for value in values[3 if name == "session" else 2 :]]
        if time is None or None in lengths:
            return None
        window = self._window(name, node, [length for length in lengths if length is not None])
        keys = self._keys(values[2]) if name == "session" else "NULL"
        if window is None or keys is None:
            return None
        call = ", ".join(self._tree.text(value) for value in values[1:])
        return Macro(source=source, time=time, window=window, keys=keys, call=call)

    def _input(self, name: str, value: Node) -> Relation | None:
        names = value.get("column_names")
        if names is None or len(names) != 1:
            self.fault(
                value,
                f"the first argument of {name}() is not the bare name of a stream or CTE",
                f"write {_SHAPES[name]} with a name such as `readings`",
            )
            return None
        relation = self._relations.get(str(names[0]).lower())
        if relation is None:
            known = ", ".join(f"`{key}`" for key in sorted(self._relations))
            self.fault(value, f"there is no stream or CTE `{names[0]}`", f"known are {known}")
            return None
        if relation.kind is Kind.REFERENCE:
            self.fault(value, f"`{names[0]}` is a reference and has no windows", "read it plainly")
            return None
        doubled = {"window_start", "window_end"} & set(relation.columns)
        if doubled:
            self.fault(
                value,
                f"`{names[0]}` has a column {min(doubled)} already, there would be two",
                "rename it in the inner stage, e.g. `window_end AS minute`, and use that name",
            )
            return None
        return relation

    def _time(self, name: str, value: Node, source: Relation) -> str | None:
        names = value.get("column_names") or [""]
        exact = {key.lower(): key for key in source.columns}
        column = exact.get(str(names[-1]).lower(), "")
        mark = source.marks.get(column)
        if mark is None:
            self._no_time(name, value, source, column)
            return None
        if mark.what == "start" and mark.window is not None and mark.window.kind == "session":
            self.fault(
                value,
                "a session's start tells nothing of when earlier sessions are complete",
                "use the session's window_end",
            )
            return None
        return column

    def _no_time(self, name: str, value: Node, source: Relation, column: str) -> None:
        kind = source.columns.get(column, "TIMESTAMP")
        if not source.marks and not kind.startswith("TIMESTAMP"):
            self.fault(
                value,
                f"`{column}` is of type {kind}, and the time of {name}() is an event time",
                f'make it one: in a frame `frame["{column}"] = pd.to_datetime(frame["{column}"])`, '
                f"in a schema `{column}: TIMESTAMPTZ`; {OTHER_FORMS}",
            )
            return
        times = ", ".join(f"`{key}`" for key in source.marks) or "none"
        self.fault(
            value,
            f"the time of {name}() is not an event time or a window bound of `{source.name}`",
            f"columns that may be used: {times}; declare `event_time` for a stream, and hand "
            "the column on unchanged",
        )

    def _length(self, name: str, value: Node) -> int | None:
        if any(node.get("class") in _CHANGING for node in walk(value)):
            what = f"a length in {name}() depends on a column, a subquery or the time"
            self.fault(value, what, "write a constant, such as INTERVAL 10 SECONDS")
            return None
        text = self._tree.text(value)
        try:
            kind = self._session.rows(f"SELECT typeof({text})")[0][0]
            if kind != "INTERVAL":
                self.fault(value, f"{text} is not an interval", "write INTERVAL 10 SECONDS")
                return None
            months, us = self._session.rows(
                f"SELECT date_part('month', i) + 12 * date_part('year', i), epoch_us(i) "
                f"FROM (SELECT {text} AS i)"
            )[0]
        except StreamopsError as error:
            self.fault(value, f"{text}: {binder_message(error)}")
            return None
        if months or us <= 0:
            self.fault(
                value,
                "a window's length must be positive and not in months or years",
                "use days, hours, minutes or seconds",
            )
            return None
        return int(us)

    def _window(self, name: str, node: Node, lengths: list[int]) -> Window | None:
        size, slide = lengths[-1], lengths[0]
        if name == "cumulate" and size % slide:
            self.fault(node, "cumulate()'s size is not a multiple of its step", "choose one")
            return None
        if name == "hop" and slide > size:
            self.fault(
                node,
                "hop()'s slide is longer than its size, rows between windows would vanish",
                "the order is hop(rel, time, slide, size)",
            )
            return None
        return Window(kind=name, size=size, slide=slide)

    def _keys(self, value: Node) -> str | None:
        if any(node.get("class") in ("SUBQUERY", "WINDOW") for node in walk(value)):
            self.fault(value, "session keys are columns", "write a column, or (a, b) for several")
            return None
        return self._tree.text(value)

    def _join(self, node: Node) -> list[Item]:
        left, right = self._read(node["left"]), self._read(node["right"])
        if node["ref_type"] in ("NATURAL", "POSITIONAL"):
            self.fault(node, f"{node['ref_type']} JOIN is not supported", "write JOIN … ON")
        kind = node["join_type"]
        self._outer(node, kind, left, right)
        self.joins.append((node, left, right))
        self.using.update(str(name).lower() for name in node["using_columns"])
        if kind in ("LEFT", "FULL", "OUTER"):
            right = [replace(item, nullable=True) for item in right]
        if kind in ("RIGHT", "FULL", "OUTER"):
            left = [replace(item, nullable=True) for item in left]
        if kind in ("SEMI", "ANTI"):
            right = [replace(item, hidden=True) for item in right]
        return left + right

    def _outer(self, node: Node, kind: str, left: list[Item], right: list[Item]) -> None:
        kept: list[list[Item]] = []
        if kind in ("LEFT", "FULL", "OUTER", "SEMI", "ANTI"):
            kept.append(left)
        if kind in ("RIGHT", "FULL", "OUTER"):
            kept.append(right)
        streams = [any(i.relation.kind is not Kind.REFERENCE for i in side) for side in kept]
        reads_stream = any(i.relation.kind is not Kind.REFERENCE for i in left + right)
        if reads_stream and not all(streams):
            self.fault(
                node,
                f"a {kind} JOIN here keeps unmatched rows of a reference, which would come anew "
                "with every batch",
                "put the stream on the side that is kept",
            )


def _neutral(node: Node) -> Item:
    """Rows made on the spot (VALUES, unnest): they go with whatever they are joined to."""
    alias = node["alias"] or str(node.get("function", {}).get("function_name", ""))
    return Item(alias=alias, relation=Relation(name="", kind=Kind.REFERENCE, columns={}), node=node)


def reads_relations(node: Node) -> bool:
    """Tell whether anything below reads a stream, reference or stage."""
    return any(
        below.get("type") == "BASE_TABLE"
        or str(below.get("function_name", "")).lower() in WINDOW_MACROS
        for below in walk(node)
    )


def _lower(item: Item) -> set[str]:
    return {name.lower() for name in item.relation.columns}


def _exact(item: Item, name: str) -> str:
    return next((key for key in item.relation.columns if key.lower() == name.lower()), name)


def flatten_and(condition: Any) -> list[Node]:
    """List the terms of a condition that all must hold."""
    if not condition:
        return []
    if condition.get("type") == "CONJUNCTION_AND":
        return [term for child in condition["children"] for term in flatten_and(child)]
    return [condition]
