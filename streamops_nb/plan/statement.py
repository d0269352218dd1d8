"""Statements with the few parameters a batch fills in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CUT", "FROM", "NOW", "TO", "Statement"]

FROM = "$_from"
"""The stage's frontier before the batch, microseconds."""
TO = "$_to"
"""The stage's frontier of the batch, microseconds."""
NOW = "$_now"
"""The batch's recorded time, microseconds."""
CUT = "$_cut"
"""Windows that begin before this were cut off by the start point, microseconds."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and the names (without ``$``) of the parameters in it."""

    sql: str
    params: frozenset[str] = field(default_factory=frozenset)

    def fill(self, values: Mapping[str, int]) -> dict[str, int] | None:
        """Pick the statement's parameters out of a batch's values."""
        return {name: values[name] for name in self.params} or None
