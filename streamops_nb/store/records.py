"""What the catalog gives back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from streamops_nb.model.events import Event
from streamops_nb.model.lifecycle import JobState

__all__ = ["FRESH", "Allocation", "JobRecord", "Page", "Version"]

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
