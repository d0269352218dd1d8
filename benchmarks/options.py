"""What all benchmarks are told, and how pairs are measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["PHASES", "Options", "Pairs", "median", "phases", "seconds"]

PHASES = ("read", "decode", "run", "write", "commit")

Measure = Callable[[], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Scale and places.

    Parameters
    ----------
    data
        The cache folder; workspaces are made in it too.
    rows
        Events of the throughput benchmarks.
    pairs
        Pairs of measurements, of which medians are taken.
    scale
        Multiplies what the other benchmarks do (rows, jobs, seconds).
    quick
        Everything small, to see that it runs.
    """

    data: Path
    rows: int = 5_000_000
    pairs: int = 5
    scale: float = 1.0
    quick: bool = False

    def scaled(self, number: float, least: float = 1) -> int:
        """Give a number at the scale asked for."""
        return int(max(least, number * self.scale))


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Interleaved measurements of ours and theirs."""

    ours: list[dict[str, Any]]
    theirs: list[dict[str, Any]]

    @classmethod
    def measure(cls, options: Options, ours: Measure, theirs: Measure) -> Pairs:
        """Measure ours, theirs, ours, theirs …; one pair before does not count (caches)."""
        if not options.quick:
            ours()
            theirs()
        done = [(ours(), theirs()) for _ in range(options.pairs)]
        return cls(ours=[a for a, _ in done], theirs=[b for _, b in done])

    def share(self, key: str = "seconds") -> float:
        """Give the median, over the pairs, of our throughput as a share of theirs."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return statistics.median(float(b[key] / a[key]) for a, b in pairs)


def median(measured: list[dict[str, Any]], key: str = "seconds") -> float:
    """Give the median of one number of several measurements."""
    return statistics.median(float(each[key]) for each in measured)


def phases(measured: list[dict[str, Any]]) -> str:
    """Write the milliseconds per batch that each phase took."""
    batches = sum(each["batches"] for each in measured)
    sums = [sum(each["phases"].get(phase, 0.0) for each in measured) for phase in PHASES]
    return " / ".join(f"{1000 * total / batches:.1f}" for total in sums)


def seconds(value: float) -> str:
    """Write seconds for a table."""
    return f"{value:.2f} s" if value >= 0.1 else f"{value * 1000:.1f} ms"
