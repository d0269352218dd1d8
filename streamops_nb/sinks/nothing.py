"""No output: the rows are counted and forgotten."""

from __future__ import annotations

from typing import ClassVar

from streamops_nb.db import Session
from streamops_nb.sinks import base

__all__ = ["NoSettings", "NoSink"]


class NoSettings(base.Settings):
    """Nothing can be set."""


class NoSink:
    """Runs the query for its counts, rejects and metrics only."""

    Settings: ClassVar[type[base.Settings]] = NoSettings
    transactional: ClassVar[bool] = True

    def __init__(self, settings: NoSettings, context: base.Context) -> None:
        pass

    def open(self, session: Session) -> None:
        """See `streamops_nb.sinks.base.TransactionalSink.open`."""

    def write(self, n: int, select: str, session: Session) -> int:
        """Run the query and count its rows."""
        # every column is computed, so that an expression that fails is noticed as with other sinks
        return len(session.table(select))

    def tidy(self, session: Session) -> None:
        """See `streamops_nb.sinks.base.TransactionalSink.tidy`."""
