"""Reading one stage: what kind of relation it makes, and whether it can equal the batch result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streamops_nb.db import Session
from streamops_nb.model.errors import Fault
from streamops_nb.plan.from_clause import FromClause
from streamops_nb.plan.relation import Item, Kind, Mark, Relation, slowest
from streamops_nb.plan.rules import (
    closed_rules,
    flow_rules,
    group_keys,
    is_grouped,
    kind_of,
    star_marks,
    subquery_rules,
)
from streamops_nb.plan.statement import Statement
from streamops_nb.plan.tree import Node, Tree, place, walk

__all__ = ["Stage", "read_stage"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One CTE of the query, or the final SELECT.

    Parameters
    ----------
    sql
        The stage as the user wrote it, over bare names, parameters filled in.
    items
        What it reads.
    where
        Its place in the user's text.
    aggregated, keys
        Whether it groups or aggregates, and by what (also behind ALL, positions, aliases).
    reads
        The names of all relations it needs.
    """

    name: str
    node: Node
    sql: str
    relation: Relation
    items: tuple[Item, ...]
    where: str
    aggregated: bool = False
    keys: tuple[Node, ...] = ()
    reads: frozenset[str] = field(default_factory=frozenset)

    @property
    def kind(self) -> Kind:
        """What may be done with the stage's rows."""
        return self.relation.kind


def read_stage(
    name: str,
    node: Node,
    relations: Mapping[str, Relation],
    tree: Tree,
    session: Session,
    query: str,
    faults: list[Fault],
) -> Stage | None:
    """Read a stage; what is wrong is added to `faults`, and None returned.

    Parameters
    ----------
    relations
        What the stage may read, by lower-case name.
    session
        A session of the planner in which those relations exist as empty tables.
    """
    reader = _Reader(name, node, relations, tree, session, query)
    stage = reader.read()
    faults.extend(reader.faults)
    return None if reader.faults else stage


