"""Running results: what a workspace tells of its jobs while they run, and after."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from streamops_nb.db import literal
from streamops_nb.model.errorlog import LEVELS, entry_of
from streamops_nb.model.errors import Refused
from streamops_nb.model.events import from_json
from streamops_nb.model.given import whole_number
from streamops_nb.model.wording import did_you_mean
from streamops_nb.ops.alarms import Alarms
from streamops_nb.ops.core import Core, Names
from streamops_nb.ops.errorlog import ErrorLog
from streamops_nb.ops.summary import Summary, lacking_files, state_bytes
from streamops_nb.ops.times import When, seconds_of
from streamops_nb.store.tables import ERRORS

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
        if made.silence and not view.rows_in:
            lacking = lacking_files(core.spec(name), core.folder)
            made.dict["silence"] = "; ".join([made.silence, *lacking])
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
        limit: int | None = None,
        skip: int = 0,
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
        limit, skip
            Of these at most so many entries, the newest, after leaving out so many.
        """
        core = self._core
        core.courier.deliver()
        where = [f"level IN ({_list(_levels(level))})"]
        if names is not None:
            where.append(f"job IN ({_list(core.select(names))})")
        for column, value in (("stage", stage), ("kind", kind)):
            where += [f"{column} = {literal(value)}"] if value is not None else []
        where += [f"run = {int(run)}"] if run is not None else []
        for bound, when in (('"at" >=', since), ("first_at <=", until)):
            at = seconds_of(when, core.now())
            where += [f"{bound} {at!r}"] if at is not None else []
        if text:
            where.append(f"contains(lower(kind || ' ' || message), lower({literal(text)}))")
        # an error reaches the catalog a little later than a fact of the workspace itself
        newest = f'{_ERRORS} WHERE {" AND ".join(where)} ORDER BY "at" DESC, id DESC'
        most = "" if limit is None else f" LIMIT {whole_number(limit, 'limit')}"
        found = core.read(f"{newest}{most}  OFFSET {whole_number(skip, 'skip')}")[
            "body"
        ].to_pylist()
        entries = (entry_of(from_json(json.loads(body))) for body in reversed(found))
        return ErrorLog([entry for entry in entries if entry is not None])


_ERRORS = f"SELECT body FROM ({ERRORS})"


def _list(values: Iterable[str]) -> str:
    return ", ".join(map(literal, values)) or "NULL"


def _levels(level: Any) -> Collection[str]:
    asked = [level] if isinstance(level, str) else list(level)
    for one in asked:
        if one not in LEVELS:
            raise Refused(f"there is no level `{one}` - {did_you_mean(str(one), LEVELS)}")
    return asked or LEVELS
