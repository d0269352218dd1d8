"""Every call of the door: what it takes and gives, and who may make it.

Server and client are both made from this table, and the table's parameters from the door's own
signatures, so that the three cannot drift apart.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from streamops_nb.engine.preview.sample import Sample
from streamops_nb.model.alarms import Rule
from streamops_nb.model.events import Event
from streamops_nb.model.lifecycle import JobState
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.views import JobView
from streamops_nb.ops.alarms import Alarms
from streamops_nb.ops.decision import Decision, Outcome
from streamops_nb.ops.difference import Difference
from streamops_nb.ops.errorlog import ErrorLog
from streamops_nb.ops.failures import Failures
from streamops_nb.ops.fitting import Fit
from streamops_nb.ops.forecasting import Forecast
from streamops_nb.ops.preview.samples import Samples
from streamops_nb.ops.resources import Resources, ResourceStatus
from streamops_nb.ops.summary import Summary
from streamops_nb.ops.tokens import Tokens
from streamops_nb.ops.workspace import Workspace
from streamops_nb.store.records import Page
from streamops_nb.wire.heals import Heals
from streamops_nb.wire.parameters import Parameter, parameters_of
from streamops_nb.wire.previews import Alarmed, Previewed, Streams
from streamops_nb.wire.role import Role

__all__ = ["CALLS", "HERE", "Call", "Gives"]


class Gives(StrEnum):
    """What kind of result a call has."""

    NOTHING = "nothing"
    VALUE = "value"
    JOB = "job"
    JOBS = "jobs"
    FRAME = "frame"
    TABLE = "table"
    PREVIEW = "preview"
    HEAL = "heal"
    STREAM = "stream"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call.

    Parameters
    ----------
    name
        As on the door, for example ``start`` or ``resources.request``.
    method
        What is called there.
    role
        The least role that may.
    gives, hint
        What kind of result it has; of a value its type.
    local
        Parameters that do not travel, and why.
    """

    name: str
    method: Callable[..., Any]
    role: Role
    gives: Gives
    hint: Any = None
    local: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def parameters(self) -> list[Parameter]:
        """What it takes."""
        return parameters_of(self.method, self.local)

    @property
    def again(self) -> bool:
        """Whether it may be made again when nobody knows if it was done: twice is as once."""
        looks = self.role is Role.VIEWER or self.gives in (Gives.PREVIEW, Gives.HEAL)
        return looks or self.name in _TWICE_AS_ONCE

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        return (inspect.getdoc(self.method) or self.name).splitlines()[0]


_LOCAL_FILE = "files are written where the person is who asks for them"
_WORK = {
    "work": "cancelling is a call of its own, by the number of the request",
    "before": "how the job stands is looked at by the owner",
}


_TWICE_AS_ONCE = frozenset({"alarms.set", "alarms.webhook", "resources.alarm", "resources.ensure"})


