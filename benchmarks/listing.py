"""Listing the jobs of a large workspace."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.fresh import run_fresh
from benchmarks.options import Options, seconds
from benchmarks.table import Table

__all__ = ["measure", "run"]

_JOBS = 10_000
_TARGET = 0.200
_ROOT = Path(__file__).parents[1]
_COMMAND = "from streamops_nb.cli import main; main()"


def run(options: Options) -> Table:
    """Time what a page or a shell asks of a workspace with many jobs."""
    jobs = options.scaled(_JOBS, 100)
    workspace = options.data / "listing.streamops"
    result = run_fresh("benchmarks.listing", workspace=str(workspace), jobs=jobs)
    command = [sys.executable, "-c", _COMMAND, "jobs", str(workspace), "--json"]
    begun = time.perf_counter()
    subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.DEVNULL)
    result["shell"] = time.perf_counter() - begun
    asked = {
        "`ws.table()`": ("table", seconds(_TARGET)),
        '`ws.table(tags="north", search="job9")`': ("searched", seconds(_TARGET)),
        '`ws.select(status="PAUSED")`': ("selected", ""),
        "`so.connect(...)`": ("connect", ""),
        "`streamops jobs --json`, the whole process": ("shell", ""),
    }
    return Table(
        name="listing",
        title="Listing jobs",
        text=f"A workspace with {jobs:,} saved jobs, of which none is active; medians of 9.",
        columns=("asked", "takes", "target: under"),
        rows=[[title, seconds(result[key]), target] for title, (key, target) in asked.items()],
        raw=result,
    )


def measure(workspace: str, jobs: int) -> dict[str, Any]:
    """Make a workspace of `jobs` copies of one job, and time looking at it."""
    import shutil

    import pandas as pd  # noqa: F401 - importing is not what is measured

    import streamops_nb as so

    shutil.rmtree(workspace, ignore_errors=True)
    _fill(workspace, jobs)
    begun = time.perf_counter()
    with so.connect(workspace) as ws:
        opened = time.perf_counter() - begun
        assert len(ws.table()) == jobs
        return {
            "connect": opened,
            "table": _median(ws.table),
            "searched": _median(lambda: ws.table(tags="north", search="job9")),
            "selected": _median(lambda: ws.select(status="PAUSED")),
        }


def _fill(workspace: str, jobs: int) -> None:
    import streamops_nb as so

    stream = {"source": {"type": "simulator"}, "schema": {"temp": "DOUBLE"}}
    spec = {"name": "job0", "tags": ["north"], "streams": {"r": stream}, "query": "FROM r"}
    with so.connect(workspace) as ws:
        ws.save(spec)
        session = ws._core.instance.session()  # noqa: SLF001 - saving each would take minutes
        for table, name in (("jobs", "name"), ("versions", "job"), ("events", "job")):
            session.run(
                f"INSERT INTO catalog.{table} SELECT t.* REPLACE ('job' || n AS {name})"
                f" FROM catalog.{table} t, range(1, {jobs}) r(n) WHERE t.{name} = 'job0'"
            )
        session.close()


def _median(do: Any) -> float:
    took = []
    for _ in range(9):
        begun = time.perf_counter()
        do()
        took.append(time.perf_counter() - begun)
    return statistics.median(took)
