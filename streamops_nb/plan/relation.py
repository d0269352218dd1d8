"""What the planner knows of a relation: its kind, columns, and which of them carry time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from streamops_nb.plan.tree import Node
from streamops_nb.plan.window import Window

__all__ = ["Item", "Kind", "Macro", "Mark", "Relation", "slowest"]


class Kind(StrEnum):
    """What may be done with a relation's rows."""

    REFERENCE = "reference"
    """Bounded and all there: anything."""
    FLOW = "flow"
    """Rows of a stream as they come: one at a time only."""
    CLOSED = "closed"
    """Rows of windows that have closed: whatever stays within one window."""

    @property
    def said(self) -> str:
        """Name it to people."""
        return {"reference": "all of a reference", "flow": "row by row"}.get(self, "per window")


@dataclass(frozen=True, slots=True)
class Mark:
    """Why a column may serve as time: an event time, or a bound of a window."""

    what: str  # "time", "start" or "end"
    window: Window | None = None

    @property
    def tells_window(self) -> bool:
        """Whether equal values mean the same window, as far as its closing goes."""
        return self.what == "end" or (
            self.what == "start" and self.window is not None and self.window.fixed
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Relation:
    """A stream, reference or stage as others see it.

    Parameters
    ----------
    columns
        Column name to DuckDB type, in order.
    marks
        The columns that carry time.
    window
        The window that every row of a closed relation belongs to.
    frontier
        Per stream, how many microseconds the relation's frontier trails the stream's watermark:
        everything up to the smallest of (watermark - trail) is complete.
    """

    name: str
    kind: Kind
    columns: Mapping[str, str]
    marks: Mapping[str, Mark] = field(default_factory=dict)
    window: Window | None = None
    frontier: Mapping[str, int] = field(default_factory=dict)

    @property
    def order(self) -> tuple[str, ...]:
        """Its columns, those first by which rows of windows are read: start, end, the others."""
        bounds = [c for what in ("start", "end") for c, m in self.marks.items() if m.what == what]
        return tuple(dict.fromkeys([*bounds, *self.columns]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Macro:
    """A window macro in a FROM clause: its input, time column, session keys and windows."""

    source: Relation
    time: str
    window: Window
    keys: str
    call: str

    @property
    def frontier(self) -> dict[str, int]:
        """The trail of the windows' closing behind the watermarks."""
        mark = self.source.marks[self.time]
        trail = mark.window.size if mark.what == "start" and mark.window else 0
        return {stream: shift + trail for stream, shift in self.source.frontier.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One relation in a FROM clause under its alias.

    Parameters
    ----------
    nullable
        Whether an outer join may fill it with NULL, so that its marks tell nothing.
    hidden
        Whether its columns cannot be seen (the right side of a SEMI or ANTI join).
    """

    alias: str
    relation: Relation
    node: Node
    macro: Macro | None = None
    nullable: bool = False
    hidden: bool = False

    @property
    def marks(self) -> dict[str, Mark]:
        """The marks that can be trusted here."""
        return {} if self.nullable else dict(self.relation.marks)


def slowest(frontiers: list[Mapping[str, int]]) -> dict[str, int]:
    """Combine the frontiers of several inputs: per stream the longest trail."""
    result: dict[str, int] = {}
    for frontier in frontiers:
        for stream, trail in frontier.items():
            result[stream] = max(trail, result.get(stream, 0))
    return result
