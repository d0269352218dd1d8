"""The allow-list, applied to DuckDB's own parse tree before anything is bound or run."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection

from streamops_nb.model.errors import Fault
from streamops_nb.plan.functions import (
    FOREIGN,
    TIME_NOW,
    WINDOW_MACROS,
    is_allowed,
    is_window_function,
    nearest,
)
from streamops_nb.plan.tree import Node, place, walk

__all__ = ["find_faults"]

_TABLE_FUNCTIONS = (*WINDOW_MACROS, "unnest", "range", "generate_series")
_CLASSES = {
    "BETWEEN",
    "CASE",
    "CAST",
    "COLUMN_REF",
    "COMPARISON",
    "CONJUNCTION",
    "CONSTANT",
    "FUNCTION",
    "LAMBDA",
    "LAMBDA_REF",
    "OPERATOR",
    "PARAMETER",
    "STAR",
    "SUBQUERY",
    "TYPE",
    "WINDOW",
}
_NILADIC = {
    "current_catalog",
    "current_database",
    "current_query",
    "current_role",
    "current_schema",
    "current_schemas",
    "current_user",
    "current_localtime",
    "current_localtimestamp",
    "current_time",
    "localtime",
    "localtimestamp",
    "session_user",
    "user",
}
_Find = Callable[[Node, str, Collection[str]], "Fault | None"]


def find_faults(
    tree: Node, query: str, relations: Collection[str], columns: Collection[str] = ()
) -> list[Fault]:
    """List everything in a query's tree that is not on the allow-list.

    Parameters
    ----------
    tree
        The query node.
    query
        The user's text, for places.
    relations
        The names a FROM clause may use: streams, references and CTEs.
    columns
        The lower-case names of all their columns; such a name is never taken for a function.
    """
    faults = []
    # a table function's inner call is judged with its table function, by that rule
    judged = {id(node["function"]) for node in walk(tree) if node.get("type") == "TABLE_FUNCTION"}
    for node in walk(tree):
        if id(node) in judged or _names_column(node, columns):
            continue
        rule = _RULES.get(str(node.get("type")), _function if "function_name" in node else None)
        fault = rule(node, query, relations) if rule else _class_rule(node, query, relations)
        if fault is not None:
            faults.append(fault)
    return faults


def _names_column(node: Node, columns: Collection[str]) -> bool:
    names = node.get("column_names") or []
    return len(names) == 1 and str(names[0]).lower() in columns


def _fault(node: Node, query: str, what: str, remedy: str = "") -> Fault:
    return Fault(where=place(query, node.get("query_location")), what=what, remedy=remedy)


def _class_rule(node: Node, query: str, _: Collection[str]) -> Fault | None:
    kind = node.get("class")
    if kind is None or kind in _CLASSES:
        return None
    return _fault(node, query, f"{str(kind).lower().replace('_', ' ')} is not supported here")


def _table(node: Node, query: str, relations: Collection[str]) -> Fault | None:
    path = node["qualified_name"]["path"]
    name = str(node["table_name"])
    if len(path) != 1 or node["schema_name"] or node["catalog_name"]:
        return _fault(
            node,
            query,
            f"{'.'.join(path)} is a qualified name",
            f"use the bare name of a stream, reference or CTE: {_list(relations)}",
        )
    if node.get("at_clause") is not None:
        return _fault(node, query, "AT is not supported", "leave it out")
    if name.lower() in {known.lower() for known in relations}:
        return None
    if any(sign in name for sign in "./\\:*"):
        return _fault(
            node,
            query,
            f"'{name}' looks like a file",
            "declare it under `references:` or `streams:` and use its name",
        )
    close = difflib.get_close_matches(name, sorted(relations), n=1)
    remedy = f"did you mean `{close[0]}`?" if close else f"declared are {_list(relations)}"
    return _fault(node, query, f"there is no stream, reference or CTE `{name}`", remedy)


def _list(names: Collection[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"


def _table_function(node: Node, query: str, _: Collection[str]) -> Fault | None:
    name = str(node["function"]["function_name"]).lower()
    if name in _TABLE_FUNCTIONS and not node["function"]["schema"]:
        return None
    return _fault(
        node,
        query,
        f"the table function {name}() may not be used",
        f"a FROM clause may call {', '.join(_TABLE_FUNCTIONS)}; files are declared as references",
    )


def _function(node: Node, query: str, _: Collection[str]) -> Fault | None:
    name = str(node["function_name"]).lower()
    if node.get("export_state"):
        return _fault(node, query, "EXPORT_STATE is not supported", "leave it out")
    if node.get("schema") or node.get("catalog"):
        return _fault(node, query, f"{name}() is written with a schema", f"write {name}(…)")
    if name in _TABLE_FUNCTIONS or name in TIME_NOW or is_allowed(name):
        return None
    if node.get("class") == "WINDOW" and is_window_function(name):
        return None
    return _fault(
        node,
        query,
        f"the function {name}() may not be used in a job",
        _instead(name, nearest(name)),
    )


def _instead(name: str, close: str | None) -> str:
    if name in FOREIGN:
        return f"what it does here is {close}()"
    if close:
        return f"did you mean {close}()?"
    return "see the list of allowed functions, docs/functions.md, or `streamops functions`"


def _column(node: Node, query: str, _: Collection[str]) -> Fault | None:
    names = node["column_names"]
    if str(names[-1]).lower() == "rowid":
        return _fault(node, query, "rows of a stream have no rowid", "name a column")
    if len(names) == 1 and str(names[0]).lower() in _NILADIC:
        return _fault(
            node,
            query,
            f"{names[0]} may not be used in a job",
            "if it is a column of a CTE, give it another name (AS)",
        )
    return None


def _refuse(what: str, remedy: str = "") -> _Find:
    def rule(node: Node, query: str, _: Collection[str]) -> Fault | None:
        return _fault(node, query, what, remedy)

    return rule


_RULES: dict[str, _Find] = {
    "BASE_TABLE": _table,
    "TABLE_FUNCTION": _table_function,
    "COLUMN_REF": _column,
    "SHOW_REF": _refuse("DESCRIBE, SHOW and SUMMARIZE are not queries over streams"),
    "PIVOT": _refuse("PIVOT is not supported", "write one aggregate with FILTER per column"),
    "RECURSIVE_CTE_NODE": _refuse("WITH RECURSIVE is not supported"),
    "COLUMN_DATA": _refuse("this table form is not supported"),
    "POSITIONAL_REFERENCE": _refuse("#1 is not supported", "name the column"),
}
