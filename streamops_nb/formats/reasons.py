"""The wording of reasons, as SQL expressions."""

from __future__ import annotations

from streamops_nb.db import literal
from streamops_nb.model.time_forms import OTHER_FORMS, time_form

__all__ = ["PIECE", "shown", "wrong", "wrong_field"]

PIECE = 80
"""A reason shows at most this many characters of the value."""

_ISO = r'^"?\d{4}-\d\d?-\d'
_DECLARE = f" as in ISO 8601 - declare {OTHER_FORMS}"


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


def wrong_field(value: str, name: str, kind: str) -> str:
    """Write the SQL of what is wrong with a field, and how times in other forms are declared."""
    said = wrong(value, name, kind)
    if time_form(kind) or not kind.startswith(("TIMESTAMP", "DATE")):
        return said
    # in ISO 8601 it is a wrong date; anything else may be a time nevertheless
    iso = f"regexp_matches(({value})::VARCHAR, {literal(_ISO)})"
    return f"{said} || CASE WHEN {iso} THEN '' ELSE {literal(_DECLARE)} END"
