"""Times as people give them: a time, or how long ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic_core import PydanticCustomError

from streamops_nb.model.duration import parse_duration
from streamops_nb.model.errors import Refused
from streamops_nb.model.wording import cut

__all__ = ["When", "seconds_of"]

When = datetime | timedelta | str | None
"""A time (aware, or text in ISO 8601 with its zone), or how long ago (``"1h"``)."""


def seconds_of(when: When, now: float) -> float | None:
    """Give a time in seconds since the epoch.

    Raises
    ------
    Refused
        If it is neither a time with its zone nor a length of time.
    """
    if when is None:
        return None
    if isinstance(when, datetime):
        return _aware(when, str(when)).timestamp()
    if isinstance(when, timedelta):
        return now - when.total_seconds()
    try:
        return now - parse_duration(when).total_seconds()
    except PydanticCustomError:
        pass
    try:
        return _aware(datetime.fromisoformat(when), when).timestamp()
    except (ValueError, TypeError):
        raise Refused(
            f'"{cut(str(when))}" is neither a time nor a length of time'
            ' - write "1h", "90s", or a time such as "2026-01-31T08:30:00Z"'
        ) from None


def _aware(at: datetime, text: str) -> datetime:
    if at.tzinfo is None:
        raise Refused(f"the time {cut(text)} has no zone - write {at.isoformat()}Z for UTC")
    return at.astimezone(UTC)
