"""Statements with the few numbers that a batch fills in."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["CUT", "FROM", "NOW", "RESERVED", "SINCE", "TO", "Statement"]

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

_PLACE = re.compile(re.escape(RESERVED) + r"(from|to|now|cut|since)\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL that may hold the placeholders `FROM`, `TO`, `NOW`, `CUT` and `SINCE`.

    They are filled in as text: an ``INSERT … SELECT`` is planned anew for each batch anyway, and
    some of DuckDB's statements take no parameters.
    """

    sql: str

    def fill(
        self, *, begin: int = 0, end: int = 0, now: int = 0, cut: int = 0, since: int = 0
    ) -> str:
        """Give the SQL for one batch.

        Parameters
        ----------
        begin, end
            The stage's frontier before and after, microseconds.
        now, cut, since
            The batch's time; where windows begin to be whole; up to where windows that end are
            not emitted; all in microseconds.
        """
        values = {"from": begin, "to": end, "now": now, "cut": cut, "since": since}
        return _PLACE.sub(lambda match: f"({values[match[1]]})", self.sql)
