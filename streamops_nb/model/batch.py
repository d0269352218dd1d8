"""Positions, spans, and the rows of a batch on their way through the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Decoded", "Ends", "Position", "Slice", "Span", "advance"]

Position = Mapping[str, int]
"""Per partition, the offset of the next record to read."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The half-open range ``[start, stop)`` of one partition's offsets."""

    partition: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Span:
    """What one batch reads of one stream: slices in the order in which they are read."""

    slices: tuple[Slice, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.slices)

    def __iter__(self) -> Iterator[Slice]:
        return iter(self.slices)

    def to_json(self) -> list[list[str | int]]:
        """Give the span as plain lists, for the batch's record."""
        return [[s.partition, s.start, s.stop] for s in self.slices]

    @classmethod
    def from_json(cls, value: list[list[str | int]]) -> Span:
        """Read back what `to_json` gave."""
        return cls(tuple(Slice(str(p), int(a), int(b)) for p, a, b in value))


def advance(position: Position, span: Span) -> dict[str, int]:
    """Return the position after `span` has been read from `position`.

    Partitions keep their order, new ones come last: the places of kept rows count on it.
    """
    return {**position, **{s.partition: s.stop for s in span}}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """How far a source reaches at this moment.

    Parameters
    ----------
    earliest, latest
        Per partition, the first offset that can still be read and the one after the last record.
    closed
        Whether nothing will ever be added (a bounded source): once `latest` is reached the stream
        has ended and all its windows close.
    """

    earliest: dict[str, int]
    latest: dict[str, int]
    closed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """The rows of a span after decoding.

    Parameters
    ----------
    rows
        One Arrow column per field of the stream's schema plus ``_row`` (int64), the number of the
        record in the raw table, in order of arrival.
    rejects
        Columns ``_row`` (int64) and ``reason`` (string): the records that did not decode.
    """

    rows: pa.Table
    rejects: pa.Table = field(repr=False)
