"""Some fields of raw records, decoded while a sample is being chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from streamops_nb.db import Session
from streamops_nb.engine.assembly import Surroundings, format_maker, timing_of
from streamops_nb.engine.watermark import FOREVER, NEVER
from streamops_nb.model.spec import Stream

__all__ = ["Fields"]

_SECOND = 1_000_000
_BY_NAME = ("json", "csv", "parquet")
"""Formats of which one field can be decoded without the others."""


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of one stream's records.

    Parameters
    ----------
    declared
        What the specification says of the stream.
    schema
        Field name to type, declared or inferred.
    decoded
        Whether the records' columns are fields already.
    """

    name: str
    declared: Stream
    schema: Mapping[str, str]
    decoded: bool
    around: Surroundings
    session: Session

    def columns(self, raw: pa.Table, names: list[str]) -> pa.Table:
        """Decode some fields; ``_row`` tells of which record."""
        environ = self.around.environ
        make = format_maker(self.name, self.declared, environ, decoded=self.decoded)
        format_ = self.declared.format
        alone = format_.type in _BY_NAME and format_.settings.get("header", True)
        schema = {n: self.schema[n] for n in names}
        whole = dict(self.schema)
        format_made = make(schema if self.decoded or alone else whole)
        return format_made.decode(raw, self.session).rows.select([*names, "_row"])

    def times(self, raw: pa.Table) -> np.ndarray:
        """Decode the event times, microseconds; `NEVER` for records without one that is of use."""
        times = np.full(raw.num_rows, NEVER, dtype=np.int64)
        timing = timing_of(self.declared)
        if timing is None or not raw.num_rows or timing.column not in self.schema:
            return times
        rows = self.columns(raw, [timing.column])
        stamps = rows[timing.column].cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        us = stamps.fill_null(NEVER).to_numpy()
        ahead = FOREVER if timing.ahead is None else timing.ahead
        latest = min(int(self.around.now() * _SECOND) + ahead, FOREVER - 1)
        times[rows["_row"].to_numpy()] = np.where(us <= latest, np.maximum(us, NEVER), NEVER)
        return times
