"""Whether the conditions of alarms hold, from what is known of jobs at this moment."""

from __future__ import annotations

from collections import deque

from streamops_nb.db import literal
from streamops_nb.model.alarms import Rule, condition
from streamops_nb.model.errors import StreamopsError
from streamops_nb.model.lifecycle import ACTIVE, Status
from streamops_nb.model.silence import length
from streamops_nb.model.views import JobView
from streamops_nb.ops.core import Core
from streamops_nb.ops.operations import Operations
from streamops_nb.store.tables import METRICS

__all__ = ["PAUSE_ENDS", "Conditions"]

PAUSE_ENDS = "the pause reaches its limit"
"""The condition of the built-in alarm; nobody else can write it."""

_SOON = 3600.0
"""A pause ends soon if it does within so many seconds; a quarter of it, if it is a short one."""

_MINUTE = 60.0
_METRICS_EVERY = 10.0
"""Expressions over metrics read the catalog: they are looked at less often, seconds."""


class Conditions:
    """Looks at jobs for alarms; remembers what had been counted a minute ago."""

    def __init__(self, core: Core, operations: Operations) -> None:
        self._core = core
        self._operations = operations
        self._counts: dict[str, deque[tuple[float, int, int, int, int]]] = {}
        self._looked_at: dict[str, float] = {}

    def count(self, now: float) -> None:
        """Remember what has been counted of the jobs that are active."""
        active = self._core.states.within(ACTIVE)
        for gone in self._counts.keys() - active.keys():
            del self._counts[gone]
        for name in active:
            view = self._core.states.view(name)
            counts = self._counts.setdefault(name, deque())
            if counts and (counts[-1][1] != view.run or counts[-1][0] > now):
                counts.clear()
            counts.append((now, view.run, view.errors, view.rejects, view.rows_in))
            while len(counts) > 2 and counts[1][0] <= now - _MINUTE:
                counts.popleft()

    def due(self, rule: Rule, now: float) -> bool:
        """Say if a rule is to be looked at."""
        if not rule.metrics:
            return True
        if 0 <= now - self._looked_at.get(rule.name, float("-inf")) < _METRICS_EVERY:
            return False
        self._looked_at[rule.name] = now
        return True

    def candidates(self, rule: Rule) -> set[str]:
        """The jobs with which a rule may hold: with 10,000 jobs at rest that are few."""
        states = self._core.states
        if rule.when == PAUSE_ENDS:
            return set(states.within({Status.PAUSED}))
        quantity, test = condition(rule.when) if rule.when else ("", bool)
        if quantity == "status":
            return set(states.within([status for status in Status if test(status.value)]))
        return set(states.within(ACTIVE))

    def holds(self, rule: Rule, name: str, now: float) -> tuple[bool | None, str]:
        """Say whether a rule's condition holds with a job, and what is known, in words.

        None if it cannot be said. With a job that does not run nothing holds but its status.
        """
        state = self._core.states.state(name)
        if rule.when == PAUSE_ENDS:
            return self._pause_ends(name, now)
        quantity, test = condition(rule.when) if rule.when else ("", bool)
        if quantity == "status":
            return test(state.observed.value), state.observed.value
        if state.observed not in ACTIVE:
            return False, state.observed.value
        if rule.metrics:
            return self._metrics_hold(rule, name, now)
        known = self._quantity(quantity, self._core.states.view(name), now)
        return (None, "") if known is None else (test(known), f"{quantity} = {known:.6g}")

    def _pause_ends(self, name: str, now: float) -> tuple[bool | None, str]:
        state = self._core.states.state(name)
        if state.observed is not Status.PAUSED:
            return False, state.observed.value
        limits = self._operations.limits(name)
        left = state.remaining(now, limits) or 0.0
        soon = min(_SOON, limits[Status.PAUSED].seconds / 4)
        return left <= soon, f"{length(round(left))} left"

    def _metrics_hold(self, rule: Rule, name: str, now: float) -> tuple[bool | None, str]:
        try:
            return self.over_metrics(rule, name, now)
        except StreamopsError as error:
            message = f"{rule.name}: {error}"
            self._core.states.raised(name, stage="alarms", kind="AlarmFailed", message=message)
            return None, ""

    def over_metrics(self, rule: Rule, name: str, now: float) -> tuple[bool, str]:
        """Evaluate a rule's expression over a job's metrics of late."""
        since = f'"at" > to_timestamp({now - rule.over!r})'
        found = self._core.read(
            f"SELECT CAST(({rule.metrics}) AS BOOLEAN) AS holds FROM metrics",
            metrics=f"FROM ({METRICS}) WHERE job = {literal(name)} AND {since}",
        )
        # as in a WHERE: what is NULL, for example a sum over no batch, does not hold
        return bool(found.num_rows and found["holds"][0].as_py()), rule.metrics

    def _quantity(self, name: str, view: JobView, now: float) -> float | None:
        counts = self._counts.get(view.job)
        if not counts:
            return None
        errors, rejects, read = (b - a for a, b in zip(counts[0][2:], counts[-1][2:], strict=True))
        since = view.started_at if view.received_at is None else view.received_at
        quantities: dict[str, float | None] = {
            "lag": view.lag_records,
            "lag_seconds": view.lag_seconds(now),
            "watermark_delay": view.watermark_delay(now),
            "no_input": None if since is None else now - since,
            "errors_per_minute": errors,
            "rejects_per_minute": rejects,
            "reject_share": rejects / read if read else None,
            "rows_in_per_second": view.rate_in(now),
            "rows_out_per_second": view.rate_out(now),
            "batch_seconds": view.batch_time(0.95),
            "state_rows": view.state_rows,
            "uptime": view.uptime(now),
        }
        return quantities[name]
