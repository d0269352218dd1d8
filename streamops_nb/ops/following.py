"""Events of a workspace as they happen."""

from __future__ import annotations

import time
from collections.abc import Iterator

from streamops_nb.ops.core import Core, Names
from streamops_nb.store.records import Page

__all__ = ["Following"]

_LOOK = 0.2
"""Seconds between two looks for what is new."""


class Following:
    """How a `streamops_nb.ops.workspace.Workspace` tells what happens."""

    _core: Core

    def news(self, names: Names = None, *, since: int | None = None, limit: int = 1_000) -> Page:
        """Give the events after a number, the oldest first, without waiting for more.

        Parameters
        ----------
        names
            Of these jobs; default of all, and of the workspace itself (an empty ``job``).
        since
            Where to go on: ``next`` of the page before; None: only what comes after this call.
        limit
            So many events of all jobs are looked at, at most.
        """
        self._core.courier.deliver()
        catalog = self._core.catalog
        if since is None:
            return Page(events=(), next=catalog.events(newest=True, limit=1).next)
        page = catalog.events(since=since, limit=max(1, min(limit, 10_000)))
        if names is None:
            return page
        wanted = set(self._core.select(names))
        return Page(events=tuple(e for e in page.events if e.job in wanted), next=page.next)

    def follow(self, names: Names = None, *, since: int | None = None) -> Iterator[Page]:
        """Give events as they happen, page by page, until nobody asks for more.

        Parameters as of `news`.
        """
        at = self.news(names, since=since, limit=1).next if since is None else since
        while True:
            page = self.news(names, since=at)
            if page.events:
                yield page
            elif page.next == at:
                time.sleep(_LOOK)
            at = page.next
