"""Raw text or bytes: the whole record is one field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from streamops_nb.formats import base
from streamops_nb.formats.records import chunked, decoded, missing, text_of, without
from streamops_nb.model.batch import Decoded
from streamops_nb.model.errors import Fault, SpecRefused

if TYPE_CHECKING:
    from streamops_nb.db import Session

__all__ = ["RawFormat"]

_TEXT = ("VARCHAR", "TEXT", "STRING", "CHAR")
_BYTES = ("BLOB", "BYTEA", "BINARY", "VARBINARY")


class RawFormat:
    """The record as it is, in the one field of the schema.

    Parameters
    ----------
    settings
        None are known.
    schema
        One field: VARCHAR (a record that is not UTF-8 is rejected) or BLOB.
    """

    class Settings(base.Settings):
        """Raw has no settings."""

    def __init__(self, settings: Any, schema: dict[str, str]) -> None:
        kinds = [kind.upper() for kind in schema.values()]
        if schema and (len(kinds) > 1 or kinds[0] not in _TEXT + _BYTES):
            declared = ", ".join(f"{name}: {kind}" for name, kind in schema.items())
            raise SpecRefused(
                [
                    Fault(
                        what=f"the format raw gives one field of text or bytes, not {declared}",
                        where="schema",
                        remedy="declare {line: VARCHAR} or {line: BLOB} and cast in the query",
                    )
                ]
            )
        self._schema = schema

    def decode(self, raw: pa.Table, session: Session) -> Decoded:
        """Give the column ``_raw`` the field's name and type, without copying it."""
        [(name, kind)] = self._schema.items()
        numbers = pa.array(np.arange(raw.num_rows, dtype=np.int64))
        if kind.upper() in _BYTES:
            column, faults = raw["_raw"], missing(raw["_raw"])
        else:
            column, faults = text_of(raw["_raw"])
        rows = chunked(pa.table({name: column, "_row": numbers}))
        return decoded(without(rows, faults), faults)

    def infer(self, raw: pa.Table, session: Session) -> dict[str, str]:
        """Give ``line``: VARCHAR if all records are UTF-8, else BLOB."""
        _, faults = text_of(raw["_raw"])
        return {"line": "BLOB" if len(faults) > raw["_raw"].null_count else "VARCHAR"}
