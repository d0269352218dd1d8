"""Reading references: bounded tables that a query may join."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from streamops_nb.db import read_table
from streamops_nb.model.errors import Fault, SpecRefused, StreamopsError
from streamops_nb.model.spec import Reference

__all__ = ["read_reference", "version_of"]


def read_reference(name: str, reference: Reference, folder: Path) -> pa.Table:
    """Read a reference whole.

    Parameters
    ----------
    name
        Its name in the specification, for the refusal.
    folder
        Relative paths are relative to this.

    Raises
    ------
    SpecRefused
        If the file is missing or is not what the specification says.
    """
    path = folder / reference.path
    where = f"references.{name}"
    if not path.is_file():
        raise SpecRefused(
            [Fault(where=f"{where}.path", what=f"there is no file {path}", remedy="check the path")]
        )
    try:
        if reference.type == "csv":
            return pa_csv.read_csv(path)
        if reference.type == "parquet":
            return pa_parquet.read_table(path)
        return read_table(path, reference.table or name)
    except (pa.ArrowInvalid, OSError, StreamopsError) as error:
        raise SpecRefused(
            [Fault(where=where, what=f"{path} cannot be read as {reference.type}: {error}")]
        ) from error


def version_of(reference: Reference, folder: Path) -> str:
    """Give a text that changes when the reference's file does."""
    status = (folder / reference.path).stat()
    return f"{status.st_mtime_ns}-{status.st_size}"