class _Reader:
    def __init__(
        self,
        name: str,
        node: Node,
        relations: Mapping[str, Relation],
        tree: Tree,
        session: Session,
        query: str,
    ) -> None:
        self.faults: list[Fault] = []
        self._name = name
        self._node = node
        self._relations = relations
        self._tree = tree
        self._session = session
        self._query = query

    def read(self) -> Stage | None:
        if self._node["type"] == "SET_OPERATION_NODE":
            return self._union()
        if self._node["type"] != "SELECT_NODE":
            self._fault(self._node, "this form of query is not supported", "write a SELECT")
            return None
        clause = FromClause(
            self._node["from_table"], self._relations, self._tree, self._session, self._query
        )
        self.faults += clause.faults
        if self.faults:
            return None
        if self._node["sample"] is not None:
            self._fault(self._node, "USING SAMPLE is random", "filter by hash(key) % n = 0 instead")
        kind, complaints = kind_of(clause)
        complaints += subquery_rules(self._node, clause)
        if kind is Kind.FLOW:
            complaints += flow_rules(self._node)
        elif kind is Kind.CLOSED:
            complaints += closed_rules(self._node, clause, self._marks(clause))
        for complaint in complaints:
            self._fault(*complaint)
        return None if self.faults else self._stage(kind, clause)

    def _fault(self, node: Node, what: str, remedy: str = "") -> None:
        where = place(self._query, node.get("query_location"))
        if where == "query":
            where = self._where()
        self.faults.append(Fault(where=where, what=what, remedy=remedy))

    def _where(self) -> str:
        offsets = [
            node["query_location"]
            for node in walk(self._node)
            if node.get("query_location", 2**63) < 2**63
        ]
        return place(self._query, min(offsets, default=None))

    # what comes out

    def _marks(self, clause: FromClause) -> dict[str, Mark]:
        """Which output columns carry time: those handed on unchanged."""
        marks: dict[str, Mark] = {}
        explicit: dict[str, Mark | None] = {}
        for item in self._node["select_list"]:
            if item["class"] == "STAR":
                marks |= star_marks(item, clause)
                continue
            names = item.get("column_names")
            if names:
                explicit[item["alias"] or names[-1]] = clause.resolve(names)
            elif item.get("alias"):
                explicit[item["alias"]] = None
        for name, mark in explicit.items():
            marks.pop(name, None)
            if mark is not None:
                marks[name] = mark
        return marks

    def _stage(self, kind: Kind, clause: FromClause) -> Stage | None:
        sql = self._tree.sql(self._node)
        columns = self._columns(sql)
        if columns is None:
            return None
        marks = {name: mark for name, mark in self._marks(clause).items() if name in columns}
        frontier = slowest([item.relation.frontier for item in clause.streaming])
        relation = Relation(
            name=self._name,
            kind=kind,
            columns=columns,
            marks=marks if kind is not Kind.REFERENCE else {},
            window=clause.windowed[0].relation.window if clause.windowed else None,
            frontier=frontier,
        )
        return Stage(
            name=self._name,
            node=self._node,
            sql=sql,
            relation=relation,
            items=tuple(clause.items),
            where=self._where(),
            aggregated=is_grouped(self._node),
            keys=tuple(group_keys(self._node)) if is_grouped(self._node) else (),
            reads=_reads(self._node, clause),
        )

    def _columns(self, sql: str) -> dict[str, str] | None:
        rows = self._session.rows(f"DESCRIBE {Statement(sql).fill()}")
        columns = {str(row[0]): str(row[1]) for row in rows}
        names = [str(row[0]).lower() for row in rows]
        # the binder renames the second of two equal names in a subquery: a, a_1
        made = {name for name in names if name.endswith("_1") and name[:-2] in names}
        doubled = {name for name in names if names.count(name) > 1} | (made - self._written())
        for name in sorted(doubled):
            self._fault(
                self._node, f"two columns are named `{name}`", "give one of them another name (AS)"
            )
        hidden = [name for name in columns if name.startswith("_batch") or not name]
        for name in hidden:
            self._fault(self._node, f"the column name `{name}` is taken", "choose another (AS)")
        return None if self.faults else columns

    def _written(self) -> set[str]:
        """All names that stand in the stage or in what it reads."""
        written = {
            str(name).lower()
            for node in walk(self._node)
            for name in (node.get("alias") or "", *(node.get("column_names") or []))
        }
        return written.union(*({c.lower() for c in r.columns} for r in self._relations.values()))

    def _union(self) -> Stage | None:
        node = self._node
        plain = node["setop_type"] == "UNION" and node["setop_all"]
        if not plain or node["modifiers"]:
            self._fault(
                node,
                "of the set operations only plain UNION ALL is supported",
                "write UNION ALL, or join on the window",
            )
            return None
        parts = []
        for child in node["children"]:
            part = read_stage(
                self._name, child, self._relations, self._tree, self._session, self._query,
                self.faults,
            )  # fmt: skip
            parts.append(part)
        found = [part for part in parts if part is not None]
        if len(found) < len(parts):
            return None
        kinds = {part.kind for part in found}
        if Kind.CLOSED in kinds or len(kinds) > 1:
            self._fault(
                node,
                "UNION ALL joins plain rows of streams, not windows",
                "unite the streams first, then put the union into windows",
            )
            return None
        return self._united(found)

    def _united(self, parts: list[Stage]) -> Stage | None:
        sql = self._tree.sql(self._node)
        columns = self._columns(sql)
        if columns is None:
            return None
        by_position = [
            [part.relation.marks.get(n) for n in part.relation.columns] for part in parts
        ]
        marks = {
            name: at[0]
            for name, *at in zip(columns, *by_position, strict=True)
            if at[0] is not None and all(mark == at[0] for mark in at)
        }
        relation = Relation(
            name=self._name,
            kind=parts[0].kind,
            columns=columns,
            marks=marks,
            frontier=slowest([part.relation.frontier for part in parts]),
        )
        return Stage(
            name=self._name,
            node=self._node,
            sql=sql,
            relation=relation,
            items=tuple(item for part in parts for item in part.items),
            where=self._where(),
            reads=frozenset().union(*(part.reads for part in parts)),
        )


def _reads(node: Node, clause: FromClause) -> frozenset[str]:
    names = {item.relation.name for item in clause.items if item.macro is None}
    names |= {item.macro.source.name for item in clause.items if item.macro is not None}
    written = {str(n["table_name"]) for n in walk(node) if n.get("type") == "BASE_TABLE"}
    found = {name: clause.relation(name) for name in written}
    names |= {name if relation is None else relation.name for name, relation in found.items()}
    return frozenset(names)
