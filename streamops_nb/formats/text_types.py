"""Which type the texts of a column have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamops_nb.db import Session

__all__ = ["text_type", "time_type"]

# TRY_CAST alone is too kind for guessing: '1.5' casts to BIGINT, '2026-01-01' to TIMESTAMP
_TIMES = {
    "DATE": r"\d{4}-\d\d-\d\d",
    "TIMESTAMPTZ": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)? ?(Z|[+-]\d\d(:?\d\d)?)",
    "TIMESTAMP": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?",
}
_VALUES = {
    "BIGINT": r"[+-]?\d+",
    "DOUBLE": r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|(?i:nan|[+-]?inf)",
    "BOOLEAN": r"(?i:true|false)",
}


def time_type(column: str, select: str, session: Session) -> str:
    """Give the type of time that all texts of a column are, else VARCHAR."""
    return _first(_TIMES, column, select, session)


def text_type(column: str, select: str, session: Session) -> str:
    """Give the most special type that all texts of a column are, else VARCHAR."""
    return _first(_VALUES | _TIMES, column, select, session)


def _first(patterns: dict[str, str], column: str, select: str, session: Session) -> str:
    checks = ", ".join(
        f"bool_and(regexp_full_match({column}, '{pattern}')"
        f" AND TRY_CAST({column} AS {kind}) IS NOT NULL) FILTER ({column} IS NOT NULL)"
        for kind, pattern in patterns.items()
    )
    [fits] = session.rows(f"SELECT {checks} FROM ({select})")
    return next((kind for kind, fit in zip(patterns, fits, strict=True) if fit), "VARCHAR")
