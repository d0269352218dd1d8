"""Measured in a child: a saturated job in a workspace, with running results or without them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# what a job of this kind imports at some time: importing is not what is measured
import pandas as pd  # noqa: F401
import pyarrow.parquet  # noqa: F401

import streamops_nb as so
from streamops_nb.engine.look import Look, Looker
from streamops_nb.ops.alarms import Alarms
from streamops_nb.ops.courier import Courier
from streamops_nb.ops.failures import Failures
from streamops_nb.ops.rollup import Rollup
from streamops_nb.ops.states import States

__all__ = ["measure"]


def measure(spec: Mapping[str, Any], workspace: str, *, watched: bool) -> dict[str, Any]:
    """Run a job from its start to the end of its streams.

    Parameters
    ----------
    watched
        With all of the running results, and somebody who looks at the summary twice a second; or
        with none: no batch is looked at closely, no fact is folded, copied or rolled up.
    """
    if not watched:
        _watch_nothing()
    shutil.rmtree(workspace, ignore_errors=True)
    with so.connect(Path(workspace)) as opened:
        opened.resources.request(os.cpu_count() or 1)
        job = opened.save({**spec, "resources": {"cu": os.cpu_count() or 1}})
        used, begun = time.process_time(), time.perf_counter()
        job.start()
        while job.status not in ("FINISHED", "FAILED"):
            time.sleep(0.5)
            if watched:
                str(job.summary())
        took = time.perf_counter() - begun
        cpu = time.process_time() - used
        status = str(job.status)
        rows = len(job.output)
    assert status == "FINISHED", status
    return {"seconds": took, "cpu": cpu, "rows_out": rows}


def _watch_nothing() -> None:
    Looker.begin = lambda self, attempt, batch: Look()  # type: ignore[method-assign]
    Looker.end = lambda self, look, attempt, batch, written: look  # type: ignore[method-assign]
    States.committed = lambda self, job, facts: None  # type: ignore[method-assign]
    Courier.take = lambda self, facts: None  # type: ignore[method-assign]
    Courier.delivered = lambda self, job: 2**62  # type: ignore[method-assign]
    Alarms.look = Failures.look = Rollup.look = lambda self: None  # type: ignore[method-assign]
