"""The allow-list of functions, read from ``functions.txt``."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.resources import files

__all__ = [
    "TIME_NOW",
    "WINDOW_MACROS",
    "is_aggregate",
    "is_allowed",
    "is_decomposable",
    "is_window_function",
    "nearest",
]

WINDOW_MACROS = ("tumble", "hop", "cumulate", "session")
"""The table functions that put rows into windows."""

TIME_NOW = {
    "now": "TIMESTAMPTZ",
    "get_current_timestamp": "TIMESTAMPTZ",
    "transaction_timestamp": "TIMESTAMPTZ",
    "current_timestamp": "TIMESTAMPTZ",
    "today": "DATE",
    "current_date": "DATE",
}
"""Functions that give the present, and their type; a batch's plan gives them its recorded time."""


@cache
def _lists() -> dict[str, frozenset[str]]:
    lists: dict[str, set[str]] = {}
    section: set[str] = set()
    for line in files(__package__).joinpath("functions.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            section = lists.setdefault(line.strip("[]"), set())
        elif not line.startswith("#"):
            section.update(line.lower().split())
    return {name: frozenset(names) for name, names in lists.items()}


def is_allowed(name: str) -> bool:
    """Tell whether a query may call the function (operators always may)."""
    return not name.isidentifier() or name in _lists()["scalar"] or name in _lists()["aggregate"]


def is_window_function(name: str) -> bool:
    """Tell whether the function may be called with OVER (aggregates may too)."""
    return name in _lists()["window"] or name in _lists()["aggregate"]


def is_aggregate(name: str) -> bool:
    """Tell whether the function is an aggregate."""
    return name in _lists()["aggregate"]


def is_decomposable(name: str) -> bool:
    """Tell whether partial states of the aggregate can be kept instead of rows."""
    return name in _lists()["decomposable"]


def nearest(name: str) -> str | None:
    """Give the allowed name most like `name`, if one is like it at all."""
    names = sorted(_lists()["scalar"] | _lists()["aggregate"] | _lists()["window"])
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.75)
    return found[0] if found else None
