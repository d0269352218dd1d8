"""Values of a preview as text that can be shown anywhere: short, on one line, nothing obeyed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

__all__ = ["cell_text", "head", "rows_of"]

_UNREADABLE = "(cannot be shown)"


def head(table: pa.Table, rows: int, columns: int) -> list[list[Any]]:
    """Give the first values of a table, column by column."""
    return [_values(table.column(i).slice(0, rows)) for i in range(columns)]


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """Give a table row by row; a time that Python's calendar does not reach is text."""
    columns = head(table, table.num_rows, table.num_columns)
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: pa.ChunkedArray) -> list[Any]:
    try:
        return list(column.to_pylist())
    except (ArithmeticError, ValueError, pa.ArrowException):
        return [_value(scalar) for scalar in column]


def _value(scalar: pa.Scalar) -> Any:
    """One value; a time that Python's calendar does not reach, as Arrow writes it."""
    try:
        return scalar.as_py()
    except (ArithmeticError, ValueError, pa.ArrowException):
        pass
    try:
        return scalar.cast(pa.string()).as_py()
    except pa.ArrowException:
        return _UNREADABLE


def cell_text(value: Any, width: int) -> str:
    """Write a value on one line, cut to a width; control characters are shown as escapes."""
    text = _text(value, width)
    text = "".join(c if c.isprintable() else _escaped(c) for c in text[: width + 1])
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _text(value: Any, width: int) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value[: 4 * width].decode(errors="replace")
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, (list, tuple, dict)):
        return _nested(value, width)
    return str(value)


def _moment(value: datetime) -> str:
    text = str(value.replace(tzinfo=None)).removesuffix("000")
    zone = "" if value.tzinfo is None else (value.strftime("%z") or "+0000")
    return text + ("Z" if zone in ("+0000", "+00:00") else zone)


def _nested(value: Sequence[Any] | dict[str, Any], width: int) -> str:
    """Write what fits of a list or struct; a long one is not written out first."""
    if isinstance(value, dict):
        items = (f"{key}: {_text(inner, width)}" for key, inner in value.items())
        left, right = "{", "}"
    else:
        items = (_text(inner, width) for inner in value)
        left, right = "[", "]"
    text = left
    for item in items:
        text += item if text == left else f", {item}"
        if len(text) > width:
            return text
    return text + right


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", errors="replace").decode()
