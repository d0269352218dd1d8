"""The life of a job: statuses, actions, and the one table of moves.

Screens ask it which buttons are live, the engine asks it whether a wish is granted. What was
commanded last (`JobState.desired`) and what was reported last (`JobState.observed`) are two
fields: a job that is wanted RUNNING and is FAILED says both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from streamops_nb.model.errors import Fault, MoveRefused

__all__ = [
    "ACTIVE",
    "AFTER_DEATH",
    "LIMITS",
    "MOVES",
    "REPORTS",
    "TRANSITIONAL",
    "Action",
    "JobState",
    "Move",
    "Status",
    "TimeLimit",
    "allowed",
    "move",
    "standing",
]


class Status(StrEnum):
    """Where a job stands."""

    PUBLISHED = "PUBLISHED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    RETRYING = "RETRYING"
    PAUSING = "PAUSING"
    PAUSED = "PAUSED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    FINISHED = "FINISHED"


class Action(StrEnum):
    """What a person may ask of a job."""

    START = "start"
    PAUSE = "pause"
    STOP = "stop"
    FORCE_STOP = "force stop"
    RESET_POSITION = "reset position"


@dataclass(frozen=True, slots=True)
class Move:
    """What an action does: the job stands at `via` at once and is wanted at `to`.

    Both are the present status for an action that changes only the position.
    """

    via: Status
    to: Status


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeLimit:
    """How long (seconds) a status may last, where the job stands after that, and why."""

    seconds: float
    then: Status
    reason: str


_S, _A = Status, Action

TRANSITIONAL = frozenset({_S.STARTING, _S.PAUSING, _S.STOPPING, _S.RETRYING})
"""Statuses that end by themselves, by a report or by their time limit."""

ACTIVE = TRANSITIONAL | {_S.RUNNING}
"""Statuses in which a run is going on, and in which the job holds its CU."""

MOVES: Mapping[tuple[Action, Status], Move] = MappingProxyType(
    {
        (_A.START, _S.PUBLISHED): Move(_S.STARTING, _S.RUNNING),
        (_A.START, _S.STOPPED): Move(_S.STARTING, _S.RUNNING),
        (_A.START, _S.PAUSED): Move(_S.STARTING, _S.RUNNING),
        (_A.START, _S.FAILED): Move(_S.STARTING, _S.RUNNING),
        (_A.START, _S.FINISHED): Move(_S.STARTING, _S.RUNNING),
        # a start that does not come about need not cost the kept state, as a forced stop does
        (_A.PAUSE, _S.STARTING): Move(_S.PAUSING, _S.PAUSED),
        (_A.PAUSE, _S.RUNNING): Move(_S.PAUSING, _S.PAUSED),
        (_A.PAUSE, _S.RETRYING): Move(_S.PAUSING, _S.PAUSED),
        # a wish is withdrawn: that kept state goes with it is what the word says
        (_A.STOP, _S.STARTING): Move(_S.STOPPING, _S.STOPPED),
        (_A.STOP, _S.RUNNING): Move(_S.STOPPING, _S.STOPPED),
        (_A.STOP, _S.RETRYING): Move(_S.STOPPING, _S.STOPPED),
        (_A.STOP, _S.PAUSED): Move(_S.STOPPING, _S.STOPPED),
        (_A.STOP, _S.FAILED): Move(_S.STOPPING, _S.STOPPED),
        (_A.FORCE_STOP, _S.STARTING): Move(_S.STOPPED, _S.STOPPED),
        (_A.FORCE_STOP, _S.PAUSING): Move(_S.STOPPED, _S.STOPPED),
        (_A.FORCE_STOP, _S.STOPPING): Move(_S.STOPPED, _S.STOPPED),
        (_A.FORCE_STOP, _S.RETRYING): Move(_S.STOPPED, _S.STOPPED),
        (_A.RESET_POSITION, _S.PAUSED): Move(_S.PAUSED, _S.PAUSED),
        (_A.RESET_POSITION, _S.STOPPED): Move(_S.STOPPED, _S.STOPPED),
        (_A.RESET_POSITION, _S.FAILED): Move(_S.FAILED, _S.FAILED),
    }
)
"""All that people may do. What is not here is refused."""

REPORTS: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        _S.PUBLISHED: frozenset(),
        _S.STARTING: frozenset({_S.RUNNING, _S.RETRYING, _S.FAILED}),
        _S.RUNNING: frozenset({_S.RETRYING, _S.FAILED, _S.FINISHED}),
        _S.RETRYING: frozenset({_S.RUNNING, _S.FAILED}),
        # the batch in flight may be the last one of a bounded source, or fail
        _S.PAUSING: frozenset({_S.PAUSED, _S.FINISHED, _S.FAILED}),
        _S.PAUSED: frozenset({_S.STOPPED}),
        _S.STOPPING: frozenset({_S.STOPPED, _S.FAILED}),
        _S.STOPPED: frozenset(),
        _S.FAILED: frozenset(),
        _S.FINISHED: frozenset(),
    }
)
"""Where the engine may report a job to stand next."""

LIMITS: Mapping[Status, TimeLimit] = MappingProxyType(
    {
        _S.STARTING: TimeLimit(
            seconds=120,
            then=_S.FAILED,
            reason="the job did not start within 2 minutes - start it again",
        ),
        _S.PAUSING: TimeLimit(
            seconds=120,
            then=_S.FAILED,
            reason="the batch in flight did not commit within 2 minutes of the pause"
            " - start goes on from the last commit",
        ),
        _S.STOPPING: TimeLimit(
            seconds=120,
            then=_S.FAILED,
            reason="the job did not stop within 2 minutes - stop it again",
        ),
        # a broker may be away for a night of maintenance
        _S.RETRYING: TimeLimit(
            seconds=24 * 3600,
            then=_S.FAILED,
            reason="retried for 24 hours without success - start goes on from the last commit",
        ),
        _S.PAUSED: TimeLimit(
            seconds=24 * 3600, then=_S.STOPPED, reason="the pause reached its limit of 24 hours"
        ),
    }
)
"""Time limits; a job's policy may shorten them."""

