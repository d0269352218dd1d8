"""Fields and types of JSON records that nobody has described."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from streamops_nb.db import ident, struct_type
from streamops_nb.formats.records import text_of
from streamops_nb.formats.text_types import time_type

if TYPE_CHECKING:
    from streamops_nb.db import Session

__all__ = ["infer_json"]

_TYPES = {"UBIGINT": "BIGINT", "NULL": "VARCHAR"}


def infer_json(raw: pa.Table, session: Session) -> dict[str, str]:
    """Guess the schema of JSON objects; records that are none are left out.

    A whole number is BIGINT, a field with values of several kinds is JSON, one that is always
    null VARCHAR, and text that is a time in ISO 8601 in every record is a time.
    """
    text, _ = text_of(raw["_raw"])
    with session.registered(_records=pa.table({"raw": text})):
        objects = "SELECT raw FROM _records WHERE json_valid(raw) AND json_type(raw) = 'OBJECT'"
        [(structure,)] = session.rows(f"SELECT json_group_structure(raw::JSON) FROM ({objects})")
        found = json.loads(structure) if structure else {}
        if not isinstance(found, dict):
            return {}
        schema = {name: _type(value) for name, value in found.items()}
        texts = {name: "VARCHAR" for name, kind in schema.items() if kind == "VARCHAR"}
        if texts:
            values = f"SELECT unnest(from_json(raw, {struct_type(texts)})) FROM ({objects})"
            schema |= {name: time_type(ident(name), values, session) for name in texts}
    return schema


def _type(found: Any) -> str:
    """Write what ``json_group_structure`` found as a DuckDB type."""
    if isinstance(found, list):
        return f"{_type(found[0])}[]"
    if isinstance(found, dict):
        fields = ", ".join(f"{ident(name)} {_type(value)}" for name, value in found.items())
        return f"STRUCT({fields})"
    return _TYPES.get(str(found), str(found))
