"""Reading one stage: what kind of relation it makes, and whether it can equal the batch result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from streamops_nb.db import Session
from streamops_nb.model.errors import Fault
from streamops_nb.plan.from_clause import FromClause, flatten_and
from streamops_nb.plan.functions import is_aggregate
from streamops_nb.plan.relation import Item, Kind, Mark, Relation, slowest
from streamops_nb.plan.statement import Statement
from streamops_nb.plan.tree import Node, Tree, place, walk

__all__ = ["Stage", "read_stage"]

_ADD_WINDOW = "add window_start or window_end to it"


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
        self._nested()
        kind = self._kind(clause)
        if kind is Kind.FLOW:
            self._check_flow()
        elif kind is Kind.CLOSED:
            self._check_closed(clause)
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

    # what the stage is

    def _nested(self) -> None:
        """Subqueries in expressions may read references only: streams have no 'whole' to ask."""
        for node in walk(self._node):
            if node.get("class") != "SUBQUERY":
                continue
            for below in walk(node):
                if below.get("type") != "BASE_TABLE":
                    continue
                relation = self._relations[str(below["table_name"]).lower()]
                if relation.kind is not Kind.REFERENCE:
                    self._fault(
                        below,
                        f"a subquery reads the stream `{relation.name}`, which never is complete",
                        "join the two in their window instead",
                    )

    def _kind(self, clause: FromClause) -> Kind:
        windowed, streaming = clause.windowed, clause.streaming
        if not streaming:
            return Kind.REFERENCE
        if windowed and len(windowed) < len(streaming):
            flow = next(item for item in streaming if item not in windowed)
            self._fault(
                flow.node,
                f"`{flow.alias}` is joined with windows but has no window itself",
                f"write tumble({flow.relation.name}, …) for it too, and join on the window",
            )
        elif not windowed and len(streaming) > 1:
            self._fault(
                streaming[1].node,
                "two streams are joined without a window: that would have to keep all rows",
                "put both into windows (tumble(…)) and join on window_start and window_end",
            )
        return Kind.CLOSED if windowed else Kind.FLOW

    def _aggregates(self) -> list[Node]:
        parts = [self._node["select_list"], self._node["having"], self._node["qualify"]]
        return [
            node
            for part in parts
            if part
            for node in walk(part, into=_outside_subqueries)
            if node.get("class") == "FUNCTION" and is_aggregate(str(node["function_name"]).lower())
        ]

    def _grouped(self) -> bool:
        grouped = self._node["group_expressions"] or self._node["aggregate_handling"] != _STANDARD
        return bool(grouped or self._aggregates())

    def _window_functions(self) -> list[Node]:
        parts = [self._node["select_list"], self._node["qualify"]]
        return [
            node
            for part in parts
            if part
            for node in walk(part, into=_outside_subqueries)
            if node.get("class") == "WINDOW"
        ]

    # what a stage over rows of a stream may do

    def _check_flow(self) -> None:
        node = self._node
        remedy = "put the rows into windows: FROM tumble(stream, time, INTERVAL 1 MINUTE)"
        if self._grouped():
            at = (self._aggregates() or node["group_expressions"] or [node])[0]
            self._fault(at, "an aggregate without a window would never be complete", remedy)
        elif self._window_functions():
            at = self._window_functions()[0]
            self._fault(at, "a window function over an endless stream is never complete", remedy)
        self._modifiers(distinct_ok=False)

    def _modifiers(self, *, distinct_ok: bool) -> None:
        for modifier in self._node["modifiers"]:
            kind = modifier["type"]
            if kind == "DISTINCT_MODIFIER" and not modifier["distinct_on_targets"] and distinct_ok:
                continue
            word, remedy = _MODIFIERS.get(kind, (kind, ""))
            below = next(walk(modifier["orders"]), self._node) if "orders" in modifier else None
            self._fault(below or self._node, f"{word} has no meaning in an endless stream", remedy)

    # what a stage over closed windows may do

    def _check_closed(self, clause: FromClause) -> None:
        windows = {item.relation.window for item in clause.windowed}
        if len(windows) > 1:
            names = " and ".join(str(window) for window in windows if window)
            self._fault(
                clause.windowed[1].node,
                f"different windows are joined: {names}",
                "make the windows equal, or aggregate one into the other's window first",
            )
            return
        self._joins(clause)
        if self._grouped():
            self._group_by(clause)
        for window in self._window_functions():
            if not self._tells_window(window["partitions"], clause):
                self._fault(
                    window,
                    "a window function looks across windows: its PARTITION BY lacks the window",
                    _ADD_WINDOW,
                )
        distinct = any(m["type"] == "DISTINCT_MODIFIER" for m in self._node["modifiers"])
        if distinct and not any(m.tells_window for m in self._marks(clause).values()):
            self._fault(self._node, "DISTINCT without the window looks across windows", _ADD_WINDOW)
        self._modifiers(distinct_ok=True)

    def _tells_window(self, expressions: list[Node], clause: FromClause) -> bool:
        for expression in expressions:
            names = expression.get("column_names")
            mark = clause.resolve(names) if names else None
            if mark is not None and mark.tells_window:
                return True
        return False

    def _group_by(self, clause: FromClause) -> None:
        if len(self._node["group_sets"]) > 1:
            self._fault(self._node, "GROUPING SETS, ROLLUP and CUBE are not supported yet")
        elif not self._tells_window(list(self._group_keys()), clause):
            self._fault(
                (self._aggregates() or [self._node])[0],
                "GROUP BY lacks the window, the groups would never be complete",
                "group by window_start and window_end (or GROUP BY ALL with both selected)",
            )

    def _group_keys(self) -> Iterator[Node]:
        """The keys of GROUP BY, also behind ALL, positions and aliases."""
        select = self._node["select_list"]
        if self._node["aggregate_handling"] != _STANDARD:
            yield from (item for item in select if not _holds_aggregate(item))
            return
        for key in self._node["group_expressions"]:
            literal = key.get("literal") or {}
            if literal.get("kind") == "INTEGER" and 0 < int(literal["text"]) <= len(select):
                yield select[int(literal["text"]) - 1]
                continue
            names = key.get("column_names") or []
            aliased = [i for i in select if len(names) == 1 and i.get("alias") == names[0]]
            yield key
            yield from aliased

    def _joins(self, clause: FromClause) -> None:
        for node, left, right in clause.joins:
            if not (_any_window(left) and _any_window(right)):
                continue
            if not self._joined_on_window(node, clause, left, right):
                self._fault(
                    node,
                    "a join of windowed streams lacks the window",
                    "add `a.window_start = b.window_start AND a.window_end = b.window_end`",
                )

    def _joined_on_window(
        self, node: Node, clause: FromClause, left: list[Item], right: list[Item]
    ) -> bool:
        shared = {str(name).lower() for name in node["using_columns"]}
        for name in shared:
            sides = [_mark_in(side, name) for side in (left, right)]
            if all(mark is not None and mark.tells_window for mark in sides):
                return True
        terms = flatten_and(node["condition"])
        if node["join_type"] == "INNER":
            terms += flatten_and(self._node["where_clause"])
        return any(_equates_window(term, left, right) for term in terms)

    # what comes out

    def _marks(self, clause: FromClause) -> dict[str, Mark]:
        """Which output columns carry time: those handed on unchanged."""
        marks: dict[str, Mark] = {}
        explicit: dict[str, Mark | None] = {}
        for item in self._node["select_list"]:
            if item["class"] == "STAR":
                marks |= _star_marks(item, clause)
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
            aggregated=self._grouped(),
            keys=tuple(self._group_keys()) if self._grouped() else (),
            reads=_reads(self._node, clause),
        )

    def _columns(self, sql: str) -> dict[str, str] | None:
        rows = self._session.rows(f"DESCRIBE {Statement(sql).fill()}")
        columns = {str(row[0]): str(row[1]) for row in rows}
        names = [str(row[0]).lower() for row in rows]
        doubled = {name for name in names if names.count(name) > 1}
        doubled |= {name for name in names if name.endswith("_1") and name[:-2] in names}
        for name in sorted(doubled):
            self._fault(
                self._node, f"two columns are named `{name}`", "give one of them another name (AS)"
            )
        hidden = [name for name in columns if name.startswith("_batch") or not name]
        for name in hidden:
            self._fault(self._node, f"the column name `{name}` is taken", "choose another (AS)")
        return None if self.faults else columns

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
        by_position = [[part.relation.marks.get(n) for n in part.relation.columns] for part in parts]
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


_STANDARD = "STANDARD_HANDLING"
_MODIFIERS = {
    "ORDER_MODIFIER": ("ORDER BY", "order the output where you read it; for the first n of each "
                       "window write QUALIFY row_number() OVER (PARTITION BY window_start …) <= n"),
    "LIMIT_MODIFIER": ("LIMIT", "write QUALIFY row_number() OVER (PARTITION BY window_start …) <= n"),
    "LIMIT_PERCENT_MODIFIER": ("LIMIT", "write QUALIFY percent_rank() OVER (…) <= p"),
    "DISTINCT_MODIFIER": ("DISTINCT", "in a window write QUALIFY row_number() OVER (PARTITION BY "
                          "window_start, … ORDER BY …) = 1"),
}  # fmt: skip


def _outside_subqueries(node: Node) -> bool:
    return node.get("class") != "SUBQUERY"


def _holds_aggregate(node: Node) -> bool:
    return any(
        below.get("class") == "FUNCTION" and is_aggregate(str(below["function_name"]).lower())
        for below in walk(node, into=_outside_subqueries)
    )


def _any_window(items: list[Item]) -> bool:
    return any(item.relation.kind is Kind.CLOSED for item in items)


def _mark_in(items: list[Item], name: str, alias: str | None = None) -> Mark | None:
    for item in items:
        if alias is not None and item.alias.lower() != alias.lower():
            continue
        for column, mark in item.relation.marks.items():
            if column.lower() == name.lower():
                return mark
    return None


def _equates_window(term: Node, left: list[Item], right: list[Item]) -> bool:
    if term.get("type") != "COMPARE_EQUAL":
        return False
    names = [term["left"].get("column_names"), term["right"].get("column_names")]
    if not all(n is not None and len(n) == 2 for n in names):
        return False
    for one, other in (names, names[::-1]):
        a = _mark_in(left, one[1], one[0])
        b = _mark_in(right, other[1], other[0])
        if a is not None and b is not None:
            return a.what == b.what and a.tells_window and b.tells_window
    return False


def _star_marks(star: Node, clause: FromClause) -> dict[str, Mark]:
    if star["columns"] or star["expr"] is not None:
        return {}
    gone = {str(name).lower() for name in _names(star["exclude_list"])}
    for part in ("replace_list", "rename_list", "qualified_exclude_list"):
        gone |= {str(name).lower() for name in _names(star[part])}
    marks: dict[str, Mark] = {}
    for item in clause.items:
        if star["relation_name"] and star["relation_name"].lower() != item.alias.lower():
            continue
        marks |= {name: mark for name, mark in item.marks.items() if name.lower() not in gone}
    return marks


def _names(entries: object) -> Iterator[str]:
    """The column names in a star's lists, whatever shape the tree gives them."""
    if isinstance(entries, str):
        yield entries
    elif isinstance(entries, dict):
        for key in ("key", "column", "name"):
            if key in entries:
                yield from _names(entries[key])
    elif isinstance(entries, list):
        for entry in entries:
            yield from _names(entry)


def _reads(node: Node, clause: FromClause) -> frozenset[str]:
    names = {item.relation.name for item in clause.items if item.macro is None}
    names |= {item.macro.source.name for item in clause.items if item.macro is not None}
    names |= {str(n["table_name"]) for n in walk(node) if n.get("type") == "BASE_TABLE"}
    return frozenset(names)
