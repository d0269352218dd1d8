"""Run a job's query over a pinned sample, and compare what comes out with what should."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from streamops_nb.db import open_instance, sealed
from streamops_nb.engine.assembly import Surroundings
from streamops_nb.engine.preview.difference import Compared, compare
from streamops_nb.engine.preview.previewer import Previewer
from streamops_nb.engine.preview.sample import Sample
from streamops_nb.model.errors import QueryRefused
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan.planner import Planner
from streamops_nb.plan.specfile import load

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["assert_same_rows", "run_sample"]

_SHOWN = 10
"""So many rows of each kind stand in the message."""


def run_sample(
    spec: JobSpec | str | Path | Mapping[str, Any],
    sample: Sample | str | Path,
    *,
    params: Mapping[str, Any] | None = None,
    folder: Path | None = None,
) -> pd.DataFrame:
    """Run a job's query over a sample, as a preview does; no source is opened.

    Parameters
    ----------
    spec
        The job, or what `streamops_nb.plan.specfile.load` takes.
    sample
        A sample, or the folder to which `Sample.to_parquet` wrote one.
    params
        Values of parameters that differ from their defaults.
    folder
        Where references lie; default the current folder.

    Returns
    -------
    pandas.DataFrame
        The output. Of a query over windows with a column ``_window``: ``complete``, ``early`` or
        ``cut off``, see `streamops_nb.ops.preview.preview.Preview.df`.

    Raises
    ------
    StreamopsError
        If the query is refused, or fails for another reason than its rows.
    """
    job = spec if isinstance(spec, JobSpec) else load(spec)
    rows = sample if isinstance(sample, Sample) else Sample.from_parquet(Path(sample))
    instance, planner = open_instance(None), Planner()
    around = Surroundings(
        instance=instance, folder=folder or Path(), now=lambda: rows.at, planner=planner
    )
    previewer = Previewer(around)
    try:
        result = previewer.run(job, rows, params=params)
    finally:
        previewer.close()
        planner.close()
        instance.close()
    if not result.output:
        raise QueryRefused(result.faults)
    frame: pd.DataFrame = result.stages[result.output].table.to_pandas()
    return frame


def assert_same_rows(
    actual: pd.DataFrame | pa.Table | str | Path,
    expected: pd.DataFrame | pa.Table | str | Path,
    *,
    ignore: Collection[str] = (),
) -> None:
    """Assert that two tables hold the same rows, in whatever order.

    Floating-point values are equal up to a relative 1e-9.

    Parameters
    ----------
    actual, expected
        A DataFrame, an Arrow table, or the path of a Parquet file.
    ignore
        Columns that are not compared.

    Raises
    ------
    AssertionError
        With the columns and the first rows that differ.
    """
    tables = [_table(one, ignore) for one in (expected, actual)]
    instance = sealed(threads=1)
    try:
        found = compare(tables[0], tables[1], [], instance.session())
    finally:
        instance.close()
    if found:
        raise AssertionError("\n".join(_lines(found)))


def _table(given: Any, ignore: Collection[str]) -> pa.Table:
    # through pandas, so that a frame and what was kept of one have the same types
    if isinstance(given, (str, Path)):
        given = pq.read_table(given)
    frame = given.to_pandas() if isinstance(given, pa.Table) else given
    kept = frame[[name for name in frame.columns if name not in ignore]]
    return pa.Table.from_pandas(kept, preserve_index=False)


def _lines(found: Compared) -> list[str]:
    counts = f"rows missing: {len(found.removed):,}, not expected: {len(found.added):,}"
    lines = [f"{counts}, as expected: {found.unchanged:,}"]
    for name, (before, after) in found.columns.items():
        types = f"is {after or 'missing'}, expected {before or 'no such column'}"
        lines.append(f"column {name} {types}")
    for sign, table, places in (
        ("-", found.before, found.removed),
        ("+", found.after, found.added),
    ):
        rows = table.take(pa.array(places[:_SHOWN])).to_pylist()
        lines += [f"{sign} {_text(row)}" for row in rows]
        if len(places) > _SHOWN:
            lines.append(f"{sign} … {len(places) - _SHOWN:,} more")
    return lines


def _text(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in row.items())
