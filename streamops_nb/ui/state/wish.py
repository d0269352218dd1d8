"""What is asked of jobs at a screen: which buttons are live, what follows, the line of Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from streamops_nb.model.errors import MoveRefused
from streamops_nb.model.lifecycle import ACTIVE, LIMITS, Action, Status, move
from streamops_nb.ops.decision import Outcome

__all__ = ["Verb", "Wish", "refusal_of"]


class Verb(StrEnum):
    """What a button does to jobs."""

    START = "start"
    PAUSE = "pause"
    STOP = "stop"
    FORCE_STOP = "force stop"
    RESET = "reset position"
    DELETE = "delete"

    @property
    def method(self) -> str:
        """The door's method for it."""
        return _METHOD.get(self, self.value)


_METHOD = {Verb.FORCE_STOP: "stop", Verb.RESET: "reset"}

_CONSEQUENCE: Mapping[Verb, str] = {
    Verb.START: "{They} {go} on from the last commit, or {start} as the specification says.",
    Verb.PAUSE: "The batch in flight commits; position and window state are kept for "
    f"{LIMITS[Status.PAUSED].seconds / 3600:.0f} hours at most.",
    Verb.STOP: "Window state is dropped: half-filled windows are not emitted. Rows already written "
    "stay, and the next start reads on from where the job stopped.",
    Verb.FORCE_STOP: "The run is given up without waiting for its batch in flight; what it had not "
    "committed is not stored, and window state is cleared.",
    Verb.RESET: "The next start reads from the chosen point, and window state kept until now is "
    "dropped.",
    Verb.DELETE: "{They} {are} removed with versions, history and output table; rows written to "
    "Parquet or Kafka stay. This cannot be undone.",
}

_ONE = {"They": "It", "go": "goes", "start": "starts", "are": "is"}
_MANY = {word: word for word in _ONE}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What somebody asks of jobs.

    Parameters
    ----------
    how
        Further arguments, as of the door's method.
    preview
        Start what this preview ran; it is saved first.
    """

    verb: Verb
    names: tuple[str, ...]
    how: Mapping[str, Any] = field(default_factory=dict)
    preview: Any = None

    @property
    def asks_first(self) -> bool:
        """Whether it is carried out only after a second click."""
        return len(self.names) > 1 or self.verb not in (Verb.START, Verb.PAUSE)

    @property
    def planned(self) -> bool:
        """Whether the door can say beforehand what it would do."""
        return self.verb is not Verb.DELETE

    @property
    def consequence(self) -> str:
        """What follows from it, in one sentence."""
        return _CONSEQUENCE[self.verb].format(**(_ONE if len(self.names) == 1 else _MANY))

    @property
    def title(self) -> str:
        """Name it, with the job or the number of jobs."""
        what = self.names[0] if len(self.names) == 1 else f"{len(self.names)} jobs"
        return f"{self.verb.capitalize()} {what}"

    @property
    def line(self) -> str:
        """The Python that asks the same, with ``ws`` for the workspace."""
        given = [f"{key}={value!r}" for key, value in self._arguments().items()]
        if self.preview is not None:
            return f"p.start({', '.join(given)})"
        return f"ws.{self.verb.method}({', '.join([repr(self._names), *given])})"

    def plan(self, door: Any) -> Any:
        """Ask what it would do to each job; nothing is done."""
        return getattr(door, self.verb.method)(self._names, plan=True, **self._arguments())

    def do(self, door: Any) -> list[Any]:
        """Do it; give an outcome per job, or the names of what was deleted."""
        if self.preview is not None:
            job = self.preview.start(**self._arguments())
            return [Outcome(job=job.name, action="start", done=True, status=job.status)]
        found: list[Any] = getattr(door, self.verb.method)(self._names, **self._arguments())
        return found

    @property
    def _names(self) -> str | list[str]:
        return self.names[0] if len(self.names) == 1 else list(self.names)

    def _arguments(self) -> dict[str, Any]:
        forced = {"force": True} if self.verb is Verb.FORCE_STOP else {}
        return {**self.how, **forced}


@cache
def refusal_of(verb: Verb, status: Status) -> str:
    """Say why a button is not live for a job that stands at `status`; empty if it is."""
    if verb is Verb.DELETE:
        at_rest = status not in ACTIVE and status is not Status.PAUSED
        return "" if at_rest else f"it is {status} - stop it first"
    try:
        move(status, Action(verb.value))
    except MoveRefused as error:
        return str(error)
    return ""
