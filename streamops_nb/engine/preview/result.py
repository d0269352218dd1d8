"""What a preview found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from streamops_nb.engine.preview.flows import Flow
from streamops_nb.model.errors import Fault

__all__ = ["WINDOW", "Result", "StageResult", "WindowStatus"]

WINDOW = "_window"
"""The column that says of a row's window: `WindowStatus`."""


class WindowStatus:
    """What is known of the window of a row, at the end of a sample."""

    COMPLETE = "complete"
    """The watermark has passed its end: the job writes this row."""
    EARLY = "early"
    """Still open at the sample's end: more rows may come."""
    CUT_OFF = "cut off"
    """It begins before the sample: rows of it may be missing."""


@dataclass(frozen=True, kw_only=True)
class StageResult:
    """One stage in a preview.

    Parameters
    ----------
    kind
        ``flow``, ``closed`` (over windows) or ``reference``.
    table
        Its rows; for a stage over windows with the column `WINDOW` at the end.
    columns
        Column to DuckDB type, without `WINDOW`.
    inputs
        The relations that it reads.
    rows_in
        Rows of them, references apart.
    rejected
        Rows on which it failed.
    seconds
        How long it took.
    """

    name: str
    kind: str
    table: pa.Table
    columns: Mapping[str, str]
    inputs: tuple[str, ...]
    rows_in: int
    rejected: int = 0
    seconds: float = 0.0

    @property
    def rows_out(self) -> int:
        """The number of its rows."""
        return int(self.table.num_rows)


@dataclass(frozen=True, kw_only=True)
class Result:
    """A preview's result.

    Parameters
    ----------
    flows
        Per stream, its rows as decoded.
    stages
        What could be evaluated, in order.
    output
        The stage that makes the output; empty if the query does not get that far.
    rejects
        As the engine keeps them; ``batch`` and ``at`` are empty.
    late
        Rows that would have come late for the windows of a stage if every row were a batch of its
        own: ``stage``, ``stream``, ``late`` (``late`` or ``partly late``), ``partition``,
        ``offset`` and the row as text.
    faults
        What is wrong with the rest of the query.
    seconds
        Per phase, how long it took.
    """

    flows: Mapping[str, Flow]
    stages: Mapping[str, StageResult]
    output: str
    rejects: pa.Table
    late: pa.Table
    faults: tuple[Fault, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
