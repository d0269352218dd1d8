"""Rows to JSON texts, one SQL expression for all of them."""

from __future__ import annotations

import pyarrow as pa

from streamops_nb.db import Session, ident, literal

__all__ = ["json_texts"]


def json_texts(
    session: Session, rows: pa.Table, key: str | None
) -> tuple[list[bytes], list[bytes | None]]:
    """Write every row as a JSON object, and the text of one column as a key.

    Times are ISO 8601 with microseconds (``Z`` behind those with a time zone, which are in UTC),
    dates ``YYYY-MM-DD``, bytes base64, decimals and large integers numbers with all their digits.
    JSON has no NaN and no infinity: they become ``null``.

    Parameters
    ----------
    session
        Where to compute it.
    rows
        The rows; no row without a name for each column.
    key
        The column whose text is the key, if any.

    Returns
    -------
    tuple
        The JSON texts and the keys, both UTF-8; a key is None where the column is NULL.
    """
    ready = {field.name: _ready(ident(field.name), field.type) for field in rows.schema}
    fields = ", ".join(f"{ident(name)} := {ready[name]}" for name in ready)
    chosen = "NULL" if key is None else _text(ready[key], rows.schema.field(key).type)
    with session.registered(sink_rows=rows):
        texts = session.table(
            f"SELECT CAST(to_json(struct_pack({fields})) AS VARCHAR) AS value, "
            f"CAST({chosen} AS VARCHAR) AS key FROM sink_rows"
        )
    values, keys = (texts[name].cast(pa.binary()).to_pylist() for name in ("value", "key"))
    return values, keys


def _ready(value: str, kind: pa.DataType) -> str:
    """Give an expression of which ``to_json`` makes what `json_texts` promises."""
    if pa.types.is_timestamp(kind):
        zone = "Z" if kind.tz else ""
        return f"strftime({value}, {literal('%Y-%m-%dT%H:%M:%S.%f' + zone)})"
    if pa.types.is_floating(kind):
        return f"CASE WHEN isfinite({value}) THEN {value} END"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return f"base64({value})"
    return _ready_inside(value, kind)


def _ready_inside(value: str, kind: pa.DataType) -> str:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _each(value, _ready("item", kind.value_type), "item")
    if pa.types.is_map(kind):
        inner = _ready("entry.value", kind.item_type)
        if inner == "entry.value":
            return value
        pair = f"struct_pack(key := entry.key, value := {inner})"
        return f"map_from_entries({_each(f'map_entries({value})', pair, 'entry')})"
    if pa.types.is_struct(kind):
        fields = ", ".join(
            f"{ident(field.name)} := "
            + _ready(f"struct_extract({value}, {literal(field.name)})", field.type)
            for field in kind
        )
        return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({fields}) END"
    return value


def _each(values: str, inner: str, name: str) -> str:
    return values if inner == name else f"list_transform({values}, lambda {name}: {inner})"


def _text(ready: str, kind: pa.DataType) -> str:
    return f"to_json({ready})" if pa.types.is_nested(kind) else ready
