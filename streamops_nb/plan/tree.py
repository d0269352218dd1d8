"""DuckDB's own parse tree: parse, walk, change, write back as SQL.

Every query is parsed by DuckDB (``json_serialize_sql``) and every statement that the planner makes
from it is written by DuckDB (``json_deserialize_sql``), so that we never cut or glue user text.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from streamops_nb.db import Session
from streamops_nb.model.errors import Fault, QueryRefused
from streamops_nb.plan.misspelt import syntax_remedy

__all__ = [
    "Node",
    "Tree",
    "base_table",
    "children",
    "column",
    "names_in",
    "place",
    "relocated",
    "rewrite",
    "same",
    "span",
    "strip",
    "walk",
]

Node = dict[str, Any]

_MOST_ENDS, _LONGEST = 100, 20_000
"""So many places are tried at which the part that parses may end, in texts of so many characters;
each try takes 0.2 ms."""

_LOCATIONS = ("query_location", "query_location_length")
_NOWHERE = 2**63
_EMPTY: Node = {
    "type": "EMPTY",
    "alias": "",
    "sample": None,
    "query_location": 2**64 - 1,
    "query_location_length": 0,
}


def place(query: str, offset: int | None) -> str:
    """Turn DuckDB's byte offset into ``query line:column`` (both from 1)."""
    if offset is None or offset >= _NOWHERE:
        return "query"
    before = query.encode()[:offset].decode(errors="replace")
    line = before.count("\n") + 1
    return f"query {line}:{len(before) - (before.rfind(chr(10)) + 1) + 1}"


def children(value: Any) -> Iterator[Node]:
    """Yield the nearest nodes below a node or list."""
    if not isinstance(value, (dict, list)):
        return
    for below in value.values() if isinstance(value, dict) else value:
        if isinstance(below, dict):
            yield below
        elif isinstance(below, list):
            yield from children(below)


def walk(value: Any, *, into: Callable[[Node], bool] | None = None) -> Iterator[Node]:
    """Yield every node of a tree, parents first; `into` says whether to go below a node."""
    stack = [value] if isinstance(value, dict) else list(children(value))[::-1]
    while stack:
        node = stack.pop()
        yield node
        if into is None or into(node):
            stack.extend(list(children(node))[::-1])


def rewrite(value: Any, change: Callable[[Node], Node | None]) -> Any:
    """Copy a tree; where `change` gives a node, that one stands instead and is not entered."""
    if isinstance(value, dict):
        changed = change(value)
        if changed is not None:
            return changed
        return {key: rewrite(below, change) for key, below in value.items()}
    if isinstance(value, list):
        return [rewrite(below, change) for below in value]
    return value


def strip(value: Any) -> Any:
    """Copy an expression without its places and alias, for comparison."""
    if isinstance(value, dict):
        return {
            key: strip(below)
            for key, below in value.items()
            if key not in _LOCATIONS and key != "alias"
        }
    if isinstance(value, list):
        return [strip(below) for below in value]
    return value


def relocated(value: Any, at: Node) -> Any:
    """Copy a tree of ours as if it stood in the user's text where `at` stands."""
    if isinstance(value, dict):
        places = {key: at[key] for key in _LOCATIONS if key in value and key in at}
        return {key: relocated(below, at) for key, below in value.items()} | places
    if isinstance(value, list):
        return [relocated(below, at) for below in value]
    return value


def span(query: str, node: Node) -> str:
    """Cut an expression out of the user's text; empty if it does not come from there."""
    text = query.encode()
    places = [
        (below["query_location"], below.get("query_location_length") or 0)
        for below in walk(node)
        if below.get("query_location", _NOWHERE) < len(text)
    ]
    if not places:
        return ""
    begin, end = min(at for at, _ in places), max(at + length for at, length in places)
    return text[begin:end].decode(errors="replace")


def same(one: Node, other: Node) -> bool:
    """Tell whether two expressions are the same apart from place and alias."""
    return bool(strip(one) == strip(other))


def column(name: str, alias: str = "") -> Node:
    """Make a reference to a column."""
    return {
        "class": "COLUMN_REF",
        "type": "COLUMN_REF",
        "alias": alias,
        "query_location": 0,
        "query_location_length": 0,
        "column_names": [name],
    }


def names_in(node: Node) -> set[str]:
    """All names in a query that may stand for relations, lower-case."""
    names: set[str] = set()
    for below in walk(node):
        names.add(str(below.get("table_name", "")).lower())
        names.update(str(name).lower() for name in below.get("column_names") or [])
    return names


def relations_in(node: Node) -> list[str]:
    """The relations that a query reads by bare name, in order, its own CTEs left out.

    That is what FROM names, and the first argument of a table function, which is how the window
    macros read a relation.
    """
    own, read = set(), []
    for below in walk(node):
        ctes = below.get("cte_map") or {}
        own |= {str(cte["key"]).lower() for cte in ctes.get("map") or []}
        if below.get("type") == "BASE_TABLE":
            read.append(str(below["table_name"]))
        elif below.get("type") == "TABLE_FUNCTION":
            for argument in below["function"]["arguments"][:1]:
                read += [str(n) for n in argument["expression"].get("column_names", [])[:1]]
    return [name for name in dict.fromkeys(read) if name.lower() not in own]


