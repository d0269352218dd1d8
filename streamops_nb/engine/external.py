"""How a sink outside of the job's file is written."""

from __future__ import annotations

from typing import Any

from streamops_nb.db import Session

__all__ = ["External"]


class External:
    """An external sink as the recipe sees it: the rows leave the database as Arrow."""

    def __init__(self, sink: Any) -> None:
        self._sink = sink

    def write(self, n: int, select: str, session: Session) -> int:
        """See `Target.write`."""
        rows = session.table(select)
        self._sink.write(n, rows)
        return int(rows.num_rows)