def _calls() -> dict[str, Call]:
    ws, res, samples = Workspace, Resources, Samples
    viewer, operator, editor, admin = Role
    value, frame = Gives.VALUE, Gives.FRAME
    table: tuple[tuple[Any, ...], ...] = (
        ("select", ws.select, viewer, value, list[str]),
        ("view", ws.view, viewer, value, JobView),
        ("views", ws.views, viewer, value, list[JobView]),
        ("state", ws.state, viewer, value, JobState),
        ("events", ws.events, viewer, value, list[Event]),
        ("news", ws.news, viewer, value, Page),
        ("follow", ws.follow, viewer, Gives.STREAM, Page),
        ("output", ws.output, viewer, value, str),
        ("read", ws.read, viewer, Gives.TABLE),
        ("table", ws.table, viewer, frame),
        ("spec", ws.spec, viewer, value, JobSpec),
        ("config", ws.config, viewer, value, str),
        ("versions", ws.versions, viewer, frame),
        ("diff", ws.diff, viewer, value, Difference),
        ("fits", ws.fits, viewer, value, Fit),
        ("history", ws.history, viewer, frame),
        ("now", ws.now, viewer, value, float),
        ("metrics", ws.metrics, viewer, frame),
        ("runs", ws.runs, viewer, frame),
        ("compare_runs", ws.compare_runs, viewer, frame),
        ("rejects", ws.rejects, viewer, frame),
        ("reject_counts", ws.reject_counts, viewer, frame),
        ("reject_table", ws.reject_table, viewer, value, str),
        ("alarms.rules", Alarmed.rules, viewer, value, dict[str, Rule]),
        ("alarms.df", Alarmed.df, viewer, frame),
        ("alarms.active", Alarms.active, viewer, value, list[str]),
        ("alarms.set", Alarms.set, editor, value, Rule),
        ("alarms.remove", Alarms.remove, editor, Gives.NOTHING),
        ("alarms.webhook", Alarms.webhook, admin, Gives.NOTHING),
        ("summary", ws.summary, viewer, value, Summary),
        ("errors", ws.errors, viewer, value, ErrorLog),
        ("forecast", ws.forecast, viewer, value, Forecast),
        ("export", ws.export, viewer, value, str | bytes, {"to": _LOCAL_FILE}),
        ("resources.status", res.status, viewer, value, ResourceStatus),
        ("start", ws.start, operator, value, Decision | list[Outcome]),
        ("pause", ws.pause, operator, value, Decision | list[Outcome]),
        ("stop", ws.stop, operator, value, Decision | list[Outcome]),
        ("reset", ws.reset, operator, value, Decision | list[Outcome]),
        ("resume", ws.resume, operator, value, list[str]),
        ("preview", ws.preview, operator, Gives.PREVIEW, None, _WORK),
        ("previews.run", Previewed.run, operator, Gives.PREVIEW, None, _WORK),
        ("previews.latest", Previewed.latest, operator, value, dict[str, int]),
        ("heal", ws.heal, operator, Gives.HEAL),
        ("failures.packed", Failures.packed, operator, value, bytes | None),
        ("samples.list", samples.list, viewer, frame),
        ("samples.load", samples.load, operator, value, Sample),
        ("samples.save", samples.save, operator, Gives.NOTHING),
        ("samples.drop", samples.drop, operator, Gives.NOTHING),
        ("save", ws.save, editor, Gives.JOB),
        ("roll_back", ws.roll_back, editor, Gives.JOB),
        ("import_", ws.import_, editor, Gives.JOBS),
        ("delete", ws.delete, editor, value, list[str]),
        ("heals.apply", Heals.apply, editor, value, int),
        ("stream.append", Streams.append, editor, value, int),
        ("resources.request", res.request, admin, value, ResourceStatus),
        ("resources.release", res.release, admin, value, ResourceStatus),
        ("resources.ensure", res.ensure, admin, Gives.NOTHING),
        ("resources.alarm", res.alarm, admin, Gives.NOTHING),
        ("backup", ws.backup, admin, value, Path),
        ("tokens.list", Tokens.list, admin, frame),
        ("tokens.add", Tokens.add, admin, value, str),
        ("tokens.remove", Tokens.remove, admin, Gives.NOTHING),
    )
    keys = ("name", "method", "role", "gives", "hint", "local")
    return {row[0]: Call(**dict(zip(keys, row, strict=False))) for row in table}


CALLS: Mapping[str, Call] = _calls()

HERE: Mapping[str, str] = {
    "job": "a `Job` in the hand asks the door anew for everything",
    "jobs": "as `job`, for every name of `select`",
    "sql": "`read`, as a DataFrame",
    "stream": "gives a `Log` in the hand; its rows go through `stream.append`",
    "previews": "draws and runs samples; from afar through `preview` and `previews.run`",
    "alarms.callback": "functions are called in the process that owns the workspace",
    "alarms.look": "the owner looks by itself",
    "alarms.close": "the owner ends them",
    "apply_heal": "from afar through `heals.apply`, which tries the rejects again",
    "failures.of": "from afar it is made of what `failures.packed` gives",
    "failures.look": "the owner looks by itself",
    "failures.copy": "goes with `backup`",
    "before_close": "a function of the process that owns the workspace",
    "samples": "the samples that are kept, as `samples.…`",
    "tokens.kept_in": "what serves a workspace says where its tokens are",
    "close": "ends a client; the owner goes on",
    "resources.workspace": "whose resources they are, for the hand",
    "resources.look": "the owner looks by itself",
}
"""Public names of the door that make no call of their own, and why."""
