"""Parquet: the source reads columns; what is left is to give them the declared types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamops_nb.formats import base
from streamops_nb.formats.conform import Conform, infer_columns
from streamops_nb.model.batch import Decoded

if TYPE_CHECKING:
    import pyarrow as pa

    from streamops_nb.db import Session

__all__ = ["ParquetFormat"]


class ParquetFormat:
    """Columns from Parquet files, or from any other source that gives columns.

    Parameters
    ----------
    settings
        None are known.
    schema
        Field name to DuckDB type; see `streamops_nb.formats.conform.Conform`.
    """

    class Settings(base.Settings):
        """Parquet has no settings."""

    def __init__(self, settings: Any, schema: dict[str, str]) -> None:
        self._conform = Conform(schema)

    def decode(self, raw: pa.Table, session: Session) -> Decoded:
        """Cast the columns of `raw` to the schema."""
        return self._conform(raw, session)

    def infer(self, raw: pa.Table, session: Session) -> dict[str, str]:
        """Give the types that the columns have."""
        return infer_columns(raw, session)
