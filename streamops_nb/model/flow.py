"""How rows pass through a job: what it and each stage did, and what a watermark waits for."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Done", "Holder", "StageRows"]


class Done(NamedTuple):
    """What batches of a job did; `late` has rows that missed only some of their windows, too."""

    batches: int = 0
    rows_in: int = 0
    rows_out: int = 0
    rejects: int = 0
    late: int = 0

    def plus(self, other: Done) -> Done:
        """Add what other batches did."""
        return Done(*(mine + its for mine, its in zip(self, other, strict=True)))


class Holder(NamedTuple):
    """The partition for which a stream's watermark waits.

    Parameters
    ----------
    partition
        Its name.
    reached
        The largest event time seen of it, microseconds since the epoch; `NEVER` before its first
        row.
    active_at
        When it last had a row, or was met, microseconds since the epoch.
    """

    partition: str
    reached: int
    active_at: int


class StageRows(NamedTuple):
    """What a stage read and gave, over the batches in which it was counted.

    What windows give is counted in every batch; what passes a stage without windows only in
    batches that are looked at, because counting it is a query of its own.

    Parameters
    ----------
    rows_in, counted_in
        Rows read, and the number of batches in which they were counted.
    rows_out, counted_out
        Rows given, likewise.
    """

    rows_in: int = 0
    counted_in: int = 0
    rows_out: int = 0
    counted_out: int = 0

    def plus(self, other: StageRows) -> StageRows:
        """Add what was counted in other batches."""
        return StageRows(*(mine + its for mine, its in zip(self, other, strict=True)))
