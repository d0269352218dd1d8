"""Values of the door as plain data, and back: JSON, with Arrow tables beside it.

What is written is plain: a dataclass is an object of its fields, a status its name. What is read is
read by the type that is expected, so that nothing in the data decides what is made of it.
"""

from __future__ import annotations

import base64
import json
import math
import struct
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from streamops_nb.model.errorlog import Entry
from streamops_nb.model.errors import Refused
from streamops_nb.model.events import Event, from_json, to_json
from streamops_nb.model.views import JobView
from streamops_nb.ops.errorlog import ErrorLog
from streamops_nb.ops.summary import Summary
from streamops_nb.wire.frames import from_stream, to_stream

__all__ = ["JSON", "PARTS", "dump", "load", "pack", "parse", "unpack"]

JSON = "application/json"
PARTS = "application/vnd.streamops.parts"
"""The media type of JSON with tables: `_MAGIC`, then lengths (8 bytes, little end) and parts."""

_MAGIC = b"SOPARTS1"
_LENGTH = struct.Struct("<Q")
_WORDS = {math.inf: "Infinity", -math.inf: "-Infinity"}


def dump(value: Any, tables: list[pa.Table]) -> Any:
    """Give a value as plain data; tables are put on the list and referred to by their place."""
    if value is None or type(value) in (bool, int, str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _WORDS.get(value, "NaN")
    for kinds, write in _WRITE:
        if isinstance(value, kinds):
            return write(value, tables)
    if type(value) in _PARTS_OF:
        return {
            name: dump(read(value), tables) for name, (_, read) in _PARTS_OF[type(value)].items()
        }
    if is_dataclass(value):
        return {f.name: dump(getattr(value, f.name), tables) for f in fields(value) if f.init}
    raise TypeError(f"a {type(value).__name__} does not travel")


def _at(value: Any, tables: list[pa.Table]) -> int:
    tables.append(value)
    return len(tables) - 1


def _mapping(value: Mapping[Any, Any], tables: list[pa.Table]) -> dict[str, Any]:
    return {str(key): dump(inner, tables) for key, inner in value.items()}


def _list(value: Iterable[Any], tables: list[pa.Table]) -> list[Any]:
    return [dump(inner, tables) for inner in value]


_Write = Callable[[Any, list[pa.Table]], Any]
_WRITE: tuple[tuple[Any, _Write], ...] = (
    (Enum, lambda value, _: value.value),
    (int, lambda value, _: int(value)),
    (str, lambda value, _: str(value)),
    (Event, lambda value, _: to_json(value)),
    (BaseModel, lambda value, _: value.model_dump(mode="json", exclude_defaults=True)),
    (Mapping, _mapping),
    ((list, tuple, set, frozenset), _list),
    ((datetime, date), lambda value, _: value.isoformat()),
    (timedelta, lambda value, _: value.total_seconds()),
    (Path, lambda value, _: str(value)),
    ((bytes, bytearray), lambda value, _: {"$bytes": base64.b64encode(value).decode()}),
    (pa.Table, lambda value, tables: {"$table": _at(value, tables)}),
    ((pa.Array, pa.ChunkedArray), lambda v, tables: {"$array": _at(pa.table({"v": v}), tables)}),
    (np.ndarray, lambda v, tables: {"$numbers": _at(pa.table({"v": pa.array(v)}), tables)}),
    (np.generic, lambda value, tables: dump(value.item(), tables)),
)


_PARTS_OF: Mapping[type, Mapping[str, tuple[Any, Callable[[Any], Any]]]] = {
    Summary: {
        "view": (JobView, lambda value: value.view),
        "now": (float, lambda value: value.now),
        "state_bytes": (int | None, lambda value: value.dict["state_bytes"]),
    },
    ErrorLog: {"entries": (tuple[Entry, ...], lambda value: value.entries)},
}
"""What objects that are no dataclasses are made of again."""


def load(hint: Any, value: Any, tables: Sequence[pa.Table] = ()) -> Any:
    """Read a value of the type `hint` from what `dump` gave.

    Raises
    ------
    Refused
        If it is none.
    """
    try:
        return _load(hint, value, tables)
    except (
        TypeError,
        ValueError,
        KeyError,
        IndexError,
        AttributeError,
        RecursionError,
    ) as error:
        raise Refused(f"this is no {getattr(hint, '__name__', hint)}: {error}") from error


def _load(hint: Any, value: Any, tables: Sequence[pa.Table]) -> Any:
    if isinstance(value, Mapping) and len(value) == 1:
        (key,) = value
        if key in _BINARY:
            return _BINARY[key](value[key], tables)
    origin = get_origin(hint)
    if hint is Any or hint is object or isinstance(hint, TypeVar) or origin is Literal:
        return value
    if origin in (Union, types.UnionType):
        return _either(get_args(hint), value, tables)
    if origin is not None:
        return _group(origin, get_args(hint), value, tables)
    return _one(hint, value, tables)


_BINARY: dict[str, Callable[[Any, Sequence[pa.Table]], Any]] = {
    "$bytes": lambda text, _: base64.b64decode(text, validate=True),
    "$table": lambda at, tables: tables[at],
    "$array": lambda at, tables: tables[at]["v"],
    "$numbers": lambda at, tables: tables[at]["v"].to_numpy(),
}


def _either(hints: Sequence[Any], value: Any, tables: Sequence[pa.Table]) -> Any:
    if value is None and type(None) in hints:
        return None
    faults = []
    for hint in hints:
        if hint is not type(None):
            try:
                return _load(hint, value, tables)
            except (TypeError, ValueError, KeyError, AttributeError, Refused) as error:
                faults.append(str(error))
    raise ValueError("; ".join(faults))


def _group(origin: Any, inner: Sequence[Any], value: Any, tables: Sequence[pa.Table]) -> Any:
    if issubclass(origin, Mapping):
        key, of = inner
        return {_load(key, k, tables): _load(of, v, tables) for k, v in value.items()}
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {type(value).__name__}")
    if origin is tuple and Ellipsis not in inner:
        return tuple(_load(of, v, tables) for of, v in zip(inner, value, strict=True))
    if issubclass(origin, Collection):
        made: Any = tuple if origin is tuple else frozenset if origin is frozenset else list
        return made(_load(inner[0], v, tables) for v in value)
    raise TypeError(f"{origin} does not travel")


def _one(hint: Any, value: Any, tables: Sequence[pa.Table]) -> Any:
    if hint is type(None):
        return None
    if hint in (str, int, bool):
        if not isinstance(value, hint):
            raise TypeError(f"expected {hint.__name__}, got {type(value).__name__}")
        return value
    for kind, read in _READ:
        if issubclass(hint, kind):
            return read(hint, value)
    hints = _hints(hint)
    if issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return hint(*(_load(hints[n], v, tables) for n, v in zip(hint._fields, value, strict=True)))
    if hints:
        return hint(**{name: _load(hints[name], v, tables) for name, v in value.items()})
    return hint(value)


_READ: tuple[tuple[Any, Callable[[Any, Any], Any]], ...] = (
    (Event, lambda _, value: from_json(value)),
    (BaseModel, lambda hint, value: hint.model_validate(value)),
    (datetime, lambda _, value: datetime.fromisoformat(value)),
    (timedelta, lambda _, value: timedelta(seconds=value)),
    ((Enum, float, Path), lambda hint, value: hint(value)),
)


@cache
def _hints(hint: Any) -> dict[str, Any]:
    if hint in _PARTS_OF:
        return {name: inner for name, (inner, _) in _PARTS_OF[hint].items()}
    if is_dataclass(hint) or hasattr(hint, "_fields"):
        return get_type_hints(hint)
    return {}


def pack(value: Any) -> tuple[str, bytes]:
    """Give a value's media type and bytes."""
    tables: list[pa.Table] = []
    text = json.dumps(dump(value, tables), ensure_ascii=False, allow_nan=False).encode()
    if not tables:
        return JSON, text
    pieces: list[bytes | memoryview] = [_MAGIC, _LENGTH.pack(len(text)), text]
    for table in tables:
        stream = to_stream(table)
        pieces += [_LENGTH.pack(stream.size), memoryview(stream)]
    return PARTS, b"".join(pieces)


def unpack(content: bytes) -> tuple[Any, list[pa.Table]]:
    """Give the plain data and the tables of what `pack` gave.

    Raises
    ------
    Refused
        If it is damaged.
    """
    if not content.startswith(_MAGIC):
        return parse(content), []
    view, at, parts = memoryview(content), len(_MAGIC), []
    while at < len(view):
        if at + _LENGTH.size > len(view):
            raise Refused("the parts are cut short")
        (length,) = _LENGTH.unpack_from(view, at)
        at += _LENGTH.size
        if length > len(view) - at:
            raise Refused("the parts are cut short")
        parts.append(view[at : at + length])
        at += length
    if not parts:
        raise Refused("there are no parts")
    return parse(bytes(parts[0])), [from_stream(part) for part in parts[1:]]


def parse(content: bytes) -> Any:
    """Read JSON.

    Raises
    ------
    Refused
        If it is none, or nested too deeply.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refused(f"this is not JSON: {error}") from error
