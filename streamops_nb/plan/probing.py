"""Queries that tell which predicate of a stage let a row go.

Each one reads what the stage reads and evaluates a condition's terms as columns instead of leaving
out the rows for which one of them does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from streamops_nb.plan.from_clause import flatten_and
from streamops_nb.plan.functions import is_aggregate
from streamops_nb.plan.keys import selected
from streamops_nb.plan.rules import is_grouped
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.tracing import Input, alone, inputs_of, over_numbered
from streamops_nb.plan.tree import Node, Tree, column, place, rewrite, same, span, walk

__all__ = ["ONE", "Branch", "Term", "branches"]

ONE = "_one"
"""A column that every probe has."""

_PLAIN: Node = {
    "group_expressions": [],
    "group_sets": [],
    "aggregate_handling": "STANDARD_HANDLING",
    "having": None,
    "qualify": None,
    "where_clause": None,
    "modifiers": [],
}
_WORDS = {"where_clause": "WHERE", "having": "HAVING", "qualify": "QUALIFY"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One of the terms of a condition that all must hold.

    Parameters
    ----------
    clause
        ``WHERE``, ``HAVING`` or ``QUALIFY``.
    node
        Its expression, aliases written out.
    text, where
        As the user wrote it, and its place in the query.
    looked_at
        What its value depends on: columns, aggregates and window functions, by their text.
    """

    clause: str
    node: Node
    text: str
    where: str
    looked_at: Mapping[str, Node]

    @property
    def numbers_rows(self) -> bool:
        """Whether it picks rows by their rank among others."""
        return any(
            str(n.get("function_name", "")).lower() in ("row_number", "rank", "dense_rank")
            for n in walk(self.node)
        )


def branches(stage: Stage, query: str, tree: Tree) -> list[Branch]:
    """Give the SELECTs of a stage: one, or those of a UNION."""
    return [Branch(stage, node, query, tree) for node in _selects(stage.node)]


def _selects(node: Node) -> Iterator[Node]:
    if node["type"] == "SET_OPERATION_NODE":
        for child in node["children"]:
            yield from _selects(child)
    else:
        yield node


