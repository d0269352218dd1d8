"""The statements of ``statements.sql``, by name."""

from __future__ import annotations

from functools import cache

from streamops_nb.db import load_sql

__all__ = ["schema", "statement", "upgrade"]

_MARK = "-- name: "


@cache
def _statements() -> dict[str, str]:
    parts = load_sql(__package__, "statements.sql").split(_MARK)[1:]
    named = (part.split("\n", 1) for part in parts)
    return {name.strip(): text.strip().rstrip(";") for name, text in named}


def statement(name: str) -> str:
    """Give the statement below ``-- name:`` `name`."""
    return _statements()[name]


def schema() -> list[str]:
    """Give the statements that create the catalog's tables."""
    return _each("schema.sql")


def upgrade() -> list[str]:
    """Give the statements that make a catalog of an older format one of the present format."""
    return _each("upgrade.sql")


def _each(file: str) -> list[str]:
    return [text for text in load_sql(__package__, file).split(";\n") if text.strip()]
