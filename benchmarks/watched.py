"""Measured in a child: a saturated job in a workspace, with running results and without them."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

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


def measure(spec: Mapping[str, Any], workspace: str, *, pairs: int) -> dict[str, Any]:
    """Run a job from its start to the end of its streams, again and again, in pairs.

    Of each pair one run is with all of the running results, and somebody who looks at the summary
    twice a second; the other with none: no batch is looked at closely, no fact is folded, copied or
    rolled up. Which comes first is drawn; a pair before does not count (caches).

    Returns
    -------
    dict
        Per pair, what the running results cost as a share: of ``seconds``, of ``cpu`` (processor
        time of all threads).
    """
    dice = random.Random(1)
    cost: dict[str, list[float]] = {"seconds": [], "cpu": []}
    for number in range(pairs + 1):
        order = [True, False]
        dice.shuffle(order)
        took = {watched: _once(spec, Path(workspace), watched=watched) for watched in order}
        for name, shares in cost.items() if number else ():
            shares.append(took[True][name] / took[False][name] - 1)
    return cost


def _once(spec: Mapping[str, Any], workspace: Path, *, watched: bool) -> dict[str, float]:
    shutil.rmtree(workspace, ignore_errors=True)
    cores = os.cpu_count() or 1
    with _nothing_watched(not watched), so.connect(workspace) as opened:
        opened.resources.request(cores)
        job = opened.save({**spec, "resources": {"cu": cores}})
        used, begun = time.process_time(), time.perf_counter()
        job.start()
        looked = begun
        while job.status not in ("FINISHED", "FAILED"):
            time.sleep(0.01)
            if watched and time.perf_counter() - looked >= 0.5:
                looked = time.perf_counter()
                str(job.summary())
        took = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - used}
        status = str(job.status)
    assert status == "FINISHED", status
    return took


@contextmanager
def _nothing_watched(nothing: bool) -> Iterator[None]:
    if not nothing:
        yield
        return
    nobody: dict[tuple[type, str], Any] = {
        (Looker, "begin"): lambda self, attempt, batch: Look(),
        (Looker, "end"): lambda self, look, attempt, batch, written: look,
        (States, "committed"): lambda self, job, facts: None,
        (Courier, "take"): lambda self, errors: None,
        (Courier, "delivered"): lambda self, job: 2**62,
        **dict.fromkeys([(each, "look") for each in (Alarms, Failures, Rollup)], lambda self: None),
    }
    with ExitStack() as stack:
        for (owner, name), instead in nobody.items():
            stack.enter_context(mock.patch.object(owner, name, instead))
        yield
