"""What a part of a screen asks of the workspace again and again, one question at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamops_nb.ui.state.desk import Desk

__all__ = ["Feed"]


class Feed:
    """Asks off the screen and shows what comes; a failure is told once, not each time.

    Parameters
    ----------
    doing
        What was not done, if it fails.
    ask, show
        Asks the workspace, on another thread; shows the answer.
    every
        Seconds between two questions.
    """

    def __init__(
        self,
        desk: Desk,
        doing: str,
        ask: Callable[[], Any],
        show: Callable[[Any], None],
        every: float = 1.0,
    ) -> None:
        self._desk = desk
        self._doing = doing
        self._ask = ask
        self._show = show
        self._every = every
        self._asked_at = float("-inf")
        self._asking = self._failed = False

    def refresh(self, *, now: bool = False) -> None:
        """Ask again if it is time, or `now`; not while an answer is waited for."""
        at = self._desk.board.picture.at
        if self._asking or not (now or at - self._asked_at >= self._every):
            return
        self._asking, self._asked_at = True, at
        self._desk.worker.run(self._ask, self._came, self._not_come)

    def _came(self, answer: Any) -> None:
        self._asking = self._failed = False
        self._show(answer)

    def _not_come(self, error: Exception) -> None:
        self._asking = False
        if not self._failed:
            self._failed = True
            self._desk.notices.tell_error(error, self._doing)
