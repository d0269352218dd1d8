"""Appending rows to a stream of the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from streamops_nb.backends.local import LocalBackend
from streamops_nb.db import Instance, ident
from streamops_nb.model.given import refused
from streamops_nb.sources.table import append, create

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Log"]


class Log:
    """The rows of a stream that a program appends; jobs read it with ``source: table``."""

    def __init__(self, instance: Instance, backend: LocalBackend, name: str) -> None:
        self._instance = instance
        self._backend = backend
        self.name = name

    def append(
        self,
        rows: pd.DataFrame | pa.Table | list[dict[str, Any]],
        schema: Mapping[str, str] | None = None,
    ) -> int:
        """Append rows, all or none; the first append creates the log.

        Parameters
        ----------
        rows
            A DataFrame, an Arrow table, or a list of dicts.
        schema
            Field name to DuckDB type for the first append; default as the rows have them.

        Returns
        -------
        int
            How many rows were appended.

        Raises
        ------
        Refused
            If the rows do not fit the log; nothing is appended then.
        """
        table = _arrow(rows)
        database = self._backend.attach_stream(self.name)
        name = ident(database, "main", "log")
        session = self._instance.session()
        try:
            if schema is None:
                with session.registered(_rows=table.slice(0, 0)):
                    schema = session.describe("FROM _rows")
            create(session, name, schema)
            append(session, name, table)
        finally:
            session.close()
        return int(table.num_rows)


def _arrow(rows: Any) -> pa.Table:
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        return pa.Table.from_pylist(rows)
    if hasattr(rows, "columns"):
        return pa.Table.from_pandas(rows, preserve_index=False)
    raise refused("rows", rows, "no rows", "give a DataFrame, an Arrow table, or a list of dicts")
