"""The port of a sink.

A sink is written batch by batch, by number. Two kinds exist and the class says which
(``transactional``):

* a *transactional* sink lives in the job's own file and is written inside the batch's
  transaction, through the session it is handed: exactly once without further care;
* an *external* sink is written before the commit, after the batch's record is durable. After a
  crash the same batch, with the same number and the same rows, is written again: the sink has to
  ignore or replace a number it already has (then it is exactly once), or say that it is at least
  once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import pyarrow as pa

    from streamops_nb.db import Session

__all__ = ["Context", "ExternalSink", "Settings", "SinkType", "TransactionalSink"]


class Settings(BaseModel):
    """What a user may write below ``sink:`` besides ``type``."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a sink is handed when it is built.

    Parameters
    ----------
    job
        The job's name.
    folder
        Relative paths in the settings are relative to this folder.
    schema
        Output column to DuckDB type.
    database
        The quoted name of the job's attached database file (for transactional sinks).
    """

    job: str
    folder: Path
    schema: dict[str, str]
    database: str = ""


class TransactionalSink(Protocol):
    """A sink inside the job's own file."""

    transactional: ClassVar[bool]  # True

    def open(self, session: Session) -> None:
        """Create what is missing; called once, before the first batch, outside a transaction."""
        ...

    def write(self, n: int, select: str, session: Session) -> int:
        """Append the rows of the query `select` as batch `n`; return their number."""
        ...

    def tidy(self, session: Session) -> None:
        """Apply retention; called now and then between batches."""
        ...


class ExternalSink(Protocol):
    """A sink outside the job's file."""

    transactional: ClassVar[bool]  # False

    def open(self) -> None:
        """Connect or create folders; remove what a crash left half done."""
        ...

    def write(self, n: int, rows: pa.Table) -> None:
        """Make the rows of batch `n` visible all at once; return when they are durable."""
        ...

    def tidy(self) -> None:
        """Apply retention and compaction; called now and then between batches."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


class SinkType(Protocol):
    """What a plug-in of the group ``streamops_nb.sinks`` names."""

    Settings: ClassVar[type[Settings]]

    def __call__(self, settings: Any, context: Context) -> TransactionalSink | ExternalSink:
        """Make a sink; it does nothing before `open`."""
        ...
