"""What a job wrote to its table: rows, their number and time, and questions to them."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from streamops_nb.db import ident
from streamops_nb.model.errors import Refused
from streamops_nb.model.given import text_of, whole_number
from streamops_nb.model.silence import length
from streamops_nb.model.wording import number_of
from streamops_nb.ops.html import table, text
from streamops_nb.ops.preview.cells import rows_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from streamops_nb.ops.workspace import Workspace

__all__ = ["Output"]

_SHOWN = 10


class Output:
    """The output table of a job; every question is asked anew."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self._name = name

    def df(self, rows: int | None = None) -> pd.DataFrame:
        """Give the output as a DataFrame.

        Parameters
        ----------
        rows
            Only so many of the newest rows, the newest first; default all.
        """
        if rows is None:
            return self._frame(f"SELECT * EXCLUDE (_batch) FROM {self._table}")
        frame: pd.DataFrame = self.newest(rows).to_pandas()
        return frame

    def newest(self, rows: int) -> pa.Table:
        """Give the newest rows, at most so many: the last batch first, and of it the last time."""
        most = whole_number(rows, "rows")
        column = self._time_column()
        times = "" if column is None else f"{column} DESC NULLS LAST, "
        return self._workspace.read(
            f"SELECT * EXCLUDE (_batch) FROM {self._table} "
            f"ORDER BY _batch DESC, {times}rowid DESC LIMIT {most}"
        )

    def sql(self, query: str) -> pd.DataFrame:
        """Run a query over the output, which is the table ``output`` in it."""
        asked = text_of(query, "query", "write SQL over the table `output`")
        rows = f"SELECT * EXCLUDE (_batch) FROM {self._table}"
        frame: pd.DataFrame = self._workspace.read(asked, output=rows).to_pandas()
        return frame

    def __len__(self) -> int:
        found = self._workspace.read(f"SELECT count(*) AS n FROM {self._table}")
        return int(found["n"][0].as_py())

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self)

    @property
    def range(self) -> tuple[datetime, datetime] | None:
        """The earliest and the latest time in the output; None if it has no rows, or no time.

        By its column `window_end`, or the first that holds times; one that Python's calendar does
        not reach is none.
        """
        column = self._time_column()
        if column is None:
            return None
        query = f"SELECT min({column}) AS first, max({column}) AS last FROM {self._table}"
        first, last = rows_of(self._workspace.read(query))[0].values()
        told = isinstance(first, date) and isinstance(last, date)  # a datetime is one, too
        return (first, last) if told else None

    @property
    def freshness(self) -> float | None:
        """Seconds since a batch last wrote rows in the latest run; None if none did."""
        written = self._workspace.view(self._name).written_at
        return None if written is None else max(0.0, self._workspace.now() - written)

    def __repr__(self) -> str:
        found = self.range
        times = "" if found is None else f", {found[0]} to {found[1]}"
        fresh = (
            "" if self.freshness is None else f", the newest {length(round(self.freshness))} ago"
        )
        return f"Output of {self._name}: {number_of(self.count)}{times}{fresh}"

    def _repr_html_(self) -> str:
        return f"<p>{text(repr(self))}</p>{table(rows_of(self.newest(_SHOWN)))}"

    @property
    def _table(self) -> str:
        sink = self._workspace.spec(self._name).sink.type
        if sink != "table":
            raise Refused(
                f"the job `{self._name}` writes to {sink}, not to a table - look for its rows there"
            )
        return self._workspace.output(self._name)

    def _time_column(self) -> str | None:
        columns = self._workspace.read(f"DESCRIBE SELECT * FROM {self._table}").to_pylist()
        types = {str(row["column_name"]): str(row["column_type"]) for row in columns}
        timed = [name for name, kind in types.items() if kind.startswith(("TIMESTAMP", "DATE"))]
        if not timed:
            return None
        return ident("window_end" if "window_end" in timed else timed[0])

    def _frame(self, query: str) -> pd.DataFrame:
        frame: pd.DataFrame = self._workspace.read(query).to_pandas()
        return frame
