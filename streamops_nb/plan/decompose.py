"""Splitting a windowed aggregation into partial states per pane and their combination.

The idea is that of Gray et al., "Data Cube" (1997), distributive and algebraic functions, and of
Li et al., "No pane, no gain" (2005), panes: every window is a union of panes, so a row is
aggregated once, whatever number of windows it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from streamops_nb.plan.functions import is_aggregate, is_decomposable
from streamops_nb.plan.relation import Item, Kind
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.tree import Node, Tree, base_table, column, rewrite, strip, walk

__all__ = ["Decomposed", "decompose", "names_row"]

_BOUNDS = ("window_start", "window_end")


@dataclass(frozen=True, kw_only=True, slots=True)
class Decomposed:
    """A stage in two halves.

    Parameters
    ----------
    item
        The windowed input.
    partial
        A query over ``_p`` (the input with ``_pane``): pane, keys ``_k0…``, states ``_a0…``.
    final
        The stage's query over ``_closed`` (window bounds, keys, finished aggregates).
    """

    item: Item
    keys: tuple[Node, ...]
    aggregates: tuple[Node, ...]
    partial: str
    final: str


def decompose(stage: Stage, tree: Tree) -> Decomposed | None:
    """Split a stage, or return None where rows have to be kept."""
    item = _single_window(stage)
    if item is None or not _plain(stage):
        return None
    same = _Same(stage)
    node = same.spelled_out(stage.node)
    keys = [same.spelled_out(key) for key in stage.keys if key.get("literal") is None]
    keys = same.distinct([key for key in keys if not _is_bound(key, item)])
    aggregates = same.distinct(_aggregates(node))
    before = [*keys, *aggregates, node["where_clause"] or {}]
    if any(names_row(below, item) for part in before for below in walk(part)):
        return None
    if any(_is_bound(below, item) for part in before for below in walk(part)):
        return None
    if not all(_combines(below) for below in aggregates):
        return None
    names = list(stage.relation.columns)
    return Decomposed(
        item=item,
        keys=tuple(keys),
        aggregates=tuple(aggregates),
        partial=_partial(node, item, keys, aggregates, tree),
        final=_final(node, names, _Parts(item, keys, aggregates, same), tree),
    )


class _Same:
    """Tells when two expressions of a stage are the same, however they are spelled.

    DuckDB takes ``Device``, ``device`` and ``r.device`` for the same column, and the alias of a
    SELECT item for its expression where no column has that name.
    """

    def __init__(self, stage: Stage) -> None:
        self._columns = [name.lower() for i in stage.items for name in i.relation.columns]
        self._sources = {i.alias.lower() for i in stage.items}
        self._aliases = {
            item["alias"].lower(): item
            for item in stage.node["select_list"]
            if item.get("alias") and item["alias"].lower() not in self._columns
        }

    def spelled_out(self, node: Any) -> Any:
        """Put expressions where their aliases stand."""

        def change(below: Node) -> Node | None:
            names = below.get("column_names") or []
            meant = self._aliases.get(str(names[0]).lower()) if len(names) == 1 else None
            if meant is None or meant is below:
                return None
            return {**self.spelled_out(meant), "alias": below.get("alias", "")}

        return rewrite(node, change)

    def plain(self, node: Node) -> Any:
        """The expression in one spelling, for comparison."""

        def change(below: Node) -> Node | None:
            names = [str(name).lower() for name in below.get("column_names") or []]
            if not names:
                return None
            if len(names) > 1 and names[0] in self._sources and self._columns.count(names[1]) == 1:
                names = names[1:]
            return {"column_names": names}

        return strip(rewrite(node, change))

    def distinct(self, nodes: list[Node]) -> list[Node]:
        """Leave out what was there before."""
        seen: list[Any] = []
        result = []
        for node in nodes:
            if self.plain(node) not in seen:
                seen.append(self.plain(node))
                result.append(node)
        return result


class _Parts(NamedTuple):
    """What stands for what in the final half."""

    item: Item
    keys: list[Node]
    aggregates: list[Node]
    same: _Same


def _single_window(stage: Stage) -> Item | None:
    """The one windowed input of an aggregation, if its windows are made of panes."""
    streaming = [item for item in stage.items if item.relation.kind is not Kind.REFERENCE]
    if not stage.aggregated or len(streaming) != 1 or streaming[0].macro is None:
        return None
    return streaming[0] if streaming[0].macro.window.kind != "session" else None


def _plain(stage: Stage) -> bool:
    if stage.node["modifiers"] or len(stage.node["group_sets"]) > 1:
        return False
    nodes = list(walk(stage.node["select_list"]))
    unnests = any(str(node.get("function_name")) == "unnest" for node in nodes)
    return not unnests and all(node.get("class") not in ("STAR", "SUBQUERY") for node in nodes)


def _aggregates(node: Node) -> list[Node]:
    found: list[Node] = []
    for part in ("select_list", "having", "qualify"):
        found += [below for below in walk(node[part] or {}) if _is_aggregate(below)]
    return found


def _is_aggregate(node: Node) -> bool:
    return node.get("class") == "FUNCTION" and is_aggregate(str(node["function_name"]).lower())


def _combines(node: Node) -> bool:
    inner = [below for below in walk(node) if below is not node and _is_aggregate(below)]
    one_value = len(node["arguments"]) <= 1 or str(node["function_name"]).lower() not in _TOP_N
    return (
        is_decomposable(str(node["function_name"]).lower())
        and not node["distinct"]
        and not node["order_bys"]["orders"]
        and not inner
        and one_value
    )


_TOP_N = ("min", "max")


def names_row(node: Node, item: Item) -> bool:
    """Tell whether a node stands for a whole row: the alias alone, no column of that name."""
    names = [str(name).lower() for name in node.get("column_names") or []]
    columns = {name.lower() for name in item.relation.columns}
    return names == [item.alias.lower()] and names[0] not in columns


def _is_bound(node: Node, item: Item) -> bool:
    names = node.get("column_names")
    if not names or str(names[-1]).lower() not in _BOUNDS:
        return False
    return len(names) == 1 or str(names[0]).lower() == item.alias.lower()


def _partial(node: Node, item: Item, keys: list[Node], aggregates: list[Node], tree: Tree) -> str:
    selected = [column("_pane")]
    selected += [{**key, "alias": f"_k{i}"} for i, key in enumerate(keys)]
    selected += [
        {**below, "alias": f"_a{i}", "export_state": True} for i, below in enumerate(aggregates)
    ]
    source = base_table("_p", item.alias)
    where = str(item.node["query_location"]), str(item.node["function"]["function_name"])

    def change(below: Node) -> Node | None:
        if below.get("type") != "TABLE_FUNCTION":
            return None
        place = str(below["query_location"]), str(below["function"]["function_name"])
        return source if place == where else None

    return tree.sql(
        tree.select(
            select_list=selected,
            from_table=rewrite(node["from_table"], change),
            where_clause=node["where_clause"],
            aggregate_handling="FORCE_AGGREGATES",
        )
    )


def _final(node: Node, names: list[str], parts: _Parts, tree: Tree) -> str:
    plain = parts.same.plain
    stands_for = [(plain(known), f"_a{i}") for i, known in enumerate(parts.aggregates)]
    stands_for += [(plain(known), f"_k{i}") for i, known in enumerate(parts.keys)]

    def change(below: Node) -> Node | None:
        if "class" not in below:
            return None
        alias = below.get("alias", "")
        if _is_bound(below, parts.item):
            return column(str(below["column_names"][-1]).lower(), alias)
        bare = plain(below)
        return next((column(name, alias) for known, name in stands_for if known == bare), None)

    selected = [
        {**rewrite(below, change), "alias": name}
        for below, name in zip(node["select_list"], names, strict=True)
    ]
    return tree.sql(
        tree.select(
            select_list=selected,
            from_table=base_table("_closed", "_closed"),
            where_clause=rewrite(node["having"], change),
            qualify=rewrite(node["qualify"], change),
        )
    )