AFTER_DEATH: Mapping[Status, Status] = MappingProxyType(
    {
        _S.STARTING: _S.STARTING,
        _S.RUNNING: _S.STARTING,
        _S.RETRYING: _S.STARTING,
        _S.PAUSING: _S.PAUSED,
        # what a stop clears may not all be cleared yet: the next owner finishes it
        _S.STOPPING: _S.STOPPING,
    }
)
"""Where the next owner of a workspace sets jobs that its dead owner left in an active status."""


_ENDED = "the engine ended while the job was "


def standing(status: Status, reason: str) -> str:
    """Name a status for people: a job whose engine ended under it is ``interrupted``."""
    interrupted = status is Status.STARTING and reason.startswith(_ENDED)
    return "interrupted" if interrupted else status.value


def allowed(status: Status) -> set[Action]:
    """Say which actions `status` allows."""
    return {action for action, origin in MOVES if origin is status}


def move(status: Status, action: Action) -> Status:
    """Say where a job stands right after `action`.

    Raises
    ------
    MoveRefused
        The status does not allow the action; the message names those it allows.
    """
    return _granted(status, action).via


def _granted(status: Status, action: Action) -> Move:
    found = MOVES.get((action, status))
    if found is None:
        # in the order of the enum, which is the order of the buttons
        names = ", ".join(a.value for a in Action if a in allowed(status))
        aims = {aim for (a, _), way in MOVES.items() if a is action for aim in (way.via, way.to)}
        said = f"it is {status} already" if status in aims else f"no {action} while it is {status}"
        raise MoveRefused([Fault(what=said, remedy=f"allowed now: {names}")])
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class JobState:
    """What was commanded and what was reported last.

    Parameters
    ----------
    desired
        The status that the last command aims at.
    observed
        The status that was reported last.
    since
        When `observed` began, in seconds since the epoch. It is kept with the job, so a time
        limit runs on while no engine does.
    reason
        Why the job stands there, in words; empty if a person asked for it.
    """

    desired: Status = Status.PUBLISHED
    observed: Status = Status.PUBLISHED
    since: float
    reason: str = ""

    def act(self, action: Action, at: float) -> JobState:
        """Return the state after a person's action, or raise `MoveRefused`."""
        granted = _granted(self.observed, action)
        if granted.via is self.observed:
            return self
        return JobState(desired=granted.to, observed=granted.via, since=at)

    def report(self, status: Status, at: float, reason: str = "") -> JobState:
        """Return the state after the engine's report, or raise `MoveRefused`.

        A report of the present status changes nothing: reports may come twice.
        """
        if status is self.observed:
            return self
        if status not in REPORTS[self.observed]:
            names = ", ".join(s for s in Status if s in REPORTS[self.observed]) or "none"
            text = f"status {self.observed} cannot be reported as {status}; possible now: {names}"
            raise MoveRefused(text)
        return replace(self, observed=status, since=at, reason=reason)

    def lasted(self, at: float) -> float:
        """Say for how many seconds the observed status has lasted."""
        return max(0.0, at - self.since)

    def remaining(self, at: float, limits: Mapping[Status, TimeLimit] = LIMITS) -> float | None:
        """Say how many seconds the observed status may still last; None if without limit."""
        limit = limits.get(self.observed)
        return None if limit is None else max(0.0, limit.seconds - self.lasted(at))

    def expire(self, at: float, limits: Mapping[Status, TimeLimit] = LIMITS) -> JobState:
        """Return the state after time limits have been applied; itself if none has passed."""
        limit = limits.get(self.observed)
        if limit is None or self.lasted(at) < limit.seconds:
            return self
        after = self.report(limit.then, at, limit.reason)
        # a pause that ends so is a stop; a start that fails so is still wanted
        return replace(after, desired=limit.then) if limit.then is Status.STOPPED else after

    def after_death(self, at: float) -> JobState:
        """Return the state in which the next owner finds a job whose owner died."""
        status = AFTER_DEATH.get(self.observed)
        if status is None:
            return self
        reason = f"{_ENDED}{self.observed}"
        return replace(self, observed=status, since=at, reason=reason)
