"""Measured in a child: many jobs on one engine, busy with small batches or idle."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

# what a job of this kind imports at some time: importing is not what is measured
import pandas as pd  # noqa: F401

from streamops_nb.backends.local import THREADS_PER_CORE
from streamops_nb.db import open_instance
from streamops_nb.engine.assembly import Surroundings
from streamops_nb.engine.clock import SystemClock
from streamops_nb.engine.runner import Runner
from streamops_nb.engine.scheduler import Scheduler
from streamops_nb.plan.planner import Planner
from streamops_nb.plan.specfile import load

__all__ = ["measure"]

_THREADS = THREADS_PER_CORE * (os.cpu_count() or 1)


class _Timed:
    """A runner whose steps are timed."""

    def __init__(self, runner: Runner, took: list[float]) -> None:
        self._runner = runner
        self._took = took
        self._due = time.perf_counter()
        self.late: list[float] = []

    @property
    def aside(self) -> float:
        return self._runner.loop.aside

    def step(self) -> float | None:
        begun = time.perf_counter()
        before = self._runner.checkpoint.n
        wait = self._runner.step()
        ended = time.perf_counter()
        if self._runner.checkpoint.n > before:
            self._took.append(ended - begun)
            self.late.append(begun - self._due)
        self._due = ended + (wait or 0.0)
        return wait


def measure(
    spec: Mapping[str, Any], workspace: str, jobs: int, warm_up: float, seconds: float
) -> dict[str, Any]:
    """Run `jobs` copies of a job side by side.

    Parameters
    ----------
    warm_up, seconds
        How long to run before measuring, and how long to measure.

    Returns
    -------
    dict
        ``batches`` in that time and, in seconds, their ``p50``, ``p99`` and ``longest``, by how
        much the step came after it was ``due_p99``, ``cpu`` of the process, ``setup`` of all jobs.
    """
    folder = Path(workspace)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "jobs").mkdir(parents=True)
    took: list[float] = []
    with ExitStack() as stack:
        begun = time.perf_counter()
        tasks = _open(spec, folder, jobs, took, stack)
        ready = time.perf_counter()
        scheduler = stack.enter_context(Scheduler(_THREADS, SystemClock()))
        for name, task in tasks.items():
            scheduler.add(name, task, 0.1)
        time.sleep(warm_up)
        took.clear()
        for task in tasks.values():
            task.late.clear()
        start, used = time.perf_counter(), time.process_time()
        time.sleep(seconds)
        used = time.process_time() - used
        elapsed = time.perf_counter() - start
        done, late = list(took), [each for task in tasks.values() for each in list(task.late)]
        threads = threading.active_count()
    return {
        "setup": ready - begun,
        "elapsed": elapsed,
        "cpu": used,
        "threads": threads,
        **_percentiles(done, late),
    }


def _open(
    spec: Mapping[str, Any], folder: Path, jobs: int, took: list[float], stack: ExitStack
) -> dict[str, _Timed]:
    instance = open_instance(folder)
    stack.callback(instance.close)
    planner = Planner()
    stack.callback(planner.close)
    ahead = stack.enter_context(ThreadPoolExecutor(_THREADS))
    around = Surroundings(instance=instance, folder=folder, now=time.time, planner=planner)
    tasks = {}
    for number in range(jobs):
        name = f"bench_{number}"
        instance.attach(folder / "jobs" / f"{name}.db", f"job_{name}")
        job = load({**spec, "name": name})
        runner = Runner(job, around, database=f"job_{name}", ahead=ahead)
        stack.callback(runner.close)
        tasks[name] = _Timed(runner, took)
    return tasks


def _percentiles(took: list[float], late: list[float]) -> dict[str, float]:
    if not took:
        return {"batches": 0, "p50": 0.0, "p99": 0.0, "longest": 0.0, "due_p99": 0.0}
    return {
        "batches": len(took),
        "p50": float(np.percentile(took, 50)),
        "p99": float(np.percentile(took, 99)),
        "longest": max(took),
        "due_p99": float(np.percentile(late, 99)),
    }
