"""Frames as bounded sources."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from streamops_nb.model.batch import Ends, Position, Slice, Span
from streamops_nb.model.errors import SourceError
from streamops_nb.sources.base import Limit, Source, Traits

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FrameSource", "frame_source"]


def frame_source(frame: Any) -> Source:
    """Make a source of a DataFrame, an Arrow table, or hand on what is a source already."""
    if hasattr(frame, "cut"):
        source: Source = frame
        return source
    return FrameSource(frame)


class FrameSource:
    """A bounded source over the rows of a frame, in their order.

    Parameters
    ----------
    frame
        A pandas DataFrame or an Arrow table.
    """

    traits = Traits(decoded=True, apart=False, bounded=True)

    def __init__(self, frame: pd.DataFrame | pa.Table) -> None:
        table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame)
        self._table = table.select([n for n in table.column_names if not n.startswith("__")])

    def ends(self) -> Ends:
        """See `Source.ends`."""
        return Ends(earliest={"0": 0}, latest={"0": self._table.num_rows}, closed=True)

    def seek(self, to: datetime | int) -> Position:
        """See `Source.seek`; a frame has no times of its own."""
        if not isinstance(to, int):
            raise SourceError("a frame has no times of its own", retryable=False)
        return {"0": max(0, self._table.num_rows - to)}

    def cut(self, position: Position, limit: Limit) -> Span:
        """See `Source.cut`."""
        begin = position.get("0", 0)
        end = min(self._table.num_rows, begin + limit.rows)
        return Span((Slice("0", begin, end),)) if end > begin else Span()

    def read(self, span: Span) -> pa.Table:
        """See `Source.read`."""
        (piece,) = span.slices
        rows = self._table.slice(piece.start, piece.stop - piece.start)
        offsets = pa.array(range(piece.start, piece.stop), pa.int64())
        names = pa.array(["0"] * rows.num_rows, pa.string())
        return rows.append_column("_partition", names).append_column("_offset", offsets)

    def close(self) -> None:
        """See `Source.close`."""
