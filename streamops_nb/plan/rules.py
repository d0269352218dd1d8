"""What a stage may do, so that its job's result equals the batch result.

A rule yields `Complaint`s: the node that is at fault, what is wrong, and what to write instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from streamops_nb.plan.from_clause import FromClause, flatten_and
from streamops_nb.plan.functions import WINDOW_MACROS, is_aggregate
from streamops_nb.plan.relation import Item, Kind, Mark
from streamops_nb.plan.tree import Node, walk

__all__ = [
    "Complaint",
    "closed_rules",
    "flow_rules",
    "group_keys",
    "is_grouped",
    "kind_of",
    "star_marks",
    "subquery_rules",
]

_STANDARD = "STANDARD_HANDLING"
_ADD_WINDOW = "add window_start or window_end to it"
_FIRST_N = "write QUALIFY row_number() OVER (PARTITION BY window_start …) <= n"
_MODIFIERS = {
    "ORDER_MODIFIER": (
        "ORDER BY",
        f"order the output where you read it; for the first n of each window {_FIRST_N}",
    ),
    "LIMIT_MODIFIER": ("LIMIT", _FIRST_N),
    "LIMIT_PERCENT_MODIFIER": ("LIMIT", _FIRST_N),
    "DISTINCT_MODIFIER": (
        "DISTINCT",
        "in a window write QUALIFY row_number() OVER (PARTITION BY window_start, … ORDER BY …) = 1",
    ),
}


class Complaint(NamedTuple):
    """Something a stage may not do."""

    node: Node
    what: str
    remedy: str = ""


def subquery_rules(node: Node, clause: FromClause) -> Iterator[Complaint]:
    """Subqueries in expressions may read references only: a stream never is complete."""
    for subquery in walk(node):
        if subquery.get("class") != "SUBQUERY":
            continue
        for below in walk(subquery):
            name = _stream_read(below, clause)
            if name:
                yield Complaint(
                    below if below.get("type") == "BASE_TABLE" else subquery,
                    f"a subquery reads {name}, which never is complete",
                    "join the two in their window instead",
                )


def _stream_read(node: Node, clause: FromClause) -> str:
    """Say which stream a node reads, if it reads one."""
    if node.get("type") == "BASE_TABLE":
        relation = clause.relation(str(node["table_name"]))
        if relation is None or relation.kind is Kind.REFERENCE:
            return ""
        return f"the stream `{relation.name}`"
    called = str(node.get("function_name", "")).lower()
    return f"windows of a stream by {called}()" if called in WINDOW_MACROS else ""


def kind_of(clause: FromClause) -> tuple[Kind, list[Complaint]]:
    """Tell what kind of relation comes out of a FROM clause."""
    windowed, streaming = clause.windowed, clause.streaming
    complaints = []
    if windowed and len(windowed) < len(streaming):
        flow = next(item for item in streaming if item not in windowed)
        complaints.append(
            Complaint(
                flow.node,
                f"`{flow.alias}` is joined with windows but has no window itself",
                f"write tumble({flow.relation.name}, …) for it too, and join on the window",
            )
        )
    elif not windowed and len(streaming) > 1:
        complaints.append(
            Complaint(
                streaming[1].node,
                "two streams are joined without a window: that would have to keep all rows",
                "put both into windows (tumble(…)) and join on window_start and window_end",
            )
        )
    if not streaming:
        return Kind.REFERENCE, complaints
    return (Kind.CLOSED if windowed else Kind.FLOW), complaints


def is_grouped(node: Node) -> bool:
    """Tell whether a SELECT groups or aggregates."""
    handled = node["aggregate_handling"] != _STANDARD
    return bool(node["group_expressions"] or handled or _aggregates(node))


def group_keys(node: Node) -> Iterator[Node]:
    """The keys of GROUP BY, also behind ALL, positions and aliases."""
    select = node["select_list"]
    if node["aggregate_handling"] != _STANDARD:
        yield from (item for item in select if not any(map(_is_aggregate, _outside(item))))
        return
    for key in node["group_expressions"]:
        literal = key.get("literal") or {}
        if literal.get("kind") == "INTEGER" and 0 < int(literal["text"]) <= len(select):
            yield select[int(literal["text"]) - 1]
            continue
        names = key.get("column_names") or []
        yield key
        yield from (item for item in select if len(names) == 1 and item.get("alias") == names[0])


def flow_rules(node: Node) -> Iterator[Complaint]:
    """What a stage over single rows of a stream may not do."""
    if is_grouped(node):
        yield Complaint(
            (_aggregates(node) or node["group_expressions"] or [node])[0],
            "an aggregate without a window would never be complete",
            "put the rows into windows: FROM tumble(stream, time, INTERVAL 1 MINUTE)",
        )
    for window in _window_functions(node)[:1]:
        yield Complaint(
            window,
            "a window function over an endless stream is never complete",
            "put the rows into windows: FROM tumble(stream, time, INTERVAL 1 MINUTE)",
        )
    yield from _modifiers(node, distinct_ok=False)


def closed_rules(node: Node, clause: FromClause, marks: dict[str, Mark]) -> Iterator[Complaint]:
    """What a stage over closed windows may not do.

    Parameters
    ----------
    marks
        The output columns that carry time.
    """
    windows = {item.relation.window for item in clause.windowed}
    if len(windows) > 1:
        names = " and ".join(sorted(str(window) for window in windows if window))
        yield Complaint(
            clause.windowed[1].node,
            f"different windows are joined: {names}",
            "make the windows equal, or aggregate one into the other's window first",
        )
        return
    yield from _joins(node, clause)
    if is_grouped(node):
        yield from _group_by(node, clause)
    for window in _window_functions(node):
        if not _tells_window(window["partitions"], clause):
            yield Complaint(
                window,
                "a window function looks across windows: its PARTITION BY lacks the window",
                _ADD_WINDOW,
            )
    distinct = any(modifier["type"] == "DISTINCT_MODIFIER" for modifier in node["modifiers"])
    if distinct and not any(mark.tells_window for mark in marks.values()):
        yield Complaint(node, "DISTINCT without the window looks across windows", _ADD_WINDOW)
    yield from _modifiers(node, distinct_ok=True)


def _modifiers(node: Node, *, distinct_ok: bool) -> Iterator[Complaint]:
    for modifier in node["modifiers"]:
        kind = modifier["type"]
        if kind == "DISTINCT_MODIFIER" and not modifier["distinct_on_targets"] and distinct_ok:
            continue
        word, remedy = _MODIFIERS.get(kind, (kind, ""))
        at = modifier["orders"][0]["expression"] if "orders" in modifier else modifier.get("limit")
        yield Complaint(at or node, f"{word} has no meaning in an endless stream", remedy)


def _group_by(node: Node, clause: FromClause) -> Iterator[Complaint]:
    if len(node["group_sets"]) > 1:
        yield Complaint(node, "GROUPING SETS, ROLLUP and CUBE are not supported yet")
    elif not _tells_window(list(group_keys(node)), clause):
        yield Complaint(
            (_aggregates(node) or [node])[0],
            "GROUP BY lacks the window, the groups would never be complete",
            "group by window_start and window_end (or GROUP BY ALL with both selected)",
        )


def _tells_window(expressions: list[Node], clause: FromClause) -> bool:
    for expression in expressions:
        names = expression.get("column_names")
        mark = clause.resolve(names) if names else None
        if mark is not None and mark.tells_window:
            return True
    return False


def _joins(node: Node, clause: FromClause) -> Iterator[Complaint]:
    for join, left, right in clause.joins:
        if not (_any_window(left) and _any_window(right)):
            continue
        terms = flatten_and(join["condition"])
        if join["join_type"] == "INNER":
            terms += flatten_and(node["where_clause"])
        shared = {str(name).lower() for name in join["using_columns"]}
        if not any(_shares_window(name, left, right) for name in shared) and not any(
            _equates_window(term, left, right) for term in terms
        ):
            yield Complaint(
                join,
                "a join of windowed streams lacks the window",
                "add `a.window_start = b.window_start AND a.window_end = b.window_end`",
            )


def _shares_window(name: str, left: list[Item], right: list[Item]) -> bool:
    sides = [_mark_in(side, name) for side in (left, right)]
    return all(mark is not None and mark.tells_window for mark in sides)


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


def _mark_in(items: list[Item], name: str, alias: str | None = None) -> Mark | None:
    for item in items:
        if alias is not None and item.alias.lower() != alias.lower():
            continue
        for column, mark in item.relation.marks.items():
            if column.lower() == name.lower():
                return mark
    return None


def _any_window(items: list[Item]) -> bool:
    return any(item.relation.kind is Kind.CLOSED for item in items)


def _outside(part: object) -> Iterator[Node]:
    """Every node that does not lie in a subquery."""
    return walk(part, into=lambda node: node.get("class") != "SUBQUERY")


def _is_aggregate(node: Node) -> bool:
    return node.get("class") == "FUNCTION" and is_aggregate(str(node["function_name"]).lower())


def _aggregates(node: Node) -> list[Node]:
    parts = [node["select_list"], node["having"] or {}, node["qualify"] or {}]
    return [below for part in parts for below in _outside(part) if _is_aggregate(below)]


def _window_functions(node: Node) -> list[Node]:
    parts = [node["select_list"], node["qualify"] or {}]
    return [below for part in parts for below in _outside(part) if below.get("class") == "WINDOW"]


def star_marks(star: Node, clause: FromClause) -> dict[str, Mark]:
    """Which columns of a star carry time."""
    if star["columns"] or star["expr"] is not None:
        return {}
    gone = {str(name).lower() for name in _names(star["exclude_list"])}
    for part in ("replace_list", "rename_list", "qualified_exclude_list"):
        gone |= {str(name).lower() for name in _names(star[part])}
    marks: dict[str, Mark] = {}
    for item in clause.visible:
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
