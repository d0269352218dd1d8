"""The allow-list of functions, read from ``functions.txt``."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.resources import files

__all__ = [
    "FOREIGN",
    "TIME_NOW",
    "WINDOW_MACROS",
    "is_aggregate",
    "is_allowed",
    "is_decomposable",
    "is_window_function",
    "named",
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

FOREIGN = {
    "uuid": "hash", "gen_random_uuid": "hash", "random": "hash", "rand": "hash",
    "date_format": "strftime", "to_char": "strftime", "formatdatetime": "strftime",
    "str_to_date": "strptime", "to_date": "strptime", "date_parse": "strptime",
    "parse_datetime": "strptime", "from_unixtime": "to_timestamp", "unix_timestamp": "epoch",
    "to_unixtime": "epoch", "getdate": "now", "sysdate": "now", "timestampdiff": "date_diff",
    "dateadd": "date_add", "convert_timezone": "timezone", "charindex": "instr", "locate": "instr",
    "collect_list": "list", "collect_set": "list", "explode": "unnest", "size": "len",
    "percentile": "quantile_cont", "approx_percentile": "approx_quantile", "iif": "if",
    "rlike": "regexp_matches", "regexp_like": "regexp_matches",
    "get_json_object": "json_extract_string", "json_query": "json_extract",
}  # fmt: skip
"""Functions of other databases, or that are refused, and what is called instead."""


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


def named(section: str) -> list[str]:
    """Give the names of a section of the list, in order."""
    return sorted(_lists()[section])


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
    if name in FOREIGN:
        return FOREIGN[name]
    names = sorted(_lists()["scalar"] | _lists()["aggregate"] | _lists()["window"])
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.75)
    return found[0] if found else None
