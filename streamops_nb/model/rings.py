"""What was committed lately, in slots of time: enough to tell rates over a minute to a day."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["SPANS", "Rings", "Slot"]

SPANS = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600, "6h": 21_600, "1d": 86_400}
"""The lengths of time over which rates are told, seconds."""

_RINGS = ((1, 61), (10, 91), (60, 61), (600, 145))
"""Width of a slot in seconds, and how many are kept; from fine to coarse."""


class Slot(NamedTuple):
    """What was committed within one slot of wall time.

    Parameters
    ----------
    at
        When it begins, whole seconds since the epoch.
    rows_in, rows_out
        Records read, rows written.
    units
        How much was read, in the unit of the sources (lag is told in it).
    lag
        What was left to read after the last batch of it, likewise.
    """

    at: int
    rows_in: int
    rows_out: int
    units: int
    lag: int


class Rings(NamedTuple):
    """The last minute by seconds, 15 minutes by ten, an hour by minutes, a day by ten minutes."""

    seconds: tuple[Slot, ...] = ()
    tens: tuple[Slot, ...] = ()
    minutes: tuple[Slot, ...] = ()
    ten_minutes: tuple[Slot, ...] = ()

    def plus(self, at: float, rows_in: int, rows_out: int, units: int, lag: int) -> Rings:
        """Add what was committed at one moment."""
        return Rings(
            *(
                _with(ring, int(at // width) * width, keep, (rows_in, rows_out, units, lag))
                for ring, (width, keep) in zip(self, _RINGS, strict=True)
            )
        )

    def within(self, now: float, seconds: float) -> tuple[tuple[Slot, ...], float]:
        """Give the slots that begin within the last `seconds`, and the time that they cover."""
        fits = (n for n, (width, keep) in enumerate(_RINGS) if seconds <= width * (keep - 1))
        number = next(fits, len(_RINGS) - 1)
        ring, width = self[number], _RINGS[number][0]
        found = tuple(slot for slot in ring if now - seconds < slot.at <= now)
        # whole slots only; a second more or less does not matter
        covered = seconds if width == 1 else now - ((now - seconds) // width + 1) * width
        return found, max(covered, 1.0)

    def caught_up_at(self) -> float | None:
        """When all had been written that is read by now: lag then was what was read since."""
        for ring, (width, _) in zip(self, _RINGS, strict=True):
            later = 0
            for slot in reversed(ring):
                if slot.lag <= later:
                    return slot.at + width
                later += slot.units
        return None


def _with(
    ring: tuple[Slot, ...], at: int, keep: int, more: tuple[int, int, int, int]
) -> tuple[Slot, ...]:
    rows_in, rows_out, units, lag = more
    if ring and ring[-1].at > at:
        # a wall clock that was set back drops the slots that have not come yet
        ring = tuple(_before(ring, at))
    if ring and ring[-1].at == at:
        last = ring[-1]
        new = Slot(at, last.rows_in + rows_in, last.rows_out + rows_out, last.units + units, lag)
        return (*ring[:-1], new)
    return (*ring[-keep + 1 :], Slot(at, rows_in, rows_out, units, lag))


def _before(ring: Iterable[Slot], at: int) -> Iterable[Slot]:
    return (slot for slot in ring if slot.at <= at)