class Branch:
    """One SELECT of a stage.

    Parameters
    ----------
    query
        The user's text.
    """

    def __init__(self, stage: Stage, node: Node, query: str, tree: Tree) -> None:
        self.stage = stage
        self.node = node
        self.tree = tree
        self.inputs = alone(node, inputs_of(stage))
        self.grouped = is_grouped(node)
        self._query = query
        self._outputs = _outputs(stage, node)

    def terms(self, clause: str) -> list[Term]:
        """The terms of ``where_clause``, ``having`` or ``qualify``."""
        return [self._term(clause, node) for node in flatten_and(self.node[clause])]

    def _term(self, clause: str, node: Node) -> Term:
        written = self._written_out(node, first=clause != "where_clause")
        return Term(
            clause=_WORDS[clause],
            node=written,
            text=span(self._query, node) or self.tree.text(node),
            where=place(self._query, min(_locations(node), default=None)),
            looked_at={self._name(n): n for n in _looked_at(written)},
        )

    def _name(self, node: Node) -> str:
        names = node.get("column_names")
        return ".".join(names) if names else span(self._query, node) or self.tree.text(node)

    def _written_out(self, node: Node, *, first: bool) -> Node:
        """An expression with the aliases of the SELECT list written out.

        Parameters
        ----------
        first
            Whether an alias goes before a column of its name.
        """
        known = {c.lower() for i in self.inputs for c in i.item.relation.columns}

        def change(below: Node) -> Node | None:
            names = below.get("column_names")
            if names is None or len(names) != 1:
                return None
            name = names[0].lower()
            made = self._outputs.get(name)
            if made is None or (name in known and not first):
                return None
            return None if same(made, below) else {**made, "alias": ""}

        written: Node = rewrite(node, change)
        return written

    # keys

    def expression(self, name: str) -> Node | None:
        """What a column of the stage, or of what it reads, is here; None if neither has it."""
        made = self._outputs.get(name.lower())
        if made is not None:
            return {**self._written_out(made, first=False), "alias": ""}
        known = {c.lower() for i in self.inputs for c in i.item.relation.columns}
        return column(name) if name.lower() in known else None

    def is_of_rows(self, expression: Node) -> bool:
        """Whether an expression has a value for each row of the FROM clause."""
        return not any(_is_aggregate(n) or n.get("class") == "WINDOW" for n in walk(expression))

    def handed_on(self, name: str, of: Input) -> str | None:
        """The column of an input that a column of the stage hands on unchanged."""
        made = self.expression(name)
        names = (made or {}).get("column_names") or []
        columns = {c.lower(): c for c in of.item.relation.columns}
        if not names or names[-1].lower() not in columns:
            return None
        if len(names) == 2 and names[0].lower() != of.item.alias.lower():
            return None
        return columns[names[-1].lower()]

    def belongs(self, expression: Node, inputs: Sequence[Input]) -> bool:
        """Whether an expression reads nothing but these inputs."""
        return all(
            any(_has(i, names) for i in inputs)
            for n in walk(expression)
            if (names := n.get("column_names"))
        )

    # queries

    def over(self, from_table: Node, expressions: Mapping[str, Node], *, where: bool) -> str:
        """Write a query over a part of the FROM clause, with numbered inputs.

        Parameters
        ----------
        expressions
            Its columns.
        where
            Whether the WHERE clause holds.
        """
        listed = self._listed(expressions)
        kept = {"where_clause": self.node["where_clause"]} if where else {}
        node = {**self.node, **_PLAIN, **kept, "from_table": from_table, "select_list": listed}
        numbered = over_numbered(node, self.inputs)
        return self.tree.sql(numbered or node)

    def without(self, clauses: Sequence[str], expressions: Mapping[str, Node]) -> str:
        """Write the SELECT without some of its clauses, and with more columns."""
        listed = self._listed(expressions)
        gone = dict.fromkeys(clauses)
        node = {**self.node, **self._grouping(), **gone, "modifiers": [], "select_list": listed}
        numbered = over_numbered(node, self.inputs)
        return self.tree.sql(numbered or node)

    def _listed(self, expressions: Mapping[str, Node]) -> list[Node]:
        """A SELECT list; it must not be empty."""
        listed = {ONE: self.tree.expression("1"), **expressions}
        return [{**node, "alias": name} for name, node in listed.items()]

    def _grouping(self) -> Node:
        """GROUP BY, written out: positions, aliases and ALL go with the SELECT list."""
        if not self.grouped:
            return {}
        keys = list(self.stage.keys)
        if self.node["aggregate_handling"] == "STANDARD_HANDLING":
            keys = [self._group_key(key) for key in self.node["group_expressions"]]
        return {
            "aggregate_handling": "STANDARD_HANDLING",
            "group_expressions": [{**key, "alias": ""} for key in keys],
            "group_sets": [list(range(len(keys)))],
        }

    def _group_key(self, key: Node) -> Node:
        literal = key.get("literal") or {}
        if literal.get("kind") == "INTEGER":
            found: Node = self.node["select_list"][int(literal["text"]) - 1]
            return found
        return self._written_out(key, first=False)

    def tried(self, node: Node) -> Node:
        """An expression that is NULL where it fails."""
        if not self.is_of_rows(node) or any(n.get("class") == "SUBQUERY" for n in walk(node)):
            return node
        made = self.tree.expression("try(true)")
        return {**made, "children": [node]}

    def joins(self) -> list[Node]:
        """The joins of the FROM clause, inner ones first."""
        found = [n for n in walk(self.node["from_table"]) if n.get("type") == "JOIN"]
        return found[::-1]

    def below(self, from_table: Node) -> list[Input]:
        """The inputs in a part of the FROM clause."""
        here = {id(n) for n in walk(from_table)}
        return [i for i in self.inputs if id(i.item.node) in here]

    def join_text(self, join: Node) -> tuple[str, str]:
        """The condition of a join as the user wrote it, and its place."""
        shared = join["using_columns"]
        node = join["condition"] or {}
        text = f"USING ({', '.join(shared)})" if shared else span(self._query, node)
        spots = [*_locations(node), *_locations(join["right"])]
        return text, place(self._query, min(spots, default=None))


def _outputs(stage: Stage, node: Node) -> dict[str, Node]:
    """What each output column is, by lower-case name; those of stars are left out."""
    if node is stage.node:
        return {name.lower(): e for name, e in selected(stage).items() if e is not None}
    entries = node["select_list"]
    if any(entry["class"] == "STAR" for entry in entries):
        return {}
    return dict(zip((name.lower() for name in stage.relation.columns), entries, strict=True))


def _is_aggregate(node: Node) -> bool:
    return node.get("class") == "FUNCTION" and is_aggregate(str(node["function_name"]).lower())


def _looked_at(node: Node) -> Iterator[Node]:
    """The outermost columns, aggregates and window functions of an expression."""

    def stops(below: Node) -> bool:
        return _is_aggregate(below) or below.get("class") in ("WINDOW", "COLUMN_REF", "SUBQUERY")

    for below in walk(node, into=lambda n: not stops(n)):
        if stops(below) and below.get("class") != "SUBQUERY":
            yield below


def _locations(node: Node) -> list[int]:
    return [n["query_location"] for n in walk(node) if n.get("query_location", 2**63) < 2**63]


def _has(found: Input, names: Sequence[str]) -> bool:
    columns = {c.lower() for c in found.item.relation.columns}
    if len(names) == 1:
        return names[0].lower() in columns
    return names[0].lower() == found.item.alias.lower() and names[1].lower() in columns
