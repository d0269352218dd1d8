"""The wording of reasons, as SQL expressions."""

from __future__ import annotations

from streamops_nb.db import literal

__all__ = ["PIECE", "shown", "wrong"]

PIECE = 80
"""A reason shows at most this many characters of the value."""


def shown(value: str) -> str:
    """Write the SQL of a value, cut short.

    No sign that it was cut: the simpler expression halves the time to plan a query with dozens.
    """
    return f"left(({value})::VARCHAR, {PIECE})"


def wrong(value: str, place: str, kind: str) -> str:
    """Write the SQL of ``field temp: "abc" is not a DOUBLE``."""
    article = "an" if kind[0] in "AEIO" else "a"
    verdict = literal(f" is not {article} {kind}")
    return f"{literal(f'field {place}: ')} || {shown(value)} || {verdict}"
