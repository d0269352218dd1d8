"""A preview's rows as DataFrames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from streamops_nb.engine.preview.result import Result, StageResult
from streamops_nb.model.errors import Refused
from streamops_nb.model.wording import did_you_mean, number_of
from streamops_nb.ops.preview.passing import Passing
from streamops_nb.ops.preview.rows import frame

if TYPE_CHECKING:
    import pandas as pd

    from streamops_nb.ops.preview.examining import Examining

__all__ = ["StageFrames", "Stages", "frame"]


class StageFrames(Passing):
    """One stage of a preview: what went in, what came out.

    Attributes
    ----------
    name, columns
        The stage and its columns' DuckDB types.
    rows_in, rows_out, rejected
        Rows read of streams and stages, rows made, and rows on which it failed.
    seconds
        How long it took.
    """

    def __init__(self, stage: StageResult, result: Result, preview: Examining) -> None:
        self._stage = stage
        self._preview = preview
        self._result = result
        self.name = stage.name
        self.kind = stage.kind
        self.columns = dict(stage.columns)
        self.rows_in = stage.rows_in
        self.rows_out = stage.rows_out
        self.rejected = stage.rejected
        self.seconds = stage.seconds

    @property
    def table(self) -> pa.Table:
        """What came out, as Arrow."""
        return self._stage.table

    @cached_property
    def df(self) -> pd.DataFrame:
        """What came out; a stage over windows has a column ``_window`` at the end.

        It says ``complete`` (the job would have emitted the row by the sample's end), ``early``
        (its window is still open there) or ``cut off`` (its window begins before the sample).
        """
        return frame(self._stage.table)

    @cached_property
    def inputs(self) -> Mapping[str, pd.DataFrame]:
        """What went in, by the name of the stream or stage."""
        tables: dict[str, pa.Table] = {}
        for name in self._stage.inputs:
            if name in self._result.flows:
                tables[name] = self._result.flows[name].inflow.table
            elif name in self._result.stages:
                tables[name] = self._result.stages[name].table
        return {name: frame(table) for name, table in tables.items()}

    def __repr__(self) -> str:
        rejected = f", {self.rejected:,} rejected" if self.rejected else ""
        return f"{self.name}: {number_of(self.rows_in)} in, {self.rows_out:,} out{rejected}"


class Stages(Mapping[str, StageFrames]):
    """The stages of a preview, in the order of the query, by name."""

    def __init__(self, result: Result, preview: Examining) -> None:
        self._stages = {
            n: StageFrames(stage, result, preview) for n, stage in result.stages.items()
        }

    def __getitem__(self, name: str) -> StageFrames:
        if name not in self._stages:
            raise Refused(f"there is no stage `{name}` - {did_you_mean(name, self._stages)}")
        return self._stages[name]

    def __contains__(self, name: object) -> bool:
        return name in self._stages

    def __iter__(self) -> Iterator[str]:
        return iter(self._stages)

    def __len__(self) -> int:
        return len(self._stages)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._stages.values()))
