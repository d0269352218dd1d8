"""A specification as Python text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["call_expression", "job_expression"]

_WIDTH = 96


def job_expression(data: Mapping[str, Any]) -> str:
    """Write ``so.Job(...)`` for plain data, one argument a line.

    Parameters
    ----------
    data
        The specification as plain data, keys as in YAML.
    """
    return call_expression("so.Job", (), data)


def call_expression(name: str, first: Sequence[str], keywords: Mapping[str, Any]) -> str:
    """Write a call, one argument a line.

    Parameters
    ----------
    first
        What stands before the keywords, as expressions.
    keywords
        Plain data.
    """
    lines = [f"    {expression}," for expression in first]
    lines += [f"    {key}={_value(value, 1, len(key) + 1)}," for key, value in keywords.items()]
    return "\n".join([f"{name}(", *lines, ")"])


def _value(value: Any, depth: int, before: int) -> str:
    """Write a value on one line if it fits behind `before` characters, else over several."""
    if isinstance(value, str):
        return _string(value)
    if not isinstance(value, (Mapping, list, tuple)):
        return repr(value)
    short = _flat(value)
    if len(short) + 4 * depth + before < _WIDTH and "\n" not in short:
        return short
    inner, outer = "    " * (depth + 1), "    " * depth
    if isinstance(value, Mapping):
        items = [
            f"{_quoted(key)}: {_value(item, depth + 1, len(key) + 4)}"
            for key, item in value.items()
        ]
        return "\n".join(["{", *(f"{inner}{item}," for item in items), outer + "}"])
    items = [_value(item, depth + 1, 0) for item in value]
    return "\n".join(["[", *(f"{inner}{item}," for item in items), outer + "]"])


def _flat(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(k)}: {_flat(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_flat, value)) + "]"
    return repr(value)


def _string(text: str) -> str:
    """Write text in double quotes, or as a block in triple quotes if that needs no escapes."""
    clean = all(line.isprintable() for line in text.split("\n"))
    if "\n" not in text or not clean or '"""' in text or "\\" in text or text.endswith('"'):
        return _quoted(text)
    return f'"""{text}"""'


def _quoted(text: str) -> str:
    # JSON's escapes are Python's too; what it leaves unescaped but nobody could see is escaped here
    return "".join(
        c if c.isprintable() else f"\\U{ord(c):08x}" for c in json.dumps(text, ensure_ascii=False)
    )
