"""Stages that say of each row which rows it was made of.

A traced stage reads its inputs beside columns of ours that number their rows, and hands the numbers
on as lists. What QUALIFY would drop comes out too, and is marked, so that it can be told what a row
was compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from streamops_nb.db import ident
from streamops_nb.plan.decompose import names_row
from streamops_nb.plan.relation import Item
from streamops_nb.plan.rules import is_grouped
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.tree import Node, Tree, base_table, column, rewrite, same, walk

__all__ = ["KEPT", "ROW", "Input", "Traced", "alone", "inputs_of", "over_numbered", "trace"]

ROW = "_streamops_row"
"""The hidden column that numbers the rows of a relation."""
KEPT = "_streamops_kept"
"""The hidden column that says whether QUALIFY lets a row pass."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One relation that a stage reads in its FROM clause.

    Parameters
    ----------
    name
        The relation's name.
    view
        The name under which a traced stage reads it, with its numbers as the column `number`.
    placed
        Whether `view` must be a table without that column, as the stage would see it: the numbers
        are the places of its rows.
    """

    name: str
    item: Item
    view: str
    number: str
    placed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Traced:
    """A traced stage.

    Parameters
    ----------
    sql
        Its query. After the stage's own columns come for each input a list of numbers, named as
        `Input.number`; then the numbers of the partitions of its window functions, `peers`; then
        `KEPT`.
    """

    sql: str
    inputs: tuple[Input, ...]
    peers: tuple[str, ...]

    @property
    def hidden(self) -> tuple[str, ...]:
        """All columns of ours."""
        return (*(i.number for i in self.inputs), *self.peers, KEPT)


def inputs_of(stage: Stage) -> tuple[Input, ...]:
    """The relations that a stage reads in its FROM clauses, each as often as it is read."""
    found = []
    for n, item in enumerate(stage.items):
        relation = item.relation if item.macro is None else item.macro.source
        if relation.name:
            view = f"_traced_{n}"
            found.append(Input(name=relation.name, item=item, view=view, number=f"{ROW}_{n}"))
    return tuple(found)


def trace(stage: Stage, tree: Tree) -> Traced | None:
    """Write a traced stage; None if what we add to its inputs would be seen by its query."""
    inputs = _unseen(stage.node, inputs_of(stage))
    if inputs is None:
        return None
    windows = _partitions(stage.node)
    peers = tuple(f"_streamops_peers_{n}" for n in range(len(windows)))
    node = _traced(stage.node, inputs, windows, tree)
    return None if node is None else Traced(sql=tree.sql(node), inputs=inputs, peers=peers)


def _unseen(node: Node, inputs: tuple[Input, ...]) -> tuple[Input, ...] | None:
    """Let inputs be placed whose columns the query looks at as a whole; None if one cannot."""
    if node["type"] == "SET_OPERATION_NODE":
        for part in node["children"]:
            found = _unseen(part, inputs)
            if found is None:
                return None
            inputs = found
        return inputs
    mine = alone(node, inputs)
    if _may_hide(node) and not any(names_row(n, i.item) for n in walk(node) for i in mine):
        return inputs
    if not all(i.item.macro is None and _has_places(i) for i in mine):
        return None
    changed = {i.number: replace(i, view=f"_placed{i.view}", placed=True) for i in mine}
    return tuple(changed.get(i.number, i) for i in inputs)


def _has_places(found: Input) -> bool:
    return "rowid" not in {name.lower() for name in found.item.relation.columns}


def _traced(
    node: Node, inputs: Sequence[Input], windows: Sequence[list[Node]], tree: Tree
) -> Node | None:
    if node["type"] == "SET_OPERATION_NODE":
        parts = [_traced(part, inputs, windows, tree) for part in node["children"]]
        return None if None in parts else {**node, "children": parts}
    grouped = is_grouped(node)
    if node["modifiers"]:
        if grouped or windows:
            return None
        # the rows of each DISTINCT row
        node, grouped = {**node, "modifiers": [], "aggregate_handling": "FORCE_AGGREGATES"}, True
    made = over_numbered(node, inputs)
    if made is None:
        return None
    seen = {i.number for i in alone(node, inputs) if not i.item.hidden}
    extra = [tree.expression(_numbers(i, i.number in seen, grouped)) for i in inputs]
    extra += [tree.expression(f"dense_rank() OVER (ORDER BY {_order(w, tree)})") for w in windows]
    kept = "true" if node["qualify"] is None else f"coalesce({tree.text(node['qualify'])}, false)"
    extra.append(tree.expression(kept))
    names = [*(i.number for i in inputs), *(f"_streamops_peers_{n}" for n in range(len(windows)))]
    ours = [{**e, "alias": name} for e, name in zip(extra, [*names, KEPT], strict=True)]
    return {**made, "select_list": [*made["select_list"], *ours], "qualify": None}


def alone(node: Node, inputs: Sequence[Input]) -> list[Input]:
    """Those inputs that stand in this SELECT's own FROM clause, not in another part of a UNION."""
    here = {id(below) for below in walk(node["from_table"])}
    return [i for i in inputs if id(i.item.node) in here]


