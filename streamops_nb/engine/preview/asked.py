"""What is asked of a row that is not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.db import literal
from streamops_nb.engine.preview.matching import as_scalar, is_plain, matching
from streamops_nb.model.errors import Refused
from streamops_nb.plan.tracing import Input

__all__ = ["Key", "as_sql", "holds", "microseconds", "times_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """What is known of a row: values of columns, and bounds of times (microseconds)."""

    values: Mapping[str, Any] = field(default_factory=dict)
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """The columns."""
        return {*self.values, *self.ranges}


def holds(table: pa.Table, column: str, key: Key) -> np.ndarray:
    """For each row whether it fits what a key says of a column."""
    mask = np.zeros(table.num_rows, dtype=bool)
    if column in key.ranges:
        low, high = key.ranges[column]
        us = table[column].cast(pa.timestamp("us", tz=table[column].type.tz)).cast(pa.int64())
        within = pc.and_(pc.greater_equal(us, low), pc.less(us, high))
        return np.asarray(pc.fill_null(within, False).to_numpy(), dtype=bool)
    mask[matching(table.select([column]), {column: key.values[column]})] = True
    return mask


def as_sql(name: str, value: Any, kinds: tuple[str, pa.DataType]) -> str | None:
    """A user's value as SQL; None for NULL."""
    duck, arrow = kinds
    if not is_plain(arrow) and value is not None:
        raise Refused(f"`{name}` is {duck}: give a column of plain values as the key")
    scalar = as_scalar(name, value, arrow)
    if not scalar.is_valid:
        return None
    return f"CAST({literal(str(scalar.as_py()))} AS {duck})"


def microseconds(name: str, value: Any) -> int | None:
    """A user's time, microseconds since the epoch; None for NULL."""
    scalar = as_scalar(name, value, pa.timestamp("us", tz="UTC"))
    found: int | None = scalar.cast(pa.int64()).as_py()
    return found


def times_of(found: Input, bounds: Mapping[str, int]) -> tuple[int, int]:
    """The times of rows that a window may hold, as far as its bounds tell."""
    macro = found.item.macro
    assert macro is not None
    size = macro.window.size
    if macro.window.kind == "session":
        return bounds.get("start", -(2**62)), bounds.get("end", 2**62)
    start, end = bounds.get("start"), bounds.get("end")
    low = start if start is not None else (end or 0) - size
    return low, end if end is not None else low + size
