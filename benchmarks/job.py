"""Measured in a child: a job of streamops_nb in a workspace on disk, each batch committed."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

# what a job of this kind imports at some time: importing is not what is measured
import pandas as pd  # noqa: F401
import pyarrow.parquet  # noqa: F401

from streamops_nb import plugins
from streamops_nb.db import open_instance
from streamops_nb.engine.assembly import Surroundings
from streamops_nb.engine.runner import Runner
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan.planner import Planner
from streamops_nb.plan.specfile import load

__all__ = ["DATABASE", "OUTPUT", "job_file", "measure"]

DATABASE = "job_bench"
OUTPUT = "output"


def job_file(workspace: str | Path) -> Path:
    """Give the file of the job in a workspace."""
    return Path(workspace) / "jobs" / "bench.db"


def measure(
    spec: Mapping[str, Any], workspace: str, folder: str = "", rows: int | None = None
) -> dict[str, Any]:
    """Run a job from nothing to the commit of its last batch.

    Parameters
    ----------
    folder
        Relative paths in the specification are relative to this; default the workspace.
    rows
        Stop when so many records have been read; default at the end of the streams.

    Returns
    -------
    dict
        ``seconds``, of these ``setup`` before the first batch; ``cpu``; ``batches``, ``rows_in``,
        ``rows_out``, ``rejects``, ``late``; ``phases``, seconds per phase over all batches.
    """
    job = load(spec)
    _import(job)
    shutil.rmtree(workspace, ignore_errors=True)
    job_file(workspace).parent.mkdir(parents=True)
    facts: list[dict[str, Any]] = []
    begun, used = time.perf_counter(), time.process_time()
    instance = open_instance(Path(workspace))
    instance.attach(job_file(workspace), DATABASE)
    planner = Planner()
    with ThreadPoolExecutor(2) as ahead:
        around = Surroundings(
            instance=instance, folder=Path(folder or workspace), now=time.time, planner=planner
        )
        runner = Runner(job, around, database=DATABASE, ahead=ahead, on_facts=facts.extend)
        ready = time.perf_counter()
        _drive(runner, facts, rows)
        end = time.perf_counter()
        runner.close()
    planner.close()
    instance.close()
    return {
        "seconds": (end if rows is not None else time.perf_counter()) - begun,
        "setup": ready - begun,
        "cpu": time.process_time() - used,
        **_summary(facts),
    }


def _import(job: JobSpec) -> None:
    for stream in job.streams.values():
        plugins.load("source", stream.source.type)
        plugins.load("format", stream.format.type)
    plugins.load("format", "parquet")
    plugins.load("sink", "table")


def _drive(runner: Runner, facts: list[dict[str, Any]], rows: int | None) -> None:
    done = seen = 0
    while (wait := runner.step()) is not None:
        for fact in facts[seen:]:
            done += fact.get("rows_in", 0)
        seen = len(facts)
        if rows is not None and done >= rows:
            return
        if wait:
            # a broker that has nothing yet is asked again soon, not after the trigger's interval
            time.sleep(min(wait, 0.005))


def _summary(facts: list[dict[str, Any]]) -> dict[str, Any]:
    batches = [fact for fact in facts if fact["event"] == "BatchCommitted"]
    phases: Counter[str] = Counter()
    for fact in batches:
        phases.update(fact["seconds"])
    sums = {
        name: sum(fact[name] for fact in batches)
        for name in ("rows_in", "rows_out", "rejects", "late", "partly_late")
    }
    frontiers = batches[-1]["frontiers"].values() if batches else ()
    return {
        "batches": len(batches),
        "largest_batch": max((fact["rows_in"] for fact in batches), default=0),
        "largest_state": max((fact["state_rows"] for fact in batches), default=0),
        "frontier": min(frontiers, default=None),
        "phases": dict(phases),
        **sums,
    }
