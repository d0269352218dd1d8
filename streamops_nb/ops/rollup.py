"""Rolls events up now and then, so that the catalog does not grow for ever, and keeps views."""

from __future__ import annotations

import time

from streamops_nb.ops.core import Core

__all__ = ["Rollup"]

_EVERY = 10.0
"""Seconds between two looks."""

_AT_MOST = 0.25
"""Seconds that one look may take; what is left is done a second later."""

_MANY = 500
"""Events after which a view is kept anew: the first summary after a restart folds few."""


class Rollup:
    """What the keeper looks at: whether there is something to roll up, or a view to keep."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._last = float("-inf")

    def look(self) -> None:
        """Roll up what has come of age, and keep the views that have changed much."""
        self._core.states.keep(_MANY)
        now = self._core.now()
        if 0 <= now - self._last < _EVERY:
            return
        begun = time.perf_counter()
        while self._core.catalog.roll_up(now):
            if time.perf_counter() - begun > _AT_MOST:
                return
        self._last = now
