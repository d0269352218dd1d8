"""The event-time clock of one stream: its watermark, over partitions that run apart.

Pure: integers in microseconds since the epoch, no I/O, time is handed in. The watermark is the
smallest over the partitions of (largest event time seen - delay). It never goes back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from streamops_nb.model.events import FOREVER, NEVER
from streamops_nb.model.flow import Holder

__all__ = ["FOREVER", "NEVER", "StreamClock"]


@dataclass(slots=True)
class _Partition:
    """The largest event time seen, and when (wall time) it last had a row or was met."""

    largest: int
    active_at: int


class StreamClock:
    """The watermark of one stream.

    Parameters
    ----------
    delay_us
        How far a row may lie behind the largest event time and still be expected.
    idle_us
        A partition without rows for longer than this (wall time) no longer holds the watermark
        back, unless it has a backlog; None: it holds it back for ever.
    apart
        Whether the partitions are ordered each by itself. If not, they are one log: the largest
        event time over all of them counts, and none holds the watermark back.
    """

    def __init__(self, delay_us: int, idle_us: int | None, apart: bool) -> None:
        self._delay = delay_us
        self._idle = idle_us
        self._apart = apart
        self._partitions: dict[str, _Partition] = {}
        self._watermark = NEVER

    @property
    def watermark(self) -> int:
        """The watermark as last computed: `NEVER` at first, `FOREVER` after the end."""
        return self._watermark

    @property
    def reach(self) -> int:
        """The largest event time seen so far; `NEVER` before the first row."""
        return max((p.largest for p in self._partitions.values()), default=NEVER)

    def meet(self, partitions: Iterable[str], at_us: int) -> None:
        """Take note of partitions: from now on they hold the watermark back until they have rows.

        Those known already stay as they are.
        """
        for name in partitions:
            self._partitions.setdefault(name, _Partition(NEVER, at_us))

    def observe(self, partition: str, max_event_us: int, at_us: int) -> None:
        """Take note of rows: the largest event time among those that came from `partition`."""
        known = self._partitions.setdefault(partition, _Partition(NEVER, at_us))
        known.largest = max(known.largest, max_event_us)
        known.active_at = max(known.active_at, at_us)

    def advance(self, at_us: int, behind: Collection[str] = ()) -> int:
        """Compute the watermark anew.

        Parameters
        ----------
        at_us
            Wall time.
        behind
            Partitions with records that are still to be read: they are never idle. One that was
            not known is met.
        """
        self.meet(behind, at_us)
        self._watermark = self.ahead(at_us, behind)
        return self._watermark

    def ahead(self, at_us: int, behind: Collection[str] = ()) -> int:
        """Say what `advance` would compute of the partitions known, without advancing."""
        reached = self._reached(at_us, behind)
        return self._watermark if reached <= NEVER else max(self._watermark, reached - self._delay)

    def _reached(self, at_us: int, behind: Collection[str]) -> int:
        """Event time that all who count have reached; `NEVER` if one has no row or none counts."""
        if not self._apart:
            return self.reach
        active = self._active(at_us, behind)
        return min((p.largest for p in active.values()), default=NEVER)

    def _active(self, at_us: int, behind: Collection[str]) -> Mapping[str, _Partition]:
        idle = self._idle
        if idle is None:
            return self._partitions
        return {
            name: p
            for name, p in self._partitions.items()
            if name in behind or at_us - p.active_at <= idle
        }

    def end(self) -> int:
        """Note that the stream has ended: nothing can be late any more, all windows close."""
        self._watermark = FOREVER
        return FOREVER

    def holder(self, at_us: int, behind: Collection[str] = ()) -> Holder | None:
        """Give the partition for which the watermark waits; None if it is as far as can be.

        Parameters
        ----------
        at_us, behind
            As of `advance`.
        """
        if self._watermark >= FOREVER or not self._apart:
            return None
        active = self._active(at_us, {*behind})
        name = min(active, key=lambda one: active[one].largest, default=None)
        if name is None or active[name].largest >= self.reach:
            return None
        return Holder(name, active[name].largest, active[name].active_at)

    def to_json(self) -> dict[str, Any]:
        """Give settings and what is remembered as plain values, for the checkpoint."""
        return {
            "delay_us": self._delay,
            "idle_us": self._idle,
            "apart": self._apart,
            "watermark": self._watermark,
            "partitions": {n: [p.largest, p.active_at] for n, p in self._partitions.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> StreamClock:
        """Read back what `to_json` gave."""
        clock = cls(value["delay_us"], value["idle_us"], value["apart"])
        clock._watermark = value["watermark"]
        for name, (largest, active_at) in value["partitions"].items():
            clock._partitions[name] = _Partition(largest, active_at)
        return clock
