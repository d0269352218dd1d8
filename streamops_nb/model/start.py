"""Where a job starts to read, and what becomes of windows whose beginning lies before that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from streamops_nb.model.duration import Duration
from streamops_nb.model.fields import Name, Whole
from streamops_nb.model.part import Part
from streamops_nb.model.wording import did_you_mean, shown, wrong

__all__ = [
    "BY_SOURCE",
    "LAST_COMMIT",
    "OUTPUT_STAYS",
    "STOP_POINT",
    "Positions",
    "Start",
    "parse_start",
]

BY_SOURCE = "earliest where the stream ends, else latest"
"""How a first start is told that nobody chose a point for."""

LAST_COMMIT = "last commit"
STOP_POINT = "the point where it was stopped"
"""How a start is told that goes on from where the job stood, with its state and without."""

OUTPUT_STAYS = (
    "Rows that are in the output stay: with a `key` those are replaced whose key comes out again,"
    " without one all are added to them. Deleting the job empties its table."
)
"""What becomes of rows that are there if records are read once more."""

_WORDS = ("earliest", "latest", "stopped")
_EXAMPLES = (
    "accepted: `earliest`, `latest`, `stopped`, a time such as `2024-01-31T08:30:00Z` or "
    '`{positions: {readings: {"0": 12}}}`'
)


def _partitions(value: Any) -> Any:
    # the numbers of Kafka's partitions are keys that people write without quotes
    if isinstance(value, Mapping):
        return {
            str(key) if isinstance(key, int) and not isinstance(key, bool) else key: offset
            for key, offset in value.items()
        }
    return value


Offsets = Annotated[
    Mapping[str, Annotated[Whole, Field(ge=0)]], BeforeValidator(_partitions), Field(min_length=1)
]


class Positions(Part):
    """Offsets to start at: per stream and partition, the next record to read."""

    positions: Annotated[Mapping[Name, Offsets], Field(min_length=1)] = Field(
        examples=['{readings: {"0": 12}}']
    )


def parse_start(value: Any) -> Any:
    """Read a start point: a word, an ISO 8601 time with its zone, or positions.

    Raises
    ------
    pydantic_core.PydanticCustomError
        If it is none of these.
    """
    if value is None or isinstance(value, (Mapping, Positions)) or value in _WORDS:
        return value
    if isinstance(value, datetime):
        return _aware(value)
    if isinstance(value, str):
        return _aware(_time(value))
    raise wrong(f"{shown(value)} is not a start point", _EXAMPLES)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        near = did_you_mean(text, _WORDS)
        remedy = near if near.startswith("did") else _EXAMPLES
        raise wrong(f"{shown(text)} is not a start point", remedy) from error


def _aware(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise wrong(
            f"the time {time.isoformat()} has no zone", f"write `{time.isoformat()}Z` for UTC"
        )
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise wrong(f"the time {time.isoformat()} lies outside the calendar") from error


At = Annotated[
    Literal["earliest", "latest", "stopped"] | datetime | Positions | None,
    BeforeValidator(parse_start),
]


class Start(Part):
    """Where the first start reads from.

    Parameters
    ----------
    at
        ``earliest``, ``latest``, ``stopped`` (where the job stopped last), a time or positions;
        null leaves it to the source: earliest if it is bounded, else latest.
    cut_off
        Windows that began before the start point are dropped and counted (``drop``), emitted and
        marked by true in an additional output column ``_cut_off`` (``emit``), or rebuilt by reading
        back (``lookback``).
    lookback
        How far to read back; null means as far as the query's windows reach.
    """

    at: At = Field(None, examples=["earliest"])
    cut_off: Literal["drop", "emit", "lookback"] = "drop"
    lookback: Duration | None = Field(None, examples=["10m"])
