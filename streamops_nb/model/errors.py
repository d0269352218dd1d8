"""The error tree.

::

    StreamopsError
    ├── Refused                 the input is wrong; nothing was changed
    │   ├── SpecRefused         a job's specification
    │   ├── QueryRefused        a job's query
    │   ├── MoveRefused         an action that the job's status does not allow
    │   └── Forbidden           whoever asks may not do that on a served workspace
    ├── RowError                one row could not be decoded or evaluated (becomes a reject)
    ├── TooManyRejects          the share of rejects passed the spec's limit
    ├── SourceError             a source cannot be read        (retryable unless told otherwise)
    ├── SinkError               a sink cannot be written       (retryable unless told otherwise)
    ├── StorageError            a job's file or the catalog cannot be read or written
    │   └── WorkspaceOwned      another process owns the workspace
    ├── QueryError              the query failed for another reason than one row
    ├── Interrupted             somebody asked the running work to stop
    └── Unavailable             the owner of the workspace does not answer, or has too much to do

Whether a failure may be tried again stands in the type (``retryable``) or, for sources and sinks
whose failures come in both kinds, on the instance; a retry loop looks at that and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

__all__ = [
    "Fault",
    "Forbidden",
    "Interrupted",
    "MoveRefused",
    "QueryError",
    "QueryRefused",
    "Refused",
    "ResourcesRefused",
    "RowError",
    "SinkError",
    "SourceError",
    "SpecRefused",
    "StorageError",
    "StreamopsError",
    "TooManyRejects",
    "Unavailable",
    "WorkspaceOwned",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that is wrong with an input.

    Parameters
    ----------
    what
        What is wrong, in one sentence.
    where
        A path into the specification (``streams.readings.watermark_delay``) or a place in the
        query (``query 3:14``); empty if it concerns the whole input.
    remedy
        What would be accepted instead; empty if there is nothing to say.
    """

    what: str
    where: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f" - {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{remedy}"


class StreamopsError(Exception):
    """Base of all errors that streamops_nb raises on purpose.

    A note, which tracebacks show, names the command that prints what the documentation says of its
    class.
    """

    retryable: bool = False

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        name = type(self).__name__
        self.add_note(f"{name}: `streamops error {name}` says what causes it and what to do")


class Refused(StreamopsError):
    """The input was refused and nothing was changed.

    Parameters
    ----------
    faults
        Every fault that was found, or one sentence.
    """

    subject: ClassVar[str] = "The input"

    def __init__(self, faults: Iterable[Fault] | str) -> None:
        self.faults: tuple[Fault, ...] = (
            (Fault(what=faults),) if isinstance(faults, str) else tuple(faults)
        )
        if len(self.faults) == 1:
            text = str(self.faults[0])
        else:
            lines = "\n".join(f"  {fault}" for fault in self.faults)
            text = f"{self.subject} was refused, {len(self.faults)} faults:\n{lines}"
        super().__init__(text)


class SpecRefused(Refused):
    """A job's specification is not acceptable."""

    subject = "The specification"


class QueryRefused(Refused):
    """A job's query is not acceptable; each fault names its line and column."""

    subject = "The query"


class MoveRefused(Refused):
    """The action is not allowed in the job's present status."""

    subject = "The action"


class Forbidden(Refused):
    """Whoever asks may not do that; the message names the role that may."""


class ResourcesRefused(Refused):
    """Not enough CU are allocated or free; the message names what is needed and who holds it."""

    subject = "The request"


class RowError(StreamopsError):
    """An expression failed on a row: the row is a reject, the others go on."""


class TooManyRejects(StreamopsError):
    """The share of rejects in a batch passed ``errors.max_reject_share`` or policy is ``fail``."""


class SourceError(StreamopsError):
    """A source cannot be read.

    Parameters
    ----------
    message
        What happened and what to do about it.
    retryable
        Whether waiting and trying again can help (default yes).
    """

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


class SinkError(StreamopsError):
    """A sink cannot be written; parameters as of `SourceError`."""

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


class StorageError(StreamopsError):
    """A job's file or the catalog cannot be read or written (disk full, corrupt file)."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class WorkspaceOwned(StorageError):
    """Another living process owns the workspace; the message names it."""


class QueryError(StreamopsError):
    """The query failed for another reason than one of its rows."""


class Interrupted(StreamopsError):
    """The running work was asked to stop."""


class Unavailable(StreamopsError):
    """The owner of the workspace does not answer, or has too much to do at the moment."""

    retryable = True
