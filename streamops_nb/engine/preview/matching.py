"""Finding rows by values that a user writes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.engine.preview.difference import TOLERANCE
from streamops_nb.model.errors import Refused
from streamops_nb.model.wording import did_you_mean, shown

__all__ = ["as_scalar", "check_columns", "is_plain", "matching"]


def check_columns(values: Mapping[str, Any], known: Mapping[str, Any] | list[str]) -> None:
    """Refuse a row that names a column which is not there."""
    for name in values:
        if name not in known:
            raise Refused(f"there is no column `{name}` - {did_you_mean(str(name), known)}")


def matching(table: pa.Table, values: Mapping[str, Any]) -> np.ndarray:
    """Give the places of the rows that have all these values.

    Floating-point values are equal up to a relative 1e-9; None, NaN and NaT are SQL's NULL.

    Raises
    ------
    Refused
        If there is no such column, or a value does not fit its type.
    """
    check_columns(values, table.column_names)
    found = np.ones(table.num_rows, dtype=bool)
    for name, value in values.items():
        found &= _equal(name, table[name], value)
    return np.flatnonzero(found)


def is_plain(kind: pa.DataType) -> bool:
    """Whether Arrow compares values of a type."""
    return not (pa.types.is_nested(kind) or pa.types.is_interval(kind))


def as_scalar(name: str, value: Any, kind: pa.DataType) -> pa.Scalar:
    """Give a user's value as one of a column's type."""
    if isinstance(value, pa.Scalar):
        return value.cast(kind)
    if _missing(value):
        return pa.scalar(None, kind)
    try:
        if pa.types.is_timestamp(kind):
            return _stamp(value, kind)
        plain = value.item() if isinstance(value, np.generic) else value
        if isinstance(plain, str) and not _is_text(kind):
            return pa.scalar(plain).cast(kind)
        return pa.scalar(plain, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, ValueError,
            TypeError, OverflowError):  # fmt: skip
        raise Refused(f"`{name}` is {kind}, which {shown(value)} does not fit") from None


def _equal(name: str, column: pa.ChunkedArray, value: Any) -> np.ndarray:
    kind = column.type
    if not is_plain(kind):
        value = value.as_py() if isinstance(value, pa.Scalar) else value
        return np.array([_plain(cell) == _plain(value) for cell in column.to_pylist()], dtype=bool)
    wanted = as_scalar(name, value, kind)
    if not wanted.is_valid:
        return _mask(pc.is_null(column, nan_is_null=True))
    if pa.types.is_floating(kind) and np.isnan(wanted.as_py()):
        return _mask(pc.is_nan(column))
    if pa.types.is_floating(kind) and np.isfinite(wanted.as_py()):
        scale = max(abs(wanted.as_py()), np.finfo(float).tiny)
        return _mask(pc.less_equal(pc.abs(pc.subtract(column, wanted)), TOLERANCE * scale))
    return _mask(pc.equal(column, wanted))


def _mask(found: pa.ChunkedArray) -> np.ndarray:
    mask: np.ndarray = pc.fill_null(found, False).to_numpy().astype(bool)
    return mask


def _missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NaTType", "NAType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def _stamp(value: Any, kind: pa.DataType) -> pa.Scalar:
    import pandas as pd

    stamp = pd.Timestamp(value)
    if kind.tz is not None and stamp.tzinfo is None:
        stamp = stamp.tz_localize("UTC")
    elif kind.tz is None and stamp.tzinfo is not None:
        stamp = stamp.tz_convert("UTC").tz_localize(None)
    return pa.scalar(stamp.to_pydatetime(warn=False), kind)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _plain(value: Any) -> Any:
    """A nested value, however pandas or Arrow give it."""
    if isinstance(value, np.ndarray):
        return [_plain(v) for v in value.tolist()]
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return value
