"""The list of jobs: filters, order, pages, and what is selected - by name, never by position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import param

from streamops_nb.model.lifecycle import ACTIVE, Status
from streamops_nb.ui.state.picture import Picture, Row

__all__ = ["TABS", "Board"]

TABS: Mapping[str, frozenset[Status]] = {
    "All": frozenset(Status),
    "Running": ACTIVE,
    "Paused": frozenset({Status.PAUSED}),
    "Stopped": frozenset({Status.STOPPED}),
    "Failed": frozenset({Status.FAILED}),
    "Published": frozenset({Status.PUBLISHED}),
    "Finished": frozenset({Status.FINISHED}),
}
"""The tabs over the list, and the statuses that each shows."""

_ORDER: Mapping[str, Callable[[Row], Any]] = {
    "name": lambda row: row.name.casefold(),
    "status": lambda row: row.status.value,
    "uptime": lambda row: row.uptime if row.uptime is not None else -1.0,
    "in": lambda row: row.rate_in,
    "out": lambda row: row.rate_out,
    "lag": lambda row: -1 if row.view.total_lag is None else row.view.total_lag,
    "watermark": lambda row: -1e18 if row.delay is None else row.delay,
    "errors": lambda row: (row.view.errors, row.view.rejects),
    "cu": lambda row: row.cu,
}


class Board(param.Parameterized):
    """What of the jobs is shown in the list, and which are selected.

    Parameters
    ----------
    picture
        The workspace as it was seen last.
    """

    picture = param.ClassSelector(class_=Picture, default=Picture())
    tab: Any = param.Selector(default="All", objects=list(TABS))
    search = param.String("")
    owner = param.String("", doc="Only jobs of this person; empty: of all.")
    tag = param.String("", doc="Only jobs with this tag; empty: all.")
    order: Any = param.Selector(default="name", objects=list(_ORDER))
    falling = param.Boolean(False)
    page = param.Integer(0, bounds=(0, None))
    page_size = param.Integer(50, bounds=(1, None))
    selected = param.ClassSelector(class_=frozenset, default=frozenset())

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        filters = ["tab", "search", "owner", "tag", "order", "falling"]
        self._left: list[Row] | None = None
        self._found: list[Row] | None = None
        # the first to hear of a change: whoever hears of it later asks anew
        self.param.watch(lambda *_: self._stale(), ["picture", *filters])
        self.param.watch(lambda *_: self.param.update(page=0), filters)
        self.param.watch(lambda *_: self._forget(), ["picture"])

    def _forget(self) -> None:
        """What is no longer there is no longer selected, and no page lies behind the last."""
        there = self.selected & self.picture.rows.keys()
        page = min(self.page, self.pages - 1)
        if there != self.selected or page != self.page:
            self.param.update(selected=frozenset(there), page=page)

    def _stale(self) -> None:
        self._left = self._found = None

    def found(self) -> list[Row]:
        """Give the jobs that the filters leave, in order; they are looked for once."""
        if self._found is None:
            statuses = TABS[self.tab]
            rows = [row for row in self._filtered() if row.status in statuses]
            rows.sort(key=lambda row: row.name)
            rows.sort(key=_ORDER[self.order], reverse=self.falling)
            self._found = rows
        return self._found

    def _filtered(self) -> list[Row]:
        """Give the jobs that search, owner and tag leave."""
        if self._left is None:
            text, owner, tag = self.search.strip().casefold(), self.owner, self.tag
            self._left = [
                row
                for row in self.picture.rows.values()
                if (not owner or row.owner == owner)
                and (not tag or tag in row.tags)
                and (not text or text in row.searched)
            ]
        return self._left

    def shown(self) -> list[Row]:
        """Give the jobs of the present page."""
        first = self.page * self.page_size
        return self.found()[first : first + self.page_size]

    @property
    def pages(self) -> int:
        """The number of pages, at least one."""
        return max(1, -(-len(self.found()) // self.page_size))

    def counts(self) -> dict[str, int]:
        """Count the jobs of each tab, as search, owner and tag leave them."""
        found = Counter(row.status for row in self._filtered())
        return {tab: sum(found[s] for s in statuses) for tab, statuses in TABS.items()}

    @property
    def owners(self) -> list[str]:
        """All owners, by name."""
        return sorted({row.owner for row in self.picture.rows.values() if row.owner})

    @property
    def tags(self) -> list[str]:
        """All tags, by name."""
        return sorted({tag for row in self.picture.rows.values() for tag in row.tags})

    def select(self, name: str, *, on: bool) -> None:
        """Select a job, or no longer."""
        change = {name} & self.picture.rows.keys()
        self.selected = self.selected | change if on else self.selected - {name}

    def select_shown(self, *, on: bool) -> None:
        """Select all jobs of the present page, or none of them."""
        names = {row.name for row in self.shown()}
        self.selected = self.selected | names if on else self.selected - names

    def sort(self, order: str) -> None:
        """Sort by a column; a second time the other way round."""
        if order == self.order:
            self.falling = not self.falling
        else:
            # numbers are asked for to find the largest
            self.param.update(order=order, falling=order not in ("name", "status"))
