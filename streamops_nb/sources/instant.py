"""Instants in settings: always aware, always UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator

__all__ = ["EPOCH", "Instant", "micros"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _as_utc(value: datetime) -> datetime:
    """Take a time without a zone as UTC, as everywhere in this package."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_as_utc)]
"""A time of day and date; without a zone it is UTC."""


def micros(when: datetime) -> int:
    """Give the microseconds between the epoch and `when`."""
    return (when - EPOCH) // timedelta(microseconds=1)
