"""Alarms: rules over what is known of jobs, and when they are raised, repeated and over. Pure."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from streamops_nb.model.errors import Fault, Refused
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.wording import choice_of, cut, did_you_mean

__all__ = ["QUANTITIES", "Notice", "Rule", "Standing", "condition", "step"]

QUANTITIES: Mapping[str, str] = MappingProxyType(
    {
        "status": "where the job stands, for example FAILED (only = and !=)",
        "lag": "records left to read",
        "lag_seconds": "age of what is read next",
        "watermark_delay": "seconds from the watermark to the clock",
        "no_input": "seconds since a running job last read something",
        "errors_per_minute": "errors within the last minute",
        "rejects_per_minute": "rejects within the last minute",
        "reject_share": "share of the last minute's records that are rejects, 0 to 1",
        "rows_in_per_second": "records read per second over the last minute",
        "rows_out_per_second": "rows written per second over the last minute",
        "batch_seconds": "seconds within which 95 of 100 of the last batches were done",
        "state_rows": "rows of window state",
        "uptime": "seconds that the run has lasted",
    }
)
"""What a condition may be about."""

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        ">=": operator.ge,
        "<=": operator.le,
        "!=": operator.ne,
        ">": operator.gt,
        "<": operator.lt,
        "=": operator.eq,
    }
)
_CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|!=|>|<|=)\s*(\S+)\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """An alarm.

    Parameters
    ----------
    name
        Unique in the workspace.
    when
        A quantity, a comparison and a value: ``lag > 10000``, ``status = FAILED``.
    metrics, over
        Instead of `when`, an SQL expression over the metrics of the last `over` seconds:
        ``avg(seconds) > 0.5``.
    jobs
        The jobs it looks at; empty for all.
    after
        Raised when the condition has held for so many seconds.
    every
        While it lasts it is told again after so many seconds; 0: only once.
    to
        The names of the sinks it is told to.
    quiet
        Whether it leaves no note in the history, because something else does.
    """

    name: str
    when: str = ""
    metrics: str = ""
    over: float = 300.0
    jobs: tuple[str, ...] = ()
    after: float = 0.0
    every: float = 0.0
    to: tuple[str, ...] = ("log",)
    quiet: bool = False

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Rule:
        """Read back what `to_json` gave."""
        return cls(**{**value, "jobs": tuple(value["jobs"]), "to": tuple(value["to"])})

    @property
    def words(self) -> str:
        """Its condition."""
        return self.when or f"{self.metrics} over {self.over:g} s"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a rule stands with one job.

    Parameters
    ----------
    since
        Since when the condition has held; None while it does not.
    raised_at, told_at
        When the alarm was raised and last told; None while it is not.
    times
        How often it has been raised.
    """

    since: float | None = None
    raised_at: float | None = None
    told_at: float | None = None
    times: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What is told of an alarm: it was ``raised``, is ``lasting``, or is ``over``."""

    alarm: str
    job: str
    what: str
    at: float
    message: str
    value: str = ""


def condition(text: str) -> tuple[str, Callable[[Any], bool]]:
    """Read a condition: the quantity that it is about, and the test of its value.

    Raises
    ------
    Refused
        If it is none.
    """
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise Refused(
            [
                Fault(
                    what=f'"{cut(text)}" is not a condition',
                    remedy="write a quantity, a comparison and a value, for example `lag > 10000`; "
                    + choice_of(QUANTITIES),
                )
            ]
        )
    name, sign, value = found.groups()
    if name not in QUANTITIES:
        raise Refused(f"there is no quantity `{cut(name)}` - {did_you_mean(name, QUANTITIES)}")
    compare = _COMPARE[sign]
    wanted = _status(sign, value) if name == "status" else _number(name, value)
    return name, lambda known: compare(known, wanted)


def _status(sign: str, value: str) -> str:
    word = value.strip("'\"").upper()
    if sign not in ("=", "!=") or word not in set(Status):
        raise Refused(f"a status is compared by = or != - {choice_of(Status)}")
    return word


def _number(name: str, value: str) -> float:
    try:
        number = float(value.replace("_", ""))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Refused(f"`{name}` is compared with a number, not with `{cut(value)}`")
    return number


def step(
    rule: Rule, job: str, stands: Standing, *, holds: bool | None, value: str, now: float
) -> tuple[Standing, Notice | None]:
    """Move on how a rule stands with a job.

    Parameters
    ----------
    holds
        Whether the condition holds now; None if that cannot be said: nothing changes then.
    value
        What is known of the quantity, in words.
    now
        Wall time, seconds since the epoch.
    """
    if holds is None:
        return stands, None
    if not holds:
        over = Standing(times=stands.times)
        if stands.raised_at is None:
            return over, None
        lasted = now - stands.raised_at
        message = f"{rule.name}: over after {lasted:.0f} s, {rule.words} holds no more ({value})"
        return over, _notice(rule, job, "over", now, message, value)
    since = now if stands.since is None else min(stands.since, now)
    if stands.raised_at is None:
        if now - since < rule.after:
            return replace(stands, since=since), None
        raised = Standing(since=since, raised_at=now, told_at=now, times=stands.times + 1)
        message = f"{rule.name}: {rule.words} ({value})"
        return raised, _notice(rule, job, "raised", now, message, value)
    told = now if stands.told_at is None else stands.told_at
    if not rule.every or now - told < rule.every:
        return replace(stands, since=since), None
    message = f"{rule.name}: {rule.words} for {now - since:.0f} s by now ({value})"
    lasting = replace(stands, since=since, told_at=now)
    return lasting, _notice(rule, job, "lasting", now, message, value)


def _notice(rule: Rule, job: str, what: str, at: float, message: str, value: str) -> Notice:
    return Notice(alarm=rule.name, job=job, what=what, at=at, message=message, value=value)
