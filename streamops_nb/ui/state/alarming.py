"""An alarm as it is written at a screen."""

from __future__ import annotations

from typing import Any, NamedTuple

from streamops_nb.model.alarms import Rule

__all__ = ["Alarming", "Raised"]

_DEFAULTS = {"over": "5m", "after": "0s", "every": "0s", "jobs": "", "to": "log"}


class Alarming(NamedTuple):
    """The fields of the form, each a text; lists with commas."""

    name: str
    when: str = ""
    metrics: str = ""
    over: str = "5m"
    after: str = "0s"
    every: str = "0s"
    jobs: str = ""
    to: str = "log"

    @classmethod
    def of(cls, rule: Rule) -> Alarming:
        """Write a rule that is set."""
        lengths = (f"{seconds:g}s" for seconds in (rule.over, rule.after, rule.every))
        over, after, every = lengths
        return cls(
            rule.name, rule.when, rule.metrics, over, after, every, ", ".join(rule.jobs),
            ", ".join(rule.to),
        )  # fmt: skip

    def arguments(self) -> dict[str, Any]:
        """Give what `Alarms.set` takes, besides the name; what is as by default is left out."""
        given = {
            key: value
            for key, value in self._asdict().items()
            if key != "name" and value and value != _DEFAULTS.get(key)
        }
        if self.when or not self.metrics:
            given.pop("over", None)
        lists: dict[str, Any] = {key: _names(given[key]) for key in ("jobs", "to") if key in given}
        return {**given, **lists}

    def set(self, door: Any) -> Rule:
        """Set the alarm."""
        found: Rule = door.alarms.set(self.name, **self.arguments())
        return found

    @property
    def line(self) -> str:
        """The Python that sets it."""
        given = [f"{key}={value!r}" for key, value in self.arguments().items()]
        return f"ws.alarms.set({', '.join([repr(self.name), *given])})"


class Raised:
    """Which alarms are raised, as a page shows it: those that came since are told."""

    def __init__(self) -> None:
        self.pairs: frozenset[tuple[str, str]] = frozenset()
        self._first = True

    def see(self, frame: Any) -> list[tuple[str, str]]:
        """Take what `Alarms.df` gives; give alarm and job of those raised since the last time."""
        pairs = frozenset(
            (alarm, job)
            for alarm, raised in zip(frame["alarm"], frame["raised"], strict=True)
            for job in _names(raised)
        )
        came = [] if self._first else sorted(pairs - self.pairs)
        self.pairs, self._first = pairs, False
        return came


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]
