"""The wording of reasons, as SQL expressions."""

from __future__ import annotations

from streamops_nb.db import literal

__all__ = ["PIECE", "begin_of", "shown", "verdict", "wrong"]

PIECE = 80
"""A reason shows at most this many characters of the value."""


def shown(value: str) -> str:
    """Write the SQL of a value, cut short.

    No sign that it was cut: the simpler expression halves the time to plan a query with dozens.
    """
    return f"left(({value})::VARCHAR, {PIECE})"


def wrong(value: str, place: str, kind: str) -> str:
    """Write the SQL of ``field temp: "abc" is not a DOUBLE``."""
    return f"{literal(begin_of(place))} || {shown(value)} || {literal(verdict(kind))}"


def begin_of(place: str) -> str:
    """Say which field is wrong; the value comes next."""
    return f"field {place}: "


def verdict(kind: str) -> str:
    """Say, behind the value, that it is not of a type."""
    return f" is not {'an' if kind[0] in 'AEIO' else 'a'} {kind}"
