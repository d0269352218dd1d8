"""Events: facts about a job. Whatever a screen shows is folded from them.

The family is closed: what is not listed here is not an event. `to_json` and `from_json` are
inverse to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from streamops_nb.model.batch import Span
from streamops_nb.model.errors import StorageError
from streamops_nb.model.flow import Holder, StageRows
from streamops_nb.model.lifecycle import Status

__all__ = [
    "FILLED",
    "FOREVER",
    "KINDS",
    "NEVER",
    "UNFILLED",
    "ActionTaken",
    "BatchCommitted",
    "Batches",
    "BatchesRolled",
    "ErrorRaised",
    "Event",
    "JobSaved",
    "LateFound",
    "Noted",
    "RejectsFound",
    "RunEnded",
    "RunStarted",
    "SourceNoted",
    "StatusChanged",
    "from_json",
    "to_json",
]

NEVER = -(2**62)
"""The watermark of a stream of which nothing is known yet (microseconds since the epoch)."""

FOREVER = 2**62
"""The watermark of a stream that has ended."""

UNFILLED = "field without values"
"""What is noted of a stream of which no record has a field that its schema declares."""

FILLED = "field has values"
"""What is noted when such a field gets a value after all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A fact about a job.

    Parameters
    ----------
    job
        The job's name; empty for a fact about the workspace.
    run
        The number of the run it belongs to, from 1; 0 outside a run.
    seq
        The number of a fact that comes from the job's own file: 1, 2, 3 … over all its runs, in
        order. 0 for a fact from elsewhere (a job was saved, an action was taken).
    at
        Wall time, in seconds since the epoch.
    """

    job: str
    run: int = 0
    seq: int = 0
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class JobSaved(Event):
    """A version of a job was saved.

    Parameters
    ----------
    drop_state
        Whether its author agreed that kept window state is dropped.
    """

    version: int
    author: str
    comment: str = ""
    drop_state: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionTaken(Event):
    """Somebody asked something of a job.

    Parameters
    ----------
    who, action, why
        The person, what was asked (``start``, ``reset position``), and the given reason.
    result
        ``done``, or the words of the refusal.
    line
        The line of Python that does the same.
    """

    who: str
    action: str
    why: str = ""
    result: str = "done"
    line: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusChanged(Event):
    """A job's observed status changed."""

    before: Status
    after: Status
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStarted(Event):
    """A run began.

    Parameters
    ----------
    version, cu
        With which specification, and the CU that it holds.
    start
        In words, from where.
    """

    version: int
    start: str = ""
    cu: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEnded(Event):
    """A run ended, with the status it ended in and why."""

    status: Status
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batches(Event):
    """What one batch did, or several of one run; sums, or as it was after the last of them.

    Parameters
    ----------
    n
        The number of the batch.
    rows_in, rows_out, rejects, bytes_in
        Records read, rows written, records that became rejects, bytes read.
    late, partly_late, cut_off
        Rows of which all, or some, windows had closed; windows, of all stages, that began before
        the start point and were therefore dropped or emitted with a mark.
    watermarks
        Per stream, the watermark after the batch, microseconds since the epoch, from `NEVER` to
        `FOREVER`.
    frontiers
        Per stage, the time up to which its windows have closed, likewise.
    lag
        Per stream, how much is left to read after the batch, in the unit of the source.
    seconds
        Per phase (``read``, ``decode``, ``run``, ``write``, ``commit``), how long it took.
    state_rows
        Rows of window state after the batch.
    holders
        Per stream whose watermark could be further if one partition were: that partition.
    looked_rows, unordered
        Of the records read, those of batches that were looked at more closely: rows are counted at
        every stage then, and how many came after a later one of their partition.
    stages
        Per stage, what it read and gave; see `StageRows`.
    closes
        Per stage over windows, the watermark at which the first window that has rows closes,
        microseconds; of batches that were looked at.
    """

    n: int
    rows_in: int = 0
    rows_out: int = 0
    rejects: int = 0
    bytes_in: int = 0
    late: int = 0
    partly_late: int = 0
    cut_off: int = 0
    watermarks: Mapping[str, int] = field(default_factory=dict)
    frontiers: Mapping[str, int] = field(default_factory=dict)
    lag: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    state_rows: int = 0
    holders: Mapping[str, Holder] = field(default_factory=dict)
    looked_rows: int = 0
    unordered: int = 0
    stages: Mapping[str, StageRows] = field(default_factory=dict)
    closes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchCommitted(Batches):
    """A batch was committed; `spans` is, per stream, what was read."""

    spans: Mapping[str, Span] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchesRolled(Batches):
    """Several batches of one run, rolled up: it stands where they stood, and folds to the same.

    `at` and `seq` are those of the last of them.

    Parameters
    ----------
    batches, since
        How many there were, and when the first was committed, seconds since the epoch.
    longest
        How long the slowest took, seconds.
    spanned
        Per stream, how much was read in all, in the unit of the source.
    """

    batches: int
    since: float
    longest: float = 0.0
    spanned: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorRaised(Event):
    """Something failed that was not a row.

    Parameters
    ----------
    stage, kind, message
        Where, the class of the error, and its words.
    batch, spans
        The batch that was being worked on, and what it reads; None and empty outside a batch.
    retryable, attempt, again_at
        Whether it will be tried again, how often it has been tried by now, and when it will be
        (seconds since the epoch; None if it will not).
    trace
        The traceback, for those who ask for it.
    level
        ``error``, or ``warning`` for what needs nobody's hand.
    count, first_at
        How many equal errors it stands for, and when the first of them happened (None: `at`).
        What it says otherwise is said of that first one.
    """

    stage: str
    kind: str
    message: str
    batch: int | None = None
    spans: Mapping[str, Span] = field(default_factory=dict)
    retryable: bool = False
    attempt: int = 1
    again_at: float | None = None
    trace: str = ""
    level: str = "error"
    count: int = 1
    first_at: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectsFound(Event):
    """Rows became rejects: `count` of one kind in one stage, for reasons like `example`.

    Parameters
    ----------
    batch, first_at
        The first batch that had them, and when that was committed (None: `at`).
    """

    batch: int
    stage: str
    kind: str
    count: int
    example: str = ""
    first_at: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LateFound(Event):
    """Rows came after all, or some, of their windows had closed."""

    batch: int
    stage: str
    late: int = 0
    partly_late: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceNoted(Event):
    """A source showed something worth knowing: `what` happened, in words in `message`.

    For example `UNFILLED`; of a reference, whose name is `stream` then, ``reference changed``.
    """

    stream: str
    what: str
    message: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted(Event):
    """The workspace noticed something that a person should know: `what`, in words in `message`.

    For example ``pause ends soon``, ``clock jumped``, ``usage``.
    """

    what: str
    message: str = ""


