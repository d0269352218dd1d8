"""The history of jobs: who did what, when, why, with what result, and the line that repeats it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from streamops_nb.model.events import ActionTaken, Event, JobSaved, Noted, StatusChanged
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.core import Core, Names

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Telling"]

_KINDS = (JobSaved, ActionTaken, StatusChanged, Noted)
_PAGE = 10_000
_ENGINE = "engine"


class _Line(NamedTuple):
    """A row of the history."""

    job: str
    run: int
    at: float
    who: str
    action: str
    why: str = ""
    result: str = "done"
    line: str = ""


class Telling:
    """What a `streamops_nb.ops.workspace.Workspace` tells of its past."""

    _core: Core

    def history(self, names: Names = None) -> pd.DataFrame:
        """Give every action and every change of status, in the order in which they happened.

        Parameters
        ----------
        names
            Of these jobs; default of all, and of the workspace itself (an empty ``job``).

        Returns
        -------
        pandas.DataFrame
            ``at`` (UTC), ``job``, ``run``, ``who``, ``action``, ``why``, ``result`` (``done``, or
            the words of the refusal) and ``line``: the Python that repeats it, with ``ws`` and
            ``so``. Run in order on an empty workspace, the lines whose result is ``done`` rebuild
            its specifications, versions and statuses.
        """
        import pandas as pd

        wanted = None if names is None else set(self._core.select(names))
        rows = [
            self._told(event)
            for event in self._all_events()
            if wanted is None or event.job in wanted
        ]
        frame = pd.DataFrame(rows, columns=list(_Line._fields))
        frame.insert(0, "at", pd.to_datetime(frame.pop("at").astype("float64"), unit="s", utc=True))
        return frame

    def _all_events(self) -> Iterator[Event]:
        since = 0
        while True:
            page = self._core.catalog.events(since=since, limit=_PAGE, kinds=_KINDS)
            yield from page.events
            if len(page.events) < _PAGE:
                return
            since = page.next

    def _told(self, event: Event) -> _Line:
        about: dict[str, Any] = {"job": event.job, "run": event.run, "at": event.at}
        if isinstance(event, JobSaved):
            return _Line(
                **about,
                who=event.author,
                action=f"save version {event.version}",
                why=event.comment,
                line=self._saving(event),
            )
        if isinstance(event, ActionTaken):
            return _Line(
                **about,
                who=event.who,
                action=event.action,
                why=event.why,
                result=event.result,
                line=event.line,
            )
        if isinstance(event, StatusChanged):
            return _Line(
                **about,
                who=_ENGINE,
                action=f"{event.before} → {event.after}",
                why=event.reason,
                line=_repeating(event),
            )
        assert isinstance(event, Noted)
        return _Line(**about, who=_ENGINE, action=event.what, why=event.message)

    def _saving(self, event: JobSaved) -> str:
        spec = self._core.spec(event.job, event.version)
        given = [spec.to_python(), f"author={event.author!r}", f"comment={event.comment!r}"]
        given += ["drop_state=True"] if event.drop_state else []
        return f"ws.save({', '.join(given)})"


def _repeating(event: StatusChanged) -> str:
    """What follows from an action is not repeated; a pause that ended by its limit is."""
    if (event.before, event.after) == (Status.PAUSED, Status.STOPPED):
        return f"ws.stop({event.job!r})"
    return ""
