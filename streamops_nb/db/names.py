"""Names and literals in our SQL: every one passes through here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

__all__ = ["ident", "literal", "load_sql", "struct_type"]


def ident(*parts: str) -> str:
    """Quote an identifier; several parts give a qualified name."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(text: str) -> str:
    """Quote a string literal."""
    return "'" + text.replace("'", "''") + "'"


def struct_type(schema: Mapping[str, str]) -> str:
    """Write a schema as the JSON structure that DuckDB's ``from_json`` takes, as a literal."""
    return literal(json.dumps(dict(schema)))


@cache
def load_sql(package: str, name: str) -> str:
    """Read the named ``.sql`` file that lies in `package`."""
    return files(package).joinpath(name).read_text(encoding="utf-8")
