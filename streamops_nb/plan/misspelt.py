"""What to do about a syntax error, of which DuckDB tells only where it noticed it."""

from __future__ import annotations

import difflib
import re

from streamops_nb.model.wording import cut

__all__ = ["syntax_remedy"]

_KEYWORDS = (
    "SELECT", "FROM", "WHERE", "GROUP", "ORDER", "BY", "HAVING", "QUALIFY", "WITH", "AS", "JOIN",
    "LEFT", "INNER", "FULL", "CROSS", "SEMI", "ON", "USING", "AND", "OR", "NOT", "CASE", "WHEN",
    "THEN", "ELSE", "END", "BETWEEN", "LIKE", "ILIKE", "DISTINCT", "INTERVAL", "OVER", "PARTITION",
    "UNION", "FILTER", "VALUES", "SECONDS", "MINUTES", "HOURS",
)  # fmt: skip
_WORD = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|[A-Za-z_]\w*""")
_SHORTEST = 3
"""Shorter words are near to too much."""
_LOOKED_AT = 3
"""Words, up to the one that DuckDB stumbles over, of which one may be misspelt: in ``SELECT a FORM
b`` it stumbles over ``b``."""
_AROUND = 40
"""Characters before the place that are told."""

_RESERVED = (
    "ALL", "ANALYZE", "AND", "ANY", "AS", "ASC", "AT", "BOTH", "CASE", "CHECK", "COLUMN",
    "CONSTRAINT", "CREATE", "DEFAULT", "DESC", "DISTINCT", "DO", "ELSE", "END", "EXCEPT", "FALSE",
    "FETCH", "FOR", "FOREIGN", "FROM", "GRANT", "GROUP", "HAVING", "IN", "INTERSECT", "INTO",
    "LEADING", "LIMIT", "NOT", "NULL", "OFFSET", "ON", "ONLY", "OR", "ORDER", "PLACING",
    "PRIMARY", "REFERENCES", "RETURNING", "SELECT", "SOME", "TABLE", "THEN", "TO", "TRAILING",
    "TRUE", "UNION", "UNIQUE", "USING", "WHEN", "WHERE", "WINDOW", "WITH",
)  # fmt: skip
"""Words that name a column only in quotes."""

_AS_COLUMN = re.compile(r"\b([A-Za-z]+)\s*(?=[,)=<>.]|FROM\b)", re.IGNORECASE)
"""A word that stands where the name of a column does."""


def _reserved(query: str, position: int) -> str:
    """Give the reserved word that ends or begins at a place, where a column is meant."""
    ends = len(query[:position].rstrip())
    words = (m for m in _AS_COLUMN.finditer(query) if m.start() == position or m.end(1) == ends)
    return next((m[1] for m in words if m[1].upper() in _RESERVED), "")


def syntax_remedy(query: str, offset: int) -> str:
    """Say which keyword may be misspelt, else what stands before the place.

    Parameters
    ----------
    offset
        Of the first byte that DuckDB cannot make sense of.
    """
    position = len(query.encode()[:offset].decode(errors="replace"))
    found = [m for m in _WORD.finditer(query) if m.start() <= position]
    for word in reversed([m[0] for m in found if m[0][0] not in "'\"-"][-_LOOKED_AT:]):
        near = difflib.get_close_matches(word.upper(), _KEYWORDS, n=1, cutoff=0.7)
        if near and len(word) >= _SHORTEST and word.upper() not in _KEYWORDS:
            return f"is `{cut(word)}` meant to be {near[0]}?"
    name = _reserved(query, position)
    if name:
        return f'{name.upper()} is a word of SQL: if it is a column, write `"{name}"`'
    rest = query[position:].split()
    if len(rest) <= 1:
        end = " ".join(query[-_AROUND:].split())
        return f"something is missing after `{cut(end)}`"
    before = " ".join(query[max(0, position - _AROUND) : position].split())
    if not before:
        return "a job's query begins with SELECT or WITH"
    return f"a word, comma or bracket is missing or too many after `{cut(before)}`"