_FAMILY: tuple[type[Event], ...] = (
    JobSaved,
    ActionTaken,
    StatusChanged,
    RunStarted,
    RunEnded,
    BatchCommitted,
    BatchesRolled,
    ErrorRaised,
    RejectsFound,
    LateFound,
    SourceNoted,
    Noted,
)

KINDS: Mapping[str, type[Event]] = MappingProxyType({event.__name__: event for event in _FAMILY})
"""The whole family, by the name under which each is stored."""


def _spans(value: Mapping[str, Any]) -> dict[str, Span]:
    return {stream: Span.from_json(span) for stream, span in value.items()}


def _holders(value: Mapping[str, Any]) -> dict[str, Holder]:
    return {stream: Holder(*held) for stream, held in value.items()}


def _stages(value: Mapping[str, Any]) -> dict[str, StageRows]:
    return {stage: StageRows(*rows) for stage, rows in value.items()}


_READ: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "before": Status,
        "after": Status,
        "status": Status,
        "spans": _spans,
        "holders": _holders,
        "stages": _stages,
    }
)


def _plain(value: Any) -> Any:
    if isinstance(value, Span):
        return value.to_json()
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value.value if isinstance(value, Status) else value


def to_json(event: Event) -> dict[str, Any]:
    """Give an event as plain values: its class as ``event``, and its fields."""
    values = {f.name: _plain(getattr(event, f.name)) for f in fields(event)}
    return {"event": type(event).__name__, **values}


def from_json(value: Mapping[str, Any]) -> Event:
    """Read back what `to_json` gave.

    Raises
    ------
    StorageError
        If it is no event that this version knows.
    """
    content = dict(value)
    name = content.pop("event", None)
    family = KINDS.get(str(name))
    if family is None:
        raise StorageError(f"unknown event {name!r} - a newer streamops_nb wrote it, use that one")
    try:
        return family(**{k: _READ[k](v) if k in _READ else v for k, v in content.items()})
    except (TypeError, ValueError) as error:
        raise StorageError(f"a stored {name} cannot be read: {error}") from error
