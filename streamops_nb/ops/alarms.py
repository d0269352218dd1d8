"""The alarms of a workspace: rules that are looked at once a second, and to whom they are told."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from streamops_nb.model.alarms import Notice, Rule, Standing, condition, step
from streamops_nb.model.errors import Fault, Refused, StreamopsError
from streamops_nb.model.events import Noted
from streamops_nb.model.given import text_of
from streamops_nb.model.secrets import has_reference, literals
from streamops_nb.model.wording import cut, did_you_mean
from streamops_nb.ops.conditions import PAUSE_ENDS, Conditions
from streamops_nb.ops.core import Core, Names
from streamops_nb.ops.delivery import Delivery, Tell, check_address, to_log, webhook
from streamops_nb.ops.operations import Operations
from streamops_nb.ops.times import When, seconds_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Alarms"]

_RULES, _SINKS, _STANDINGS = "alarm rules", "alarm sinks", "alarm standings"
_BUILT_IN = (
    Rule(name="failed", when="status = FAILED", quiet=True),
    Rule(name="pause ends soon", when=PAUSE_ENDS, quiet=True),
)
"""Rules that are there from the first; what they tell stands in the history anyway."""


class Alarms:
    """What a workspace watches, and whom it tells; ``workspace.alarms``.

    Rules, sinks and how each alarm stands are kept in the catalog, so that a restart tells nothing
    twice and forgets nothing. Python callbacks last as long as the process.
    """

    def __init__(self, core: Core, operations: Operations) -> None:
        self._core = core
        self._lock = threading.RLock()
        self._rules = {rule.name: rule for rule in self._kept_rules()}
        self._sinks: dict[str, dict[str, str]] = self._kept(_SINKS)
        self._standings = {key: Standing(**s) for key, s in self._kept(_STANDINGS).items()}
        self._conditions = Conditions(core, operations)
        self._deliveries = {"log": self._delivery("log", to_log)}
        for name, settings in self._sinks.items():
            self._deliveries[name] = self._delivery(name, webhook(settings, os.environ))

    # rules

    @property
    def rules(self) -> dict[str, Rule]:
        """The rules by name."""
        return dict(self._rules)

    def set(
        self,
        name: str,
        when: str = "",
        *,
        metrics: str = "",
        over: When = "5m",
        jobs: Names = None,
        after: When = "0s",
        every: When = "0s",
        to: str | Iterable[str] = "log",
    ) -> Rule:
        """Set an alarm, or replace the one of that name.

        Parameters
        ----------
        when
            A quantity, a comparison and a value: ``lag > 10000``, ``status = FAILED``,
            ``no_input > 300``; see `streamops_nb.model.alarms.QUANTITIES`.
        metrics, over
            Instead, an SQL expression over the metrics of the last time: ``avg(seconds) > 0.5``.
        jobs
            Which jobs; default all, also those that are saved later.
        after
            It is raised when the condition has held for so long.
        every
            While it lasts it is told again so often; 0s: only once.
        to
            The sinks that are told: ``log``, a callback, a webhook.

        Raises
        ------
        Refused
            If the condition is none, or a job or sink is unknown; nothing is changed then.
        """
        if bool(when) == bool(metrics):
            raise Refused("say either when= or metrics=: `lag > 10000`, or `avg(seconds) > 0.5`")
        if when:
            condition(when)
        rule = Rule(
            name=name,
            when=when,
            metrics=metrics,
            over=_long(over),
            jobs=() if jobs is None else tuple(self._core.select(jobs)),
            after=_long(after),
            every=_long(every),
            to=(to,) if isinstance(to, str) else tuple(to),
        )
        self._check(rule)
        with self._lock:
            self._rules[name] = rule
            self._forget(name)
            self._keep_rules()
        return rule

    def remove(self, name: str) -> None:
        """Remove an alarm; `Refused` if there is none of that name."""
        with self._lock:
            if name not in self._rules:
                raise Refused(
                    f"there is no alarm `{cut(name)}` - {did_you_mean(name, self._rules)}"
                )
            del self._rules[name]
            self._forget(name)
            self._keep_rules()

    def _check(self, rule: Rule) -> None:
        if not text_of(rule.name, "name", "name the alarm") or not rule.name.isprintable():
            raise Refused("an alarm needs a name that can be read")
        for sink in rule.to:
            if sink not in self._deliveries:
                known = did_you_mean(sink, self._deliveries)
                raise Refused(f"there is no sink `{cut(sink)}` for alarms - {known}")
        if rule.metrics:
            try:
                self._conditions.over_metrics(rule, "", self._core.now())
            except StreamopsError as error:
                what = f"`{cut(rule.metrics)}` is no condition over metrics: {error}"
                raise Refused(
                    [Fault(what=what, remedy="for example `avg(seconds) > 0.5`")]
                ) from None

    # sinks

    def webhook(self, name: str, url: str, *, secret: str = "") -> None:
        """Tell alarms to an address on the web, as signed JSON; kept in the workspace.

        Parameters
        ----------
        url, secret
            Where to, and what messages are signed with; a secret, or a part of the address that is
            one, is given as a reference: ``${env:NAME}``.
        """
        settings = {"url": url, "secret": secret}
        faults = literals(settings, ("webhook",))
        if faults:
            raise Refused(faults)
        if not has_reference(url):
            check_address(url)
        self._add(name, webhook(settings, os.environ))
        with self._lock:
            self._sinks[name] = settings
            self._core.catalog.set(_SINKS, json.dumps(self._sinks))

    def callback(self, name: str, function: Tell) -> None:
        """Tell alarms to a function, on a thread of its own, as long as this process lives."""
        self._add(name, function)

    def _add(self, name: str, tell: Tell) -> None:
        if not name or name == "log":
            raise Refused("a sink needs a name of its own, other than `log`")
        with self._lock:
            before = self._deliveries.get(name)
            self._deliveries[name] = self._delivery(name, tell)
        if before is not None:
            before.close()

    def _delivery(self, name: str, tell: Tell) -> Delivery:
        return Delivery(name, tell, lambda notice, why: self._undelivered(name, notice, why))

    def _undelivered(self, sink: str, notice: Notice, why: str) -> None:
        message = f"{sink} was not told that {notice.alarm} is {notice.what}, {why}"
        self._core.states.raised(notice.job, stage="alarms", kind="AlarmNotTold", message=message)

    # looking

    def look(self) -> None:
        """Look at all rules once."""
        with self._lock:
            now = self._core.now()
            self._conditions.count(now)
            before = dict(self._standings)
            self._standings = {k: s for k, s in before.items() if _job(k) in self._core.states}
            rules = [rule for rule in self._rules.values() if self._conditions.due(rule, now)]
            told = [
                (rule, notice)
                for rule in rules
                for name in sorted(self._candidates(rule))
                if (notice := self._look_at(rule, name, now)) is not None
            ]
            if self._standings != before:
                self._keep_standings()
        for rule, notice in told:
            self._tell(rule, notice)

    def _candidates(self, rule: Rule) -> frozenset[str]:
        """The jobs with which a rule may hold, or be over."""
        found = self._conditions.candidates(rule)
        found |= {_job(key) for key in self._standings if _of(key, rule.name)}
        return frozenset(found & {*rule.jobs} if rule.jobs else found)

    def _look_at(self, rule: Rule, name: str, now: float) -> Notice | None:
        key = f"{rule.name}\n{name}"
        holds, value = self._conditions.holds(rule, name, now)
        stands = self._standings.get(key, Standing())
        after, notice = step(rule, name, stands, holds=holds, value=value, now=now)
        if after.since is None:
            self._standings.pop(key, None)
        else:
            self._standings[key] = after
        reason = self._core.states.state(name).reason
        if notice is None or not reason or not rule.when.startswith("status"):
            return notice
        return replace(notice, message=f"{notice.message}: {cut(reason, 300)}")

    def _tell(self, rule: Rule, notice: Notice) -> None:
        if not rule.quiet:
            what = f"alarm {notice.what}"
            noted = Noted(job=notice.job, at=notice.at, what=what, message=notice.message)
            self._core.states.note(noted)
        for sink in rule.to:
            if sink in self._deliveries:
                self._deliveries[sink].put(notice)
            else:  # a callback of a process before
                self._undelivered(sink, notice, "it is not there in this process")

    # what stands

    @property
    def df(self) -> pd.DataFrame:
        """The rules, and the jobs with which each is raised at this moment."""
        import pandas as pd

        rows = [
            {
                "alarm": rule.name, "condition": rule.words, "jobs": ", ".join(rule.jobs) or "all",
                "to": ", ".join(rule.to), "raised": ", ".join(self._raised_with(rule.name)),
            }
            for rule in self._rules.values()
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["alarm", "condition", "jobs", "to", "raised"])

    def active(self, name: str) -> list[str]:
        """Name the alarms that are raised with a job."""
        return [rule for rule in self._rules if name in self._raised_with(rule)]

    def _raised_with(self, rule: str) -> list[str]:
        raised = [key for key, stands in self._standings.items() if stands.raised_at is not None]
        pairs = (key.split("\n") for key in sorted(raised))
        return [job for name, job in pairs if name == rule]

    def __repr__(self) -> str:
        raised = {rule: jobs for rule in self._rules if (jobs := self._raised_with(rule))}
        said = "; ".join(f"{rule} with {', '.join(jobs)}" for rule, jobs in raised.items())
        return f"{len(self._rules)} alarms; {f'raised: {said}' if raised else 'none is raised'}"

    def close(self) -> None:
        """End the sinks' threads."""
        for delivery in self._deliveries.values():
            delivery.close()

    # the catalog

    def _kept(self, key: str) -> dict[str, Any]:
        text = self._core.catalog.setting(key)
        return dict(json.loads(text)) if text else {}

    def _kept_rules(self) -> list[Rule]:
        text = self._core.catalog.setting(_RULES)
        return [Rule.from_json(r) for r in json.loads(text)] if text else list(_BUILT_IN)

    def _keep_rules(self) -> None:
        rules = [rule.to_json() for rule in self._rules.values()]
        self._core.catalog.set(_RULES, json.dumps(rules))

    def _keep_standings(self) -> None:
        kept = {key: asdict(stands) for key, stands in self._standings.items()}
        self._core.catalog.set(_STANDINGS, json.dumps(kept))

    def _forget(self, name: str) -> None:
        for key in [key for key in self._standings if _of(key, name)]:
            del self._standings[key]
        self._keep_standings()


def _job(key: str) -> str:
    return key.partition("\n")[2]


def _of(key: str, rule: str) -> bool:
    return key.partition("\n")[0] == rule


def _long(length_: When) -> float:
    """A length of time in seconds."""
    seconds = seconds_of(length_, 0.0)
    if seconds is None or seconds > 0:
        raise Refused('this is a length of time: "30s", "5m"')
    return -seconds
