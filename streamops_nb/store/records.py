"""What the catalog gives back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from streamops_nb.model.events import Event
from streamops_nb.model.lifecycle import JobState, Status

__all__ = ["FRESH", "Allocation", "JobRecord", "Page", "Version", "record_of"]

FRESH = pa.schema(
    [
        ("id", pa.int64()),
        ("job", pa.string()),
        ("seq", pa.int64()),
        ("at", pa.float64()),
        ("kind", pa.string()),
        ("body", pa.string()),
    ]
)
"""A row of the table of events."""

_STATUS = {status.value: status for status in Status}


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRecord:
    """A job as the catalog knows it.

    Parameters
    ----------
    name, author
        The job, and the person it belongs to: who saved it first.
    version
        Its latest version.
    created_at, saved_at
        When its first and its latest version were saved, in seconds since the epoch.
    state
        What was commanded and reported last.
    run
        The number of its latest run; 0 before the first.
    copied
        The number of the last fact that was copied from the job's own file.
    owner, tags, cu
        As its latest version says.
    ran, held
        The version of its latest run (0 before the first), and the CU that run holds while the
        job is active.
    """

    name: str
    author: str
    version: int
    created_at: float
    saved_at: float
    state: JobState
    run: int
    copied: int
    owner: str
    tags: tuple[str, ...]
    cu: float
    ran: int
    held: float

    def carries(self, tags: str | Collection[str] = (), owner: str | None = None) -> bool:
        """Say if it has all these tags and, if one is given, belongs to this person."""
        asked = {tags} if isinstance(tags, str) else set(tags)
        return asked <= set(self.tags) and (owner is None or self.owner == owner)


def record_of(row: tuple[Any, ...]) -> JobRecord:
    """Make a record of a row of the table of jobs."""
    name, author, version, created_at, saved_at, desired, observed, since, reason = row[:9]
    run, copied, owner, tags, cu, ran, held = row[9:]
    # looked up: to make a Status of its text takes a fifth of listing 10,000 jobs
    standing = _STATUS[observed]
    state = JobState(desired=_STATUS[desired], observed=standing, since=since, reason=reason)
    return JobRecord(
        name=name,
        author=author,
        version=version,
        created_at=created_at,
        saved_at=saved_at,
        state=state,
        run=run,
        copied=copied,
        owner=owner or "",
        tags=tuple(tags or ()),
        cu=cu or 0.0,
        ran=ran,
        held=held,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A version of a job: by whom it was saved, when (seconds since the epoch), and why."""

    job: str
    version: int
    author: str
    at: float
    comment: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some events in the order in which the catalog got them.

    Parameters
    ----------
    events
        The events.
    next
        What to give as ``since`` to get those that came after them.
    """

    events: tuple[Event, ...]
    next: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Allocation:
    """The CU that were requested for the workspace, and whether they have been granted."""

    cu: float
    status: Literal["ALLOCATING", "ALLOCATED"]
    at: float
    who: str = ""
