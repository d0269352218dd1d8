"""Measured in a child: whether a job's output holds the same rows as a plain table."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from streamops_nb.db import ident, literal

__all__ = ["measure"]


def measure(job: str, plain: str, where: str = "true") -> dict[str, Any]:
    """Compare ``output`` of a job's file with ``result`` of a plain one, as multisets.

    Floating-point values may differ by a relative 1e-9.

    Parameters
    ----------
    where
        Which plain rows the job has to have (those of windows that have closed).
    """
    with duckdb.connect() as connection:
        for name, path in (("job", job), ("plain", plain)):
            connection.execute(f"ATTACH {literal(path)} AS {name} (READ_ONLY)").fetchall()
        connection.execute("SET TimeZone='UTC'").fetchall()
        described = connection.execute("DESCRIBE plain.result").fetchall()
        kinds = {str(row[0]): str(row[1]) for row in described}
        order = sorted(kinds, key=lambda name: (kinds[name] in ("DOUBLE", "FLOAT"), name))
        columns = ", ".join(ident(name) for name in order)
        tables = [
            connection.sql(f"SELECT {columns} FROM {relation} ORDER BY {columns}").to_arrow_table()
            for relation in ("job.output", f"plain.result WHERE {where}")
        ]
    if tables[0].num_rows != tables[1].num_rows:
        raise AssertionError(f"{tables[0].num_rows} rows, plain DuckDB gives {tables[1].num_rows}")
    for name in order:
        if not _equal(tables[0][name], tables[1][name], kinds[name]):
            raise AssertionError(f"the column {name} differs from what plain DuckDB gives")
    return {"rows": tables[0].num_rows}


def _equal(ours: pa.ChunkedArray, plain: pa.ChunkedArray, kind: str) -> bool:
    if kind not in ("DOUBLE", "FLOAT"):
        return bool(ours.equals(plain))
    a, b = ours.to_numpy(), plain.to_numpy()
    return bool(np.allclose(a, b, rtol=1e-9, atol=0, equal_nan=True))
