"""Running results: what a workspace tells of its jobs while they run, and after."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from streamops_nb.model.errorlog import LEVELS, LOGGED, Entry, entry_of
from streamops_nb.model.errors import Refused
from streamops_nb.model.wording import did_you_mean
from streamops_nb.ops.alarms import Alarms
from streamops_nb.ops.core import Core, Names
from streamops_nb.ops.errorlog import ErrorLog
from streamops_nb.ops.summary import Summary, state_bytes
from streamops_nb.ops.times import When, seconds_of

__all__ = ["Reporting"]


class Reporting:
    """The running results of a `streamops_nb.ops.workspace.Workspace`."""

    _core: Core
    alarms: Alarms

    def summary(self, name: str) -> Summary:
        """Say what a job does now: counts, rates, lag, watermark, state, stages, errors.

        If nothing comes out, it says why.
        """
        core = self._core
        view = core.states.view(core.known(name))
        made = Summary(view, core.now(), state_bytes(core, name))
        made.dict["alarms"] = self.alarms.active(name)
        return made

    def errors(
        self,
        names: Names = None,
        *,
        level: str | Collection[str] = (),
        stage: str | None = None,
        kind: str | None = None,
        run: int | None = None,
        since: When = None,
        until: When = None,
        text: str = "",
    ) -> ErrorLog:
        """Give the error log: errors of every part, rejects, and what sources noted.

        Parameters
        ----------
        names
            Of these jobs; default of all, and of the workspace itself.
        level
            Only ``error``, ``warning`` or ``info``, or several of these.
        stage, kind, run
            Only of this stage, kind of error, run.
        since, until
            Only what happened in between: a time, or a length of time before now (``"1h"``).
        text
            Only those with this text in kind or message, in any case.
        """
        core = self._core
        wanted = None if names is None else set(core.select(names))
        levels = _levels(level)
        begin, end = seconds_of(since, core.now()), seconds_of(until, core.now())
        sought = text.casefold()

        def fits(entry: Entry) -> bool:
            return (
                (wanted is None or entry.job in wanted)
                and entry.level in levels
                and (stage is None or entry.stage == stage)
                and (kind is None or entry.kind == kind)
                and (run is None or entry.run == run)
                and (begin is None or entry.at >= begin)
                and (end is None or entry.first_at <= end)
                and sought in f"{entry.kind} {entry.message}".casefold()
            )

        one = next(iter(wanted)) if wanted is not None and len(wanted) == 1 else None
        core.courier.deliver()
        found = (entry_of(event) for event in core.catalog.all_events(one, LOGGED))
        entries = [entry for entry in found if entry is not None and fits(entry)]
        # an error reaches the catalog a little later than a fact of the workspace itself
        return ErrorLog(sorted(entries, key=lambda entry: entry.at))


def _levels(level: Any) -> Collection[str]:
    asked = [level] if isinstance(level, str) else list(level)
    for one in asked:
        if one not in LEVELS:
            raise Refused(f"there is no level `{one}` - {did_you_mean(str(one), LEVELS)}")
    return asked or LEVELS
