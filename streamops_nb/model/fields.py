"""The kinds of text that the specification's fields accept, each with its refusal in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema

from streamops_nb.model.time_forms import checked_form
from streamops_nb.model.types import EPOCHS, base_type
from streamops_nb.model.wording import cut, shown, wrong

__all__ = [
    "FieldName",
    "FieldType",
    "JobName",
    "Line",
    "Name",
    "Number",
    "Query",
    "Schema",
    "Tags",
    "Version",
    "Whole",
]

_JOB_NAME = r"[a-z][a-z0-9_]{0,62}"
_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,62}"
# Columns that sources, the engine and sinks put beside a stream's own fields.
_RESERVED = frozenset(("_row", "_raw", "_partition", "_offset", "_batch"))
_LONGEST_QUERY = 200_000

Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]


def _job_name(value: Any) -> str:
    if not isinstance(value, str):
        raise wrong(f"expected text, got {shown(value)}", "for example `name: hot_minutes`")
    if not re.fullmatch(_JOB_NAME, value):
        raise wrong(
            f'"{cut(value)}" cannot be the name of a job'
            + (f" ({len(value)} characters)" if len(value) > 63 else ""),
            "a small letter, then up to 62 small letters, digits and _; "
            "for example `name: hot_minutes`",
        )
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(_NAME, value):
        raise wrong(
            f"{shown(value)} cannot be a name in a query",
            "a letter or _, then up to 62 letters, digits and _",
        )
    return value


def _field_name(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 255 or not value.isprintable():
        raise wrong(f"{shown(value)} cannot be the name of a field", "1 to 255 printable letters")
    if value.lower() in _RESERVED:
        raise wrong(f"the name {value} is used by streamops_nb itself", "choose another")
    return value


def _field_type(value: Any) -> str:
    if not isinstance(value, str):
        raise wrong(f"expected the name of a type, got {shown(value)}", "for example DOUBLE")
    if checked_form(value) is None and base_type(value, more=EPOCHS) in EPOCHS:
        return value.strip().upper()
    return value


def _schema(value: Any) -> Any:
    if isinstance(value, str) and value != "infer":
        raise wrong(
            f"{shown(value)} is not a schema",
            "write `infer` or the fields: `{ts: TIMESTAMPTZ, device: VARCHAR}`",
        )
    if not isinstance(value, (str, Mapping)):
        raise wrong(
            f"expected fields and their types, got {shown(value)}",
            "write `infer` or the fields: `{ts: TIMESTAMPTZ, device: VARCHAR}`",
        )
    if not value:
        raise wrong("a schema without fields", "declare a field or write `infer`")
    return value


def _tags(value: Any) -> Any:
    if isinstance(value, str):
        raise wrong(f"expected a list, got {shown(value)}", f"write `tags: [{cut(value)}]`")
    return value


def _query(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():
        raise wrong("the query is empty", "write one SELECT over the streams")
    if isinstance(value, str) and len(value) > _LONGEST_QUERY:
        raise wrong(f"a query of {len(value)} characters is too long", f"at most {_LONGEST_QUERY}")
    return value


def _version(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and value > 1:
        raise wrong(
            f"this specification has schema version {value}, newer than this streamops_nb reads",
            "upgrade streamops-nb, or write `schema_version: 1`",
        )
    return value


Line = Annotated[str, Field(max_length=200)]
JobName = Annotated[
    str,
    BeforeValidator(_job_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_JOB_NAME}$"}),
]
Name = Annotated[
    str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": f"^{_NAME}$"})
]
FieldName = Annotated[str, BeforeValidator(_field_name)]
FieldType = Annotated[str, BeforeValidator(_field_type)]
Schema = Annotated[Literal["infer"] | Mapping[FieldName, FieldType], BeforeValidator(_schema)]
Tags = Annotated[tuple[Line, ...], BeforeValidator(_tags)]
Query = Annotated[str, BeforeValidator(_query)]
Version = Annotated[Literal[1], BeforeValidator(_version)]
