"""Splitting a windowed aggregation into partial states per pane and their combination.

The idea is that of Gray et al., "Data Cube" (1997), distributive and algebraic functions, and of
Li et al., "No pane, no gain" (2005), panes: every window is a union of panes, so a row is
aggregated once, whatever number of windows it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamops_nb.plan.functions import is_aggregate, is_decomposable
from streamops_nb.plan.relation import Item, Kind
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.tree import Node, Tree, base_table, column, rewrite, strip, walk

__all__ = ["Decomposed", "decompose"]

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
    keys = _distinct([key for key in _real_keys(stage, item) if not _is_bound(key, item)])
    aggregates = _distinct(_aggregates(stage.node))
    before = [*keys, *aggregates, stage.node["where_clause"] or {}]
    if any(_is_bound(node, item) for part in before for node in walk(part)):
        return None
    if not all(_combines(node) for node in aggregates):
        return None
    return Decomposed(
        item=item,
        keys=tuple(keys),
        aggregates=tuple(aggregates),
        partial=_partial(stage, item, keys, aggregates, tree),
        final=_final(stage, item, keys, aggregates, tree),
    )


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


def _real_keys(stage: Stage, item: Item) -> list[Node]:
    """The grouping expressions, aliases replaced by what they stand for."""
    known = {name.lower() for each in stage.items for name in each.relation.columns}
    aliases = {node["alias"] for node in stage.node["select_list"] if node.get("alias")}
    result = []
    for key in stage.keys:
        names = key.get("column_names") or []
        if len(names) == 1 and names[0] in aliases and names[0].lower() not in known:
            continue
        if key.get("literal") is None:
            result.append(key)
    return result


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


def _is_bound(node: Node, item: Item) -> bool:
    names = node.get("column_names")
    if not names or str(names[-1]).lower() not in _BOUNDS:
        return False
    return len(names) == 1 or str(names[0]).lower() == item.alias.lower()


def _distinct(nodes: list[Node]) -> list[Node]:
    result: list[Node] = []
    for node in nodes:
        if not any(strip(node) == strip(known) for known in result):
            result.append(node)
    return result


def _partial(stage: Stage, item: Item, keys: list[Node], aggregates: list[Node], tree: Tree) -> str:
    selected = [column("_pane")]
    selected += [{**key, "alias": f"_k{i}"} for i, key in enumerate(keys)]
    selected += [
        {**node, "alias": f"_a{i}", "export_state": True} for i, node in enumerate(aggregates)
    ]

    def change(node: Node) -> Node | None:
        return base_table("_p", item.alias) if node is item.node else None

    return tree.sql(
        tree.select(
            select_list=selected,
            from_table=rewrite(stage.node["from_table"], change),
            where_clause=stage.node["where_clause"],
            aggregate_handling="FORCE_AGGREGATES",
        )
    )


def _final(stage: Stage, item: Item, keys: list[Node], aggregates: list[Node], tree: Tree) -> str:
    def change(node: Node) -> Node | None:
        if "class" not in node:
            return None
        bare = strip(node)
        for i, known in enumerate(aggregates):
            if bare == strip(known):
                return column(f"_a{i}", node.get("alias", ""))
        if _is_bound(node, item):
            return column(str(node["column_names"][-1]).lower(), node.get("alias", ""))
        for i, known in enumerate(keys):
            if bare == strip(known):
                return column(f"_k{i}", node.get("alias", ""))
        return None

    selected = [
        {**rewrite(node, change), "alias": name}
        for node, name in zip(stage.node["select_list"], stage.relation.columns, strict=True)
    ]
    return tree.sql(
        tree.select(
            select_list=selected,
            from_table=base_table("_closed", "_closed"),
            where_clause=rewrite(stage.node["having"], change),
            qualify=rewrite(stage.node["qualify"], change),
        )
    )
