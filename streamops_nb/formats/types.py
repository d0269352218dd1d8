"""The types of a schema: the epoch pseudo-types, and the tree of a nested DuckDB type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamops_nb.db import Session

__all__ = ["EPOCHS", "Fixed", "ListOf", "MapOf", "Scalar", "Struct", "Tree", "parse", "tree_of"]

EPOCHS: Mapping[str, int] = {"EPOCH_S": 1_000_000, "EPOCH_MS": 1_000, "EPOCH_US": 1}
"""Pseudo-types: an integer in the data that becomes TIMESTAMPTZ; its unit in microseconds."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A type without parts."""

    text: str


@dataclass(frozen=True, slots=True)
class Struct:
    """STRUCT: named fields."""

    text: str
    fields: tuple[tuple[str, Tree], ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of any length."""

    text: str
    child: Tree


@dataclass(frozen=True, slots=True)
class Fixed:
    """An array of a fixed length."""

    text: str
    child: Tree
    length: int


@dataclass(frozen=True, slots=True)
class MapOf:
    """MAP from scalar keys to values."""

    text: str
    key: Tree
    value: Tree


Tree = Scalar | Struct | ListOf | Fixed | MapOf


def tree_of(text: str, session: Session) -> Tree:
    """Give the tree of any spelling of a DuckDB type; DuckDB itself normalises it first."""
    return parse(next(iter(session.describe(f"SELECT NULL::{text} AS x").values())))


def parse(text: str) -> Tree:
    """Give the tree of a type as DuckDB itself writes it."""
    text = text.strip()
    if text.endswith("]"):
        opening = text.rindex("[")
        child, length = parse(text[:opening]), text[opening + 1 : -1]
        return Fixed(text, child, int(length)) if length else ListOf(text, child)
    if text.startswith("STRUCT("):
        parts = [_name_and_type(part) for part in _split(text[len("STRUCT(") : -1])]
        return Struct(text, tuple((name, parse(kind)) for name, kind in parts))
    if text.startswith("MAP("):
        key, value = _split(text[len("MAP(") : -1])
        return MapOf(text, parse(key), parse(value))
    return Scalar(text)


def _split(text: str) -> list[str]:
    """Split at the commas that stand outside of parentheses and quotes."""
    parts, depth, quote, begin = [], 0, "", 0
    for i, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "," and depth == 0:
            parts.append(text[begin:i].strip())
            begin = i + 1
    return [*parts, text[begin:].strip()]


def _name_and_type(part: str) -> tuple[str, str]:
    """Split ``"a b" INTEGER`` into name and type."""
    if not part.startswith('"'):
        name, _, kind = part.partition(" ")
        return name, kind
    end = 1
    while part[end] != '"' or part[end : end + 2] == '""':
        end += 2 if part[end] == '"' else 1
    return part[1:end].replace('""', '"'), part[end + 1 :]
