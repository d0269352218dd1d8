"""Faults that come from the types of columns that nobody declared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from streamops_nb.model.errors import Fault
from streamops_nb.model.wording import cut

if TYPE_CHECKING:
    from streamops_nb.plan.planning import StreamShape

__all__ = ["with_types"]

_PLACE = re.compile(r"query (\d+):(\d+)")
_AFTER, _BEFORE = 100, 40
"""So many characters behind the place of a fault, and before it, are looked at for its columns."""
_MOST = 400
"""Characters of the schema that is written out."""
_TEXTS = {"VARCHAR", "JSON"}
"""What values of several kinds are inferred to be."""
_TIMES = re.compile(r"(^|_)(ts|date|day|at|when)(_|$)|time", re.IGNORECASE)
"""Names of columns that are rather times than numbers."""
_WORDS = re.compile(r"\w+")
_REMEDY = (
    "the types of {stream} were inferred, and not all values of `{column}` are numbers, or times: "
    "declare all its fields, for example `schema: {{{columns}}}`"
)


def with_types(
    faults: Iterable[Fault], query: str, streams: Mapping[str, StreamShape]
) -> tuple[Fault, ...]:
    """Tell faults about texts which column was inferred to be text, and what to do about it."""
    return tuple(_with_type(fault, query, streams) for fault in faults)


def _with_type(fault: Fault, query: str, streams: Mapping[str, StreamShape]) -> Fault:
    place = _PLACE.match(fault.where)
    if not _TEXTS & set(_WORDS.findall(fault.what)) or fault.remedy or place is None:
        return fault
    line, at = int(place[1]), int(place[2])
    spot = len("\n".join(query.split("\n")[: line - 1])) + (line > 1) + at - 1
    texts = [
        (stream, column)
        for stream, shape in streams.items()
        for column, kind in shape.columns.items()
        if shape.inferred and kind in _TEXTS
    ]
    for near in (query[spot : spot + _AFTER], query[max(0, spot - _BEFORE) : spot]):
        for stream, column in texts:
            if re.search(rf"\b{re.escape(column)}\b", near, re.IGNORECASE):
                kind = "TIMESTAMPTZ" if _TIMES.search(column) else "DOUBLE"
                columns = {**streams[stream].columns, column: kind}
                written = ", ".join(f"{name}: {kind}" for name, kind in columns.items())
                remedy = _REMEDY.format(stream=stream, column=column, columns=cut(written, _MOST))
                return replace(fault, remedy=remedy)
    return fault
