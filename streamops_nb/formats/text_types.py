"""Which type the texts of a column have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamops_nb.db import Session

__all__ = ["mostly_time", "text_type", "time_type"]

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


def mostly_time(column: str, select: str, session: Session) -> str:
    """Give the type of time that more than half of a column's texts are, else VARCHAR."""
    return _first(_TIMES, column, select, session, most=0.5)


def _first(
    patterns: dict[str, str], column: str, select: str, session: Session, *, most: float = 1.0
) -> str:
    """Give the first type that all texts are, or, below 1, more than a share of them."""
    checks = ", ".join(
        f"avg(CAST(regexp_full_match({column}, '{pattern}') AND TRY_CAST({column} AS {kind}) "
        f"IS NOT NULL AS INTEGER)) FILTER ({column} IS NOT NULL)"
        for kind, pattern in patterns.items()
    )
    [shares] = session.rows(f"SELECT {checks} FROM ({select})")
    fits = ((share or 0) > most or share == 1 for share in shares)
    return next((kind for kind, fit in zip(patterns, fits, strict=True) if fit), "VARCHAR")
