"""Event times of raw records, for finding a start point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from streamops_nb.db import sealed
from streamops_nb.formats.csv_format import CsvFormat
from streamops_nb.formats.json_format import JsonFormat
from streamops_nb.formats.parquet_format import ParquetFormat

if TYPE_CHECKING:
    from streamops_nb.db import Session
    from streamops_nb.sources.base import Context

__all__ = ["event_field", "event_times", "settings_of"]

_FORMATS: dict[str, Any] = {"csv": CsvFormat, "json": JsonFormat, "parquet": ParquetFormat}


def settings_of(kind: Any, context: Context) -> Any:
    """Give the settings of the stream's format, of class ``kind.Settings``."""
    given = context.format_settings
    return given if isinstance(given, kind.Settings) else kind.Settings(**(given or {}))


def event_field(context: Context) -> dict[str, str] | None:
    """Give name and type of the event time; None if records of this format have none."""
    name = context.event_time
    if name is None or context.schema is None or context.format not in _FORMATS:
        return None
    return {name: context.schema[name]} if name in context.schema else None


@contextmanager
def event_times(
    context: Context, field: dict[str, str]
) -> Iterator[Callable[[pa.Table], pa.Table]]:
    """Give a function from raw records to ``_row`` and ``time`` (UTC, without zone).

    Only the one field is decoded; records without a readable event time are left out.
    """
    kind = _FORMATS[context.format]
    settings = settings_of(kind, context)
    by_place = kind is CsvFormat and not settings.header
    decoder = kind(settings, dict(context.schema or {}) if by_place else field)
    [name] = field
    with _session(context) as session:

        def times(raw: pa.Table) -> pa.Table:
            rows = decoder.decode(raw, session).rows
            return pa.table({"_row": rows["_row"], "time": rows[name].cast(pa.timestamp("us"))})

        yield times


@contextmanager
def _session(context: Context) -> Iterator[Session]:
    """Borrow a database session, or open one that can reach nothing."""
    if context.session is not None:
        session = context.session()
        try:
            yield session
        finally:
            session.close()
        return
    instance = sealed()
    try:
        yield instance.session()
    finally:
        instance.close()
