"""Statements with the few numbers that a batch fills in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

__all__ = ["CUT", "FROM", "NOW", "RESERVED", "SIDE", "SINCE", "TO", "Statement"]

RESERVED = "$_streamops_"
"""No query and no parameter may hold this text, so that filling in can never hit user text."""
FROM = RESERVED + "from"
"""The stage's frontier before the batch, microseconds."""
TO = RESERVED + "to"
"""The stage's frontier of the batch, microseconds."""
NOW = RESERVED + "now"
"""The batch's recorded time, microseconds."""
CUT = RESERVED + "cut"
"""Windows that begin before this were cut off by the start point, microseconds."""
SINCE = RESERVED + "since"
"""Windows that ended before this are not emitted: they were only rebuilt for later ones."""
SIDE = RESERVED + "side"
"""0 for whole windows, 1 for those that the start point cut off."""

_PLACE = re.compile(re.escape(RESERVED) + r"(from|to|now|cut|since|side)\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL that may hold the placeholders `FROM`, `TO`, `NOW`, `CUT`, `SINCE` and `SIDE`.

    They are filled in as text, because some of DuckDB's statements take no parameters; those that
    do, and come with each batch, are planned once with `parameters`.
    """

    sql: str

    def fill(
        self,
        *,
        begin: int = 0,
        end: int = 0,
        now: int = 0,
        cut: int = 0,
        since: int = 0,
        side: int = 0,
    ) -> str:
        """Give the SQL for one batch.

        Parameters
        ----------
        begin, end
            The stage's frontier before and after, microseconds.
        now, cut, since
            The batch's time; where windows begin to be whole; up to where windows that end are
            not emitted; all in microseconds.
        side
            Whether windows that were cut off are meant (1) or the others (0).
        """
        values = {
            "from": begin, "to": end, "now": now, "cut": cut, "since": since, "side": side,
        }  # fmt: skip
        return _PLACE.sub(lambda match: f"({values[match[1]]})", self.sql)

    def parameters(self, **numbers: int) -> tuple[str, dict[str, int]]:
        """Give the SQL with parameters in place of numbers, and their values; see `fill`."""
        sql, names = _parameterized(self.sql)
        return sql, {name: numbers[_NUMBERS[place]] for name, place in names}


_NUMBERS = {"from": "begin", "to": "end"} | {n: n for n in ("now", "cut", "since", "side")}


@cache
def _parameterized(sql: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The SQL, and its parameters' names with what they stand for.

    Each place has a name of its own: a parameter that stands in two would be planned anew.
    """
    places: list[str] = _PLACE.findall(sql)
    names = [f"_streamops_{place}_{i}" for i, place in enumerate(places)]
    left = iter(names)
    sql = _PLACE.sub(lambda _: f"CAST(${next(left)} AS BIGINT)", sql)
    return sql, tuple(zip(names, places, strict=True))
