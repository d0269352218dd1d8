"""Reading a job's streams: how much, how often, and which stream is next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from streamops_nb.engine.inflow import Inflow
from streamops_nb.engine.inlet import Inlet
from streamops_nb.model.batch import Ends, Span, advance
from streamops_nb.sources.base import Limit

__all__ = ["Load", "Pace", "Reading", "backlog"]

_SECOND = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How often and how much a job reads.

    Parameters
    ----------
    interval
        Seconds between the beginnings of two batches while the job keeps up; a job with backlog
        does not wait.
    limit
        The most that one batch reads of each stream.
    read_rate
        Records per second, None for as fast as possible.
    """

    interval: float = 1.0
    limit: Limit = field(default_factory=Limit)
    read_rate: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What was read ahead for one batch."""

    ends: Mapping[str, Ends]
    spans: Mapping[str, Span]
    inflows: Mapping[str, Inflow]
    seconds: Mapping[str, float]


class Reading:
    """Reads the next records of all streams of a job.

    Parameters
    ----------
    now
        The clock, seconds since the epoch.
    """

    def __init__(self, inlets: Mapping[str, Inlet], pace: Pace, now: Callable[[], float]) -> None:
        self._inlets = inlets
        self._pace = pace
        self._allowance = _Allowance(pace.read_rate, now)

    def load(self, positions: Mapping[str, Mapping[str, int]], reach: Mapping[str, int]) -> Load:
        """Cut and read the next spans from `positions` on."""
        limit = replace(self._pace.limit, rows=self._allowance.take(self._pace.limit.rows))
        ends = {name: inlet.ends() for name, inlet in self._inlets.items()}
        spans = {
            name: inlet.cut(positions.get(name, {}), limit) if limit.rows else Span()
            for name, inlet in self._inlets.items()
        }
        behind = {
            name
            for name, span in spans.items()
            if backlog(ends[name], advance(positions.get(name, {}), span))
        }
        for name in self._too_far(spans, behind, reach):
            spans[name] = Span()
        inflows, seconds = self.read(spans)
        self._allowance.give_back(limit.rows - max(f.raw.num_rows for f in inflows.values()))
        return Load(ends=ends, spans=spans, inflows=inflows, seconds=seconds)

    def _too_far(
        self, spans: Mapping[str, Span], behind: set[str], reach: Mapping[str, int]
    ) -> list[str]:
        """Streams to leave for now, because one that cannot keep up is behind in event time.

        Without this a stream that is quick to read would fill the state with rows whose windows
        wait for the slow one. Streams that keep up are never left, however their times differ.
        """
        slow = [reach[name] for name in behind if name in reach]
        if not slow:
            return []
        delays = [inlet.timing.delay for inlet in self._inlets.values() if inlet.timing]
        limit = min(slow) + max(delays) + _SECOND
        return [name for name, span in spans.items() if span and reach.get(name, limit) > limit]

    def read(self, spans: Mapping[str, Span]) -> tuple[dict[str, Inflow], dict[str, float]]:
        """Read and decode spans of all streams; also give the seconds that took."""
        inflows: dict[str, Inflow] = {}
        seconds = {"read": 0.0, "decode": 0.0}
        for name, inlet in self._inlets.items():
            inflows[name], took = inlet.read(spans.get(name, Span()))
            for phase, value in took.items():
                seconds[phase] += value
        return inflows, seconds


def backlog(ends: Ends, position: Mapping[str, int]) -> set[str]:
    """The partitions that hold records beyond a position."""
    return {
        partition
        for partition, latest in ends.latest.items()
        if position.get(partition, ends.earliest.get(partition, 0)) < latest
    }


class _Allowance:
    """How many records may be read now, so that a rate per second is kept."""

    def __init__(self, rate: float | None, now: Callable[[], float]) -> None:
        self._rate = rate
        self._now = now
        self._held = 0.0
        self._since = now()

    def take(self, wanted: int) -> int:
        if self._rate is None:
            return wanted
        now = self._now()
        self._held = min(self._held + (now - self._since) * self._rate, 2 * self._rate)
        self._since = now
        taken = min(wanted, int(self._held))
        self._held -= taken
        return taken

    def give_back(self, records: int) -> None:
        self._held += records