def base_table(name: str, alias: str) -> Node:
    """Make a FROM item that reads the relation `name`."""
    return {
        "type": "BASE_TABLE",
        "alias": alias,
        "sample": None,
        "query_location": 0,
        "query_location_length": 0,
        "schema_name": "",
        "table_name": name,
        "column_name_alias": [],
        "catalog_name": "",
        "at_clause": None,
        "qualified_name": {"path": [name]},
    }


OLD_LAMBDA = "a lambda with an arrow, `x -> x + 1`, is not read: write `lambda x: x + 1`"


def binder_details(error: Exception) -> dict[str, Any]:
    """Read the JSON document that a planner's session raises as its message."""
    text = str(error)
    start = text.find("{")
    try:
        found = json.loads(text[start:]) if start >= 0 else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def binder_message(error: Exception) -> str:
    """Give the first line of what DuckDB says; of lambdas in its old style in words of ours."""
    said = str(binder_details(error).get("exception_message", error)).split("\n")[0]
    return OLD_LAMBDA if said.startswith("Deprecated lambda arrow") else said


_SKIPPED = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|(;[\s;]*)(?=\S)""", re.DOTALL
)


def _second(query: str) -> int | None:
    """Give the offset of the byte at which the second of several statements begins."""
    ends = (found.end() for found in _SKIPPED.finditer(query) if found[1])
    end = next(ends, None)
    return None if end is None else len(query[:end].encode())


class Tree:
    """Parser and writer, over a session of a sealed instance with errors as JSON."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def parse(self, query: str) -> Node:
        """Parse exactly one SELECT and return its query node.

        Raises
        ------
        QueryRefused
            If the text is not one SELECT that DuckDB can parse; with line and column.
        """
        text = self._session.rows("SELECT json_serialize_sql(?)", [query])[0][0]
        parsed = json.loads(text)
        if parsed["error"]:
            raise QueryRefused([self._syntax(query, parsed)])
        statements = parsed["statements"]
        if len(statements) != 1:
            raise QueryRefused(
                [
                    Fault(
                        where=place(query, _second(query)),
                        what=f"{len(statements)} statements found",
                        remedy="write exactly one SELECT; use CTEs (WITH a AS (…)) for steps",
                    )
                ]
            )
        node: Node = statements[0]["node"]
        return node

    def parse_ctes(self, query: str) -> Node | None:
        """Parse the common table expressions that a query which is none begins with.

        Returns
        -------
        dict or None
            A query node that has them and selects nothing of interest; None if there are none.
        """
        ends = [found.end() for found in re.finditer(r"\)", query[:_LONGEST])]
        for end in reversed(ends[-_MOST_ENDS:]):
            try:
                node = self.parse(f"{query[:end]}\nSELECT NULL")
            except QueryRefused:
                continue
            return node if node.get("cte_map", {}).get("map") else None
        return None

    @staticmethod
    def _syntax(query: str, parsed: Node) -> Fault:
        message = str(parsed["error_message"])
        if parsed.get("error_type") == "parser":
            # without a position it is the end of the text
            at = int(parsed.get("position") or len(query.rstrip()))
            return Fault(where=place(query, at), what=message, remedy=syntax_remedy(query, at))
        if re.match(r"\s*(with\b.*)?pivot\b", query, re.IGNORECASE | re.DOTALL):
            return Fault(
                where="query 1:1",
                what="PIVOT is not supported",
                remedy="write one aggregate with FILTER (WHERE …) per column",
            )
        return Fault(
            where="query 1:1",
            what=message,
            remedy="a job's query is one SELECT (with CTEs); it writes nothing by itself",
        )

    def expression(self, sql: str) -> Node:
        """Parse one expression of ours."""
        node: Node = self.parse(f"SELECT {sql}")["select_list"][0]
        return node

    def sql(self, node: Node) -> str:
        """Write a query node as SQL."""
        document = {"error": False, "statements": [{"node": node, "named_param_map": []}]}
        rows = self._session.rows("SELECT json_deserialize_sql(?::JSON)", [json.dumps(document)])
        return str(rows[0][0])

    def text(self, expression: Node) -> str:
        """Write an expression as SQL, without its alias."""
        bare = {**expression, "alias": ""}
        return self.sql(self.select(select_list=[bare], from_table=_EMPTY)).removeprefix("SELECT ")

    def select(self, **parts: Any) -> Node:
        """Make a SELECT node from parts (select_list, from_table, where_clause, …)."""
        node: Node = {
            "type": "SELECT_NODE",
            "modifiers": [],
            "cte_map": {"map": []},
            "select_list": [],
            "from_table": None,
            "where_clause": None,
            "group_expressions": [],
            "group_sets": [],
            "aggregate_handling": "STANDARD_HANDLING",
            "having": None,
            "sample": None,
            "qualify": None,
        }
        return node | copy.deepcopy(parts)
