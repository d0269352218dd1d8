"""Numbers of bytes as people write them: ``32MiB``, ``10MB``, ``4096``."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from streamops_nb.model.wording import cut, shown, wrong

__all__ = ["Size", "parse_size", "size_text"]

_BYTES = {
    "TiB": 2**40, "TB": 10**12,
    "GiB": 2**30, "GB": 10**9,
    "MiB": 2**20, "MB": 10**6,
    "KiB": 2**10, "KB": 10**3,
    "B": 1,
}  # fmt: skip
_UNITS = {unit.lower(): size for unit, size in _BYTES.items()}
_TEXT = re.compile(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*([A-Za-z]*)\s*")
_LARGEST = 2**60
_EXAMPLES = 'write for example "32MiB", "10MB" or a number of bytes'


def parse_size(value: Any) -> int:
    """Read a number of bytes: a whole number, or text with a unit such as ``"1.5GiB"``.

    Raises
    ------
    pydantic_core.PydanticCustomError
        If it is neither, has an unknown unit, or is negative or larger than 1 EiB.
    """
    if isinstance(value, str):
        found = _read(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        found = value
    else:
        raise wrong(f"{shown(value)} is not a size", _EXAMPLES)
    if not 0 <= found <= _LARGEST:
        raise wrong("a size is between 0 and 1048576TiB", _EXAMPLES)
    return found


def _read(text: str) -> int:
    part = _TEXT.fullmatch(text)
    unit = _UNITS.get(part[2].lower() or "b") if part else None
    if part is None or unit is None:
        raise wrong(
            f'"{cut(text)}" is not a size', f"the units are {', '.join(_BYTES)}; {_EXAMPLES}"
        )
    exact = Fraction(part[1]) * unit
    if exact.denominator != 1:
        raise wrong(f'"{cut(text)}" is not a whole number of bytes', _EXAMPLES)
    return int(exact)


def size_text(value: int) -> str | int:
    """Write a number of bytes so that `parse_size` reads it back, with a unit where one fits."""
    for unit, size in _BYTES.items():
        if size > 1 and value and value % size == 0:
            return f"{value // size}{unit}"
    return value


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(size_text, return_type=str | int),
    WithJsonSchema(
        {
            "description": 'A number of bytes: "32MiB", "10MB" or a whole number.',
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {
                    "type": "string",
                    "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*([KkMmGgTt][Ii]?)?[Bb]?\s*$",
                },
            ],
        }
    ),
]
"""A field type for numbers of bytes, for specs and for plug-ins' settings."""
