"""Queries over outputs from people who may only look: one SELECT over tables of jobs."""

from __future__ import annotations

import copy
import threading
from collections.abc import Collection

from streamops_nb.db import sealed
from streamops_nb.model.errors import Fault, QueryRefused
from streamops_nb.plan.allowed import find_faults
from streamops_nb.plan.tree import Node, Tree, place, walk

__all__ = ["Reader"]

_TABLES = frozenset({"output", "rejects"})
_DATABASE = "job_"
_JOB_TABLE = "job's table"


class Reader:
    """Checks queries; nothing of them is run."""

    def __init__(self) -> None:
        self._instance = sealed(memory="64MB", threads=1, json_errors=True)
        self._tree = Tree(self._instance.session())
        self._lock = threading.Lock()

    def check(self, query: str, tables: Collection[str] = ()) -> None:
        """See that a query only reads outputs and rejects of jobs.

        Parameters
        ----------
        tables
            What else it may read, by bare names.

        Raises
        ------
        QueryRefused
            With every fault, each with its line and column.
        """
        with self._lock:
            tree = copy.deepcopy(self._tree.parse(query))
        faults, known = [], {_JOB_TABLE, *_ctes(tree), *tables}
        for node in walk(tree):
            if node.get("type") == "BASE_TABLE" and len(node["qualified_name"]["path"]) > 1:
                if not _is_job_table(node["qualified_name"]["path"]):
                    faults.append(_refusal(node, query))
                # what the rules of a job's query call a stream is here a table of a job
                node |= {
                    "schema_name": "",
                    "catalog_name": "",
                    "table_name": _JOB_TABLE,
                    "qualified_name": {"path": [_JOB_TABLE]},
                }
        faults += find_faults(tree, query, known)
        if faults:
            raise QueryRefused(faults)

    def close(self) -> None:
        """Close the sealed database."""
        self._instance.close()


def _is_job_table(path: list[str]) -> bool:
    if [part.lower() for part in path] == ["catalog", "events"]:
        return True  # what `events` gives, for counts over it
    schema = path[1:-1]
    named = path[0].lower().startswith(_DATABASE) and path[-1].lower() in _TABLES
    return named and schema in ([], ["main"])


def _refusal(node: Node, query: str) -> Fault:
    what = f"{'.'.join(node['qualified_name']['path'])} cannot be read here"
    where = place(query, node.get("query_location"))
    return Fault(what=what, where=where, remedy="read job_<name>.output or job_<name>.rejects")


def _ctes(tree: Node) -> set[str]:
    found: set[str] = set()
    for node in walk(tree):
        entries = (node.get("cte_map") or {}).get("map") or []
        found |= {str(entry["key"]) for entry in entries}
    return found
