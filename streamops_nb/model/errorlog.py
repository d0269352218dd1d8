"""The error log: what went wrong, entry by entry, and equal ones together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streamops_nb.model.batch import Span
from streamops_nb.model.events import (
    UNFILLED,
    ErrorRaised,
    Event,
    RejectsFound,
    SourceNoted,
)
from streamops_nb.model.fingerprint import fingerprint

__all__ = ["LEVELS", "Entry", "Group", "entry_of", "grouped"]

LEVELS = ("info", "warning", "error")
"""From what is only worth knowing to what needs somebody's hand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Something that went wrong once, or `count` times in a row.

    Parameters
    ----------
    at, first_at
        When the last and the first of them happened, seconds since the epoch.
    level
        One of `LEVELS`.
    stage
        Where: a stage, a stream, ``alarm``, or empty for the engine itself.
    kind
        The class of the error; of rejects ``reject: decode``, ``reject: expression`` and so on.
    message, batch, spans, trace
        The words, the batch, what that reads, and the traceback of the first.
    fingerprint
        What equal ones have in common.
    """

    at: float
    first_at: float
    level: str
    job: str
    run: int
    batch: int | None
    stage: str
    kind: str
    message: str
    count: int
    spans: Mapping[str, Span] = field(default_factory=dict)
    trace: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Equal errors: how many, when the first and the last, and what the first said."""

    fingerprint: str
    level: str
    job: str
    stage: str
    kind: str
    message: str
    count: int
    first_at: float
    last_at: float
    runs: tuple[int, ...]


def entry_of(event: Event) -> Entry | None:
    """Give the entry that an event makes in the log; None if it makes none."""
    if isinstance(event, ErrorRaised):
        return Entry(
            at=event.at, first_at=_first(event), level=event.level, job=event.job, run=event.run,
            batch=event.batch, stage=event.stage, kind=event.kind, message=event.message,
            count=event.count, spans=event.spans, trace=event.trace,
            fingerprint=fingerprint(event),
        )  # fmt: skip
    if isinstance(event, RejectsFound):
        return Entry(
            at=event.at, first_at=_first(event), level="warning", job=event.job, run=event.run,
            batch=event.batch, stage=event.stage, kind=f"reject: {event.kind}",
            message=event.example, count=event.count, fingerprint=fingerprint(event),
        )  # fmt: skip
    if isinstance(event, SourceNoted):
        return Entry(
            at=event.at, first_at=event.at, level="warning" if event.what == UNFILLED else "info",
            job=event.job, run=event.run, batch=None,
            stage=event.stream, kind=event.what, message=event.message, count=1,
            fingerprint=f"{event.job}/{event.stream}/{event.what}",
        )  # fmt: skip
    return None


def _first(event: ErrorRaised | RejectsFound) -> float:
    return event.at if event.first_at is None else event.first_at


def grouped(entries: Iterable[Entry]) -> list[Group]:
    """Put equal entries together; the group that was added to last comes first."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.fingerprint, []).append(entry)
    found = [_group(alike) for alike in groups.values()]
    return sorted(found, key=lambda group: group.last_at, reverse=True)


def _group(alike: list[Entry]) -> Group:
    first = min(alike, key=lambda entry: entry.first_at)
    return Group(
        fingerprint=first.fingerprint,
        level=max((entry.level for entry in alike), key=LEVELS.index),
        job=first.job,
        stage=first.stage,
        kind=first.kind,
        message=first.message,
        count=sum(entry.count for entry in alike),
        first_at=first.first_at,
        last_at=max(entry.at for entry in alike),
        runs=tuple(sorted({entry.run for entry in alike if entry.run})),
    )
