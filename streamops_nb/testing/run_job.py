"""Run a job over frames and get its output as a frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamops_nb.db import Instance, ident, open_instance
from streamops_nb.engine.assembly import Surroundings
from streamops_nb.engine.runner import Runner
from streamops_nb.model.errors import SourceError
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan.planner import Planner
from streamops_nb.plan.specfile import load
from streamops_nb.sources.base import Source
from streamops_nb.testing.frames import frame_source
from streamops_nb.testing.list_source import Crashed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["run_job"]

_DATABASE = "job"


def run_job(
    spec: JobSpec | str | Path | Mapping[str, Any],
    inputs: Mapping[str, Any],
    *,
    rows_per_batch: int | None = None,
    now: Callable[[], float] = time.time,
    folder: Path | None = None,
) -> pd.DataFrame:
    """Run a job in memory over the given inputs until they end.

    Parameters
    ----------
    spec
        The job, or what `streamops_nb.plan.specfile.load` takes. Its streams' sources and its
        sink are replaced; query, schemas, watermarks and error policy are as written.
    inputs
        Per stream a pandas DataFrame, an Arrow table, or an open source such as
        `streamops_nb.testing.ListSource`.
    rows_per_batch
        How many rows one batch reads of each stream; the result does not depend on it.
    now
        The clock that ``now()`` and the future guard use, seconds since the epoch.
    folder
        Where references lie; default the current folder.

    Returns
    -------
    pandas.DataFrame
        The output rows: of a query over windows in the order of the windows, then of the other
        columns; else in the order in which they were written.

    Raises
    ------
    StreamopsError
        What would fail the job.

    Examples
    --------
    >>> frame = run_job("hot_minutes.yaml", {"readings": readings})  # doctest: +SKIP
    """
    job = spec if isinstance(spec, JobSpec) else load(spec)
    missing = sorted(set(job.streams) - set(inputs))
    if missing:
        raise SourceError(f"no input is given for the stream {missing[0]}", retryable=False)
    job = _over_frames(job, rows_per_batch)
    sources: dict[str, Source] = {name: frame_source(frame) for name, frame in inputs.items()}
    instance, planner = open_instance(None), Planner()
    try:
        instance.attach(None, _DATABASE)
        around = Surroundings(
            instance=instance, folder=folder or Path(), now=now, planner=planner, sources=sources
        )
        return _run(job, around, instance)
    finally:
        planner.close()
        instance.close()


def _over_frames(job: JobSpec, rows_per_batch: int | None) -> JobSpec:
    changes = job.model_dump(mode="json")
    changes["sink"] = {"type": "table"}
    changes["start"] = {"at": "earliest"}
    if rows_per_batch is not None:
        changes["trigger"]["rows"] = rows_per_batch
    return JobSpec.model_validate(changes)


def _run(job: JobSpec, around: Surroundings, instance: Instance) -> pd.DataFrame:
    runner = Runner(job, around, database=_DATABASE)
    while True:
        try:
            if runner.step() is None:
                break
        except Crashed:
            # as after the death of the process: all that is left is what was committed
            runner = Runner(job, around, database=_DATABASE)
    columns = ", ".join(ident(name) for name in runner.plan.columns)
    final = runner.plan.stages[-1].relation
    order = f" ORDER BY {', '.join(map(ident, final.order))}" if final.window is not None else ""
    runner.close()
    session = instance.session()
    rows = session.table(f"SELECT {columns} FROM {_DATABASE}.output{order}")
    frame: pd.DataFrame = rows.to_pandas()
    return frame
