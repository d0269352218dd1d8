"""Rows of a preview as DataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from streamops_nb.engine.preview.trace import Trace

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["frame", "records_of"]


def frame(table: pa.Table) -> pd.DataFrame:
    """Give an Arrow table as a DataFrame."""
    made: pd.DataFrame = table.to_pandas()
    return made


def records_of(trace: Trace, name: str, numbers: np.ndarray) -> pd.DataFrame:
    """Give rows of a relation; those of a stream with ``_partition`` and ``_offset`` in front."""
    places = pa.array(numbers, pa.int64())
    rows = frame(trace.table(name).take(places))
    if name in trace.flows:
        spots = trace.records(name, numbers)
        rows.insert(0, "_partition", [partition for partition, _ in spots])
        rows.insert(1, "_offset", [offset for _, offset in spots])
    return rows
