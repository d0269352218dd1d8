"""A profile of a table: per column nulls, distinct values, bounds and quantiles."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from streamops_nb.db import Session, ident

__all__ = ["PROFILE", "profile"]

PROFILE = ("column", "type", "rows", "nulls", "distinct", "min", "q25", "median", "q75", "max")
"""What is said of a column."""

_MEASURED = ("TIMESTAMP", "DATE", "TIME", "DECIMAL", "DOUBLE", "FLOAT", "HUGEINT", "UHUGEINT",
             *(f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG")),
             "INTEGER", "UINTEGER", "INTERVAL")  # fmt: skip
_NESTED = ("STRUCT", "MAP", "UNION", "VARIANT")


def profile(table: pa.Table, session: Session) -> list[tuple[Any, ...]]:
    """Give a row as of `PROFILE` for each column; quantiles only where values can be measured.

    Parameters
    ----------
    session
        A session of a sealed database.
    """
    with session.registered(_profiled=table):
        types = session.describe("FROM _profiled")
        return [
            (name, kind, *session.rows(f"SELECT {_measures(name, kind)} FROM _profiled")[0])
            for name, kind in types.items()
        ]


def _measures(name: str, kind: str) -> str:
    column = ident(name)
    counts = f"count(*), count(*) - count({column}), count(DISTINCT {column})"
    if kind.startswith(_NESTED) or kind.endswith("]"):
        return f"{counts}, NULL, NULL, NULL, NULL, NULL"
    quantiles = ", ".join(
        f"quantile_disc({column}, {q})" if kind.startswith(_MEASURED) else "NULL"
        for q in (0.25, 0.5, 0.75)
    )
    return f"{counts}, min({column}), {quantiles}, max({column})"
