"""What running results cost: throughput of a saturated job, a summary, and growth on disk."""

from __future__ import annotations

import math
import random
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.files import spec_of
from benchmarks.fresh import run_fresh
from benchmarks.options import Options
from benchmarks.table import Table
from streamops_nb.db import open_instance
from streamops_nb.model.events import BatchCommitted, RejectsFound, RunStarted, StatusChanged
from streamops_nb.model.flow import StageRows
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.recalling import recall
from streamops_nb.ops.summary import Summary
from streamops_nb.store import Catalog

__all__ = ["run"]

_DAY = 86_400
_T = {4: 2.776, 9: 2.262, 14: 2.145, 19: 2.093}
"""Student's t for 95 %, by degrees of freedom."""


def run(options: Options) -> Table:
    """Measure all three."""
    raw: dict[str, Any] = {}
    rows = []
    for work, kind in (("filter", "parquet"), ("tumble", "jsonl")):
        ratios = _ratios(work, kind, options)
        raw[f"{work}-{kind}"] = ratios
        rows.append([f"throughput, {work} from {kind}", _interval(ratios), "at most 3 %"])
    events = options.scaled(10_000_000, 10_000)
    seconds = _history(options.data / "history", events)
    raw["summary"] = seconds
    rows.append(
        [
            f"summary after {events:,} events",
            f"{seconds['warm'] * 1000:.2f} ms; {seconds['cold'] * 1000:.0f} ms the first time",
            "100 ms",
        ]
    )
    days = options.scaled(2)
    grown = _growth(options.data / "growth", days)
    raw["growth"] = grown
    per_day = (grown[-1] - grown[0]) / max(len(grown) - 1, 1) / 1e6
    rows.append(
        [f"growth over {days} days at a batch a second", f"{per_day:.2f} MB a day", "5 MB a day"]
    )
    return Table(
        name="results_cost",
        title="What running results cost",
        text=(
            "A job that is saturated, in a workspace, from its start to its end: with all running "
            "results (batches looked at, facts folded, copied and rolled up, alarms looked at, the "
            "summary asked for twice a second) against the same with none of that; processes "
            f"interleaved in random order, {max(options.pairs, 5)} pairs, the mean cost with its "
            "95 % confidence interval by processor time and by time. The summary is of a job whose "
            "batches, two events each, were stored and rolled up as time went by."
        ),
        columns=("what", "found", "target"),
        rows=rows,
        raw=raw,
    )


def _ratios(work: str, kind: str, options: Options) -> dict[str, list[float]]:
    path = data.readings(options.data, options.rows, kind)
    dice = random.Random(1)
    found: dict[str, list[float]] = {"seconds": [], "cpu": []}
    for _ in range(max(options.pairs, 5)):
        order = [True, False]
        dice.shuffle(order)
        took = {watched: _once(work, path, options, watched=watched) for watched in order}
        for name, ratios in found.items():
            ratios.append(took[True][name] / took[False][name] - 1)
    return found


def _once(work: str, path: Path, options: Options, *, watched: bool) -> dict[str, Any]:
    workspace = str(options.data / "watched.streamops")
    spec = spec_of(work, path)
    return run_fresh("benchmarks.watched", spec=spec, workspace=workspace, watched=watched)


def _interval(ratios: dict[str, list[float]]) -> str:
    parts = []
    for name, words in (("seconds", "of the time"), ("cpu", "of the processor")):
        values = ratios[name]
        t = _T.get(len(values) - 1, 2.0)
        half = t * statistics.stdev(values) / math.sqrt(len(values))
        mean = statistics.mean(values)
        parts.append(f"{mean:+.1%} ± {half:.1%} {words}")
    return ", ".join(parts)


def _facts(first: int, count: int, at: float) -> list[Any]:
    """What a batch a second leaves: a commit, and now and then rejects."""
    found: list[Any] = []
    for n in range(first, first + count):
        about: dict[str, Any] = {"job": "a", "run": 1, "at": at + n - first}
        found.append(
            BatchCommitted(
                **about, seq=2 * n - 1, n=n, rows_in=1000 + n % 7, rows_out=n % 11, rejects=1,
                bytes_in=123_456 + n % 1000, lag={"readings": n % 100},
                watermarks={"readings": int((at + n - first) * 1e6)},
                frontiers={"result": int((at + n - first) * 1e6)},
                seconds=dict.fromkeys(("read", "decode", "run", "write"), 0.001 + n % 13 / 10000.0),
                stages={"hot": StageRows(1000, 1, 500, 1)}, looked_rows=1000, state_rows=n % 999,
            )
        )  # fmt: skip
        found.append(
            RejectsFound(
                **about, seq=2 * n, batch=n, stage="readings", kind="decode", count=1,
                example="temp: \"n/a\" is not a DOUBLE",
            )
        )  # fmt: skip
    return found


def _opened(folder: Path) -> tuple[Any, Catalog]:
    instance = open_instance(folder)
    return instance, Catalog(instance, folder / "catalog.db")


def _begin(folder: Path) -> tuple[Any, Catalog]:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    instance, catalog = _opened(folder)
    catalog.save_job("", "a", "ann", "", at=0.0)
    began = StatusChanged(job="a", at=0.0, before=Status.STARTING, after=Status.RUNNING)
    catalog.append([RunStarted(job="a", run=1, at=0.0, version=1), began])
    return instance, catalog


def _history(folder: Path, events: int) -> dict[str, float]:
    """Store so many events as time goes by, then ask for the summary."""
    instance, catalog = _begin(folder)
    chunk, now = 600, 0.0
    for first in range(1, events // 2, chunk):
        catalog.append(_facts(first, chunk, now))
        now += chunk
        while catalog.roll_up(now):
            pass
    catalog.close()
    instance.close()
    instance, catalog = _opened(folder)
    begun = time.perf_counter()
    view = recall(catalog, "a")
    str(Summary(view, now, None))
    cold = time.perf_counter() - begun
    begun = time.perf_counter()
    for _ in range(100):
        str(Summary(view, now, None))
    warm = (time.perf_counter() - begun) / 100
    assert view.batches * 2 >= events - 2 * chunk
    catalog.close()
    instance.close()
    return {"cold": cold, "warm": warm}


def _growth(folder: Path, days: int) -> list[int]:
    """The catalog's bytes after each day, appended to a second at a time as the courier does."""
    instance, catalog = _begin(folder)
    sizes = []
    for day in range(days + 1):
        for second in range(day * _DAY, (day + 1) * _DAY):
            catalog.append(_facts(second + 1, 1, float(second)))
            if second % 10 == 0:
                catalog.roll_up(float(second))
        sizes.append(sum(path.stat().st_size for path in folder.glob("catalog.db*")))
    catalog.close()
    instance.close()
    return sizes