def over_numbered(node: Node, inputs: Sequence[Input]) -> Node | None:
    """Let a SELECT read its inputs with numbers, without its stars seeing them; None if they do."""
    here = {id(i.item.node): i for i in alone(node, inputs)}
    if not all(i.placed for i in here.values()) and not _may_hide(node):
        return None

    def change(below: Node) -> Node | None:
        found = here.get(id(below))
        if found is None:
            return None
        if found.item.macro is None:
            return base_table(found.view, found.item.alias)
        return _reading(below, found.view)

    selected = [_without(entry, list(here.values())) for entry in node["select_list"]]
    return {**node, "from_table": rewrite(node["from_table"], change), "select_list": selected}


def _reading(macro: Node, view: str) -> Node:
    """A window macro over another relation."""
    function = macro["function"]
    first, *others = function["arguments"]
    arguments = [{**first, "expression": column(view)}, *others]
    return {**macro, "function": {**function, "arguments": arguments}}


def _may_hide(node: Node) -> bool:
    """Whether columns can be added to the inputs without the query seeing them."""
    plain = {id(entry) for entry in node["select_list"] if _is_plain_star(entry)}
    outside = list(walk(node, into=lambda below: below.get("class") != "SUBQUERY"))
    stars = {id(below) for below in outside if below.get("class") == "STAR"}
    return stars <= plain and all(b.get("class") != "POSITIONAL_REFERENCE" for b in walk(node))


def _is_plain_star(entry: Node) -> bool:
    return entry["class"] == "STAR" and not entry["columns"] and entry["expr"] is None


def _without(entry: Node, inputs: Sequence[Input]) -> Node:
    """A star without our numbers."""
    if entry["class"] != "STAR":
        return entry
    named = entry["relation_name"].lower()
    seen = [
        i for i in inputs if not (i.item.hidden or i.placed) and named in ("", i.item.alias.lower())
    ]
    if not seen:
        return entry
    return {**entry, "exclude_list": [*entry["exclude_list"], *(i.number for i in seen)]}


def _numbers(found: Input, seen: bool, grouped: bool) -> str:
    """SQL for the numbers of the rows of an input, as a list."""
    if not seen:
        return "any_value(CAST([] AS BIGINT[]))" if grouped else "CAST([] AS BIGINT[])"
    number = f"{ident(found.item.alias)}.rowid" if found.placed else ident(found.number)
    if grouped:
        return f"coalesce(list({number}) FILTER ({number} IS NOT NULL), [])"
    return f"CASE WHEN {number} IS NULL THEN [] ELSE [{number}] END"


def _partitions(node: Node) -> list[list[Node]]:
    """What the window functions of a SELECT partition by, each once."""
    if node["type"] != "SELECT_NODE":
        return []
    found: list[list[Node]] = []
    for part in (node["select_list"], node["qualify"] or {}):
        for below in walk(part, into=lambda b: b.get("class") != "SUBQUERY"):
            keys = below.get("partitions") if below.get("class") == "WINDOW" else None
            if keys and not any(_equal(keys, other) for other in found):
                found.append(keys)
    return found


def _equal(one: list[Node], other: list[Node]) -> bool:
    return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))


def _order(keys: list[Node], tree: Tree) -> str:
    return ", ".join(tree.text(key) for key in keys)
