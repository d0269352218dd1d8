"""An action on several jobs is one decision: what it would do to each, before anything is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamops_nb.model.booking import Booking
from streamops_nb.model.errors import Fault, MoveRefused, Refused, ResourcesRefused
from streamops_nb.model.lifecycle import Action, JobState, Status
from streamops_nb.model.wording import number_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Candidate", "Decision", "Outcome", "Verdict", "decide"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A job that an action is asked of.

    Parameters
    ----------
    cu
        What its next run would hold.
    pause_limit
        How long it may be paused, seconds.
    obstacle
        Why it cannot be done though its status allows it; empty if it can.
    retained
        See `Verdict`.
    """

    name: str
    state: JobState
    cu: float
    pause_limit: float
    obstacle: str = ""
    retained: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What an action would do to one job.

    Parameters
    ----------
    status
        Where the job stands.
    allowed, why
        Whether it may be done, and why not.
    cu
        CU that the job would take (positive) or free (negative).
    free_after
        CU that are free after this job.
    starves
        Active jobs that read this one's output and would get nothing new.
    pause_until
        When a pause would end by its limit, seconds since the epoch.
    short
        Whether it is refused for want of CU.
    retained
        Of a start that would go on: whether the sources still hold where the job stands, ``yes``,
        ``no`` or ``not known: …``.
    """

    job: str
    status: Status
    allowed: bool
    why: str
    cu: float
    free_after: float
    starves: tuple[str, ...] = ()
    pause_until: float | None = None
    short: bool = False
    retained: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What an action did to one job: where it stands now, and why it was not done."""

    job: str
    action: str
    done: bool
    status: Status
    why: str = ""

    def __repr__(self) -> str:
        return f"{self.action} {self.job}: {self.why or 'done'}, it is {self.status}"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The plan of an action on jobs; nothing has been done."""

    action: Action
    verdicts: tuple[Verdict, ...]
    allocated: float

    @property
    def jobs(self) -> list[str]:
        """The jobs to which it may be done."""
        return [verdict.job for verdict in self.verdicts if verdict.allowed]

    @property
    def refused(self) -> tuple[Verdict, ...]:
        """What is refused."""
        return tuple(verdict for verdict in self.verdicts if not verdict.allowed)

    @property
    def df(self) -> pd.DataFrame:
        """The plan as a table, a row per job."""
        import pandas as pd

        until = [v.pause_until for v in self.verdicts]
        columns = {
            "job": [v.job for v in self.verdicts],
            "status": [str(v.status) for v in self.verdicts],
            "allowed": [v.allowed for v in self.verdicts],
            "why": [v.why for v in self.verdicts],
            "cu": [v.cu for v in self.verdicts],
            "free_after": [v.free_after for v in self.verdicts],
            "starves": [", ".join(v.starves) for v in self.verdicts],
            "retained": [v.retained for v in self.verdicts],
            "pause_until": pd.to_datetime(pd.Series(until, dtype="float64"), unit="s", utc=True),
        }
        return pd.DataFrame(columns)

    def refusal(self) -> Refused:
        """Give the error that says all that is refused."""
        kind = ResourcesRefused if all(v.short for v in self.refused) else MoveRefused
        if len(self.verdicts) == 1 and kind is ResourcesRefused:
            return kind(self.verdicts[0].why)
        faults = [Fault(what=verdict.why, where=verdict.job) for verdict in self.refused]
        return kind(faults)

    def __repr__(self) -> str:
        asked, allowed = number_of(len(self.verdicts), "job"), len(self.jobs)
        return f"{self.action} {asked}, {allowed} allowed\n{self.df.to_string()}"

    def _repr_html_(self) -> str:
        return str(self.df.to_html())


def decide(
    action: Action,
    candidates: Iterable[Candidate],
    booking: Booking,
    readers: Callable[[str], Iterable[str]],
    now: float,
) -> Decision:
    """Decide what an action would do to jobs, in their order.

    Parameters
    ----------
    booking
        The CU before.
    readers
        Names the active jobs that read a job's output.
    """
    verdicts = []
    asked = list(candidates)
    names = {candidate.name for candidate in asked}
    for candidate in asked:
        verdict, booking = _judge(action, candidate, booking, now)
        if verdict["allowed"] and action in _ENDS:
            verdict["starves"] = tuple(n for n in readers(candidate.name) if n not in names)
        verdicts.append(Verdict(**verdict))
    return Decision(action=action, verdicts=tuple(verdicts), allocated=booking.allocated)


_ENDS = frozenset({Action.PAUSE, Action.STOP, Action.FORCE_STOP})


def _judge(
    action: Action, candidate: Candidate, booking: Booking, now: float
) -> tuple[dict[str, Any], Booking]:
    why, short = _refusal(action, candidate, booking, now)
    found: dict[str, Any] = {
        "job": candidate.name,
        "status": candidate.state.observed,
        "allowed": not why,
        "why": why,
        "cu": 0.0,
        "short": short,
        "retained": candidate.retained,
    }
    if not why and action is Action.START:
        booking = booking.with_job(candidate.name, candidate.cu)
        found["cu"] = candidate.cu
    elif not why and action in _ENDS:
        found["cu"] = -booking.held.get(candidate.name, 0.0)
        booking = booking.without_job(candidate.name)
        if action is Action.PAUSE:
            found["pause_until"] = now + candidate.pause_limit
    return {**found, "free_after": booking.free}, booking


def _refusal(
    action: Action, candidate: Candidate, booking: Booking, now: float
) -> tuple[str, bool]:
    """Why an action is refused, and whether that is for want of CU."""
    try:
        candidate.state.act(action, now)
    except MoveRefused as error:
        return str(error), False
    if candidate.obstacle:
        return candidate.obstacle, False
    if action is Action.START and not booking.fits(candidate.cu):
        return booking.shortage(candidate.cu), True
    return "", False
