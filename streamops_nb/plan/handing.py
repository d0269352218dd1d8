"""Stages that make one row of each row: what of it they hand on need not be copied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streamops_nb.plan.keys import hands_on, selected
from streamops_nb.plan.relation import Kind
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.statement import Statement
from streamops_nb.plan.tree import Node, Tree, walk

__all__ = ["Handing", "handing"]

_NO = ("where_clause", "having", "qualify", "sample", "group_expressions", "modifiers")


@dataclass(frozen=True, kw_only=True, slots=True)
class Handing:
    """A stage that hands on columns of the one relation it reads.

    Parameters
    ----------
    columns
        Column to the column of the relation that it is.
    query
        Computes the others; None if there are none. It has a row for each of the relation's, in
        their order; it cannot be bound if it uses the alias of a column that is handed on.
    """

    columns: dict[str, str]
    query: Statement | None


def handing(stages: Iterable[Stage], tree: Tree) -> dict[str, Handing]:
    """Find these stages, by name."""
    found = ((stage.name, _handing(stage, tree)) for stage in stages)
    return {name: each for name, each in found if each is not None}


def _handing(stage: Stage, tree: Tree) -> Handing | None:
    node = stage.node
    if not _is_projection(stage) or any(node.get(part) for part in _NO):
        return None
    (item,) = stage.items
    known = {name.lower(): name for name in item.relation.columns}
    columns, rest = {}, []
    for name, entry in selected(stage).items():
        written = [name] if entry is None else entry.get("column_names") or [""]
        source = known.get(str(written[-1]).lower(), "")
        if source and hands_on(name, entry, source, item):
            columns[name] = source
        elif entry is not None:
            rest.append(entry)
        else:
            return None
    if not columns:
        return None
    query = Statement(tree.sql({**node, "select_list": rest})) if rest else None
    return Handing(columns=columns, query=query)


def _is_projection(stage: Stage) -> bool:
    if stage.node["type"] != "SELECT_NODE" or stage.kind is not Kind.FLOW:
        return False
    if len(stage.items) != 1 or stage.items[0].macro is not None or stage.aggregated:
        return False
    if stage.reads != {stage.items[0].relation.name}:
        return False
    source = stage.node["from_table"]
    plain = source["type"] == "BASE_TABLE" and not source.get("sample")
    return plain and all(map(_is_plain, stage.node["select_list"]))


def _is_plain(entry: Node) -> bool:
    """Whether an entry makes one value of each row, and a star nothing but columns as they are."""
    if entry["class"] == "STAR":
        return not any(entry.get(p) for p in ("replace_list", "rename_list", "columns", "expr"))
    return all(str(node.get("function_name", "")).lower() != "unnest" for node in walk(entry))
