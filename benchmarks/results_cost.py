"""What running results cost: throughput of a saturated job, a summary, and growth on disk."""

from __future__ import annotations

import json
import math
import statistics
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.files import spec_of
from benchmarks.fresh import run_fresh
from benchmarks.options import Options
from benchmarks.table import Table
from streamops_nb.db import open_instance
from streamops_nb.model.events import (
    BatchCommitted,
    BatchesRolled,
    Event,
    RejectsFound,
    RunStarted,
    StatusChanged,
)
from streamops_nb.model.flow import StageRows
from streamops_nb.model.kept_view import view_to_json
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.rollup import TIERS, rolled
from streamops_nb.model.views import JobView, fold_all
from streamops_nb.ops.recalling import recall
from streamops_nb.ops.summary import Summary
from streamops_nb.store import Catalog

__all__ = ["run"]

_DAY = 86_400
_HOUR = 3_600
_T = {1: 12.706, 39: 2.023}
"""Student's t for 95 %, by degrees of freedom."""


def run(options: Options) -> Table:
    """Measure all three."""
    raw: dict[str, Any] = {}
    rows = []
    # of 12 pairs on a quiet machine the interval was as wide as what is allowed
    pairs = 2 if options.quick else max(8 * options.pairs, 40)
    # long enough that what happens once in a run, and once in ten seconds, weighs as it does
    for work, kind, times in (("filter", "parquet", 6), ("tumble", "jsonl", 2)):
        events_in = times * options.rows
        spec = spec_of(work, data.readings(options.data, events_in, kind))
        workspace = str(options.data / "watched.streamops")
        cost = run_fresh("benchmarks.watched", spec=spec, workspace=workspace, pairs=pairs)
        raw[f"{work}-{kind}"] = cost
        what = f"throughput, {work}, {events_in:,} events from {kind}"
        rows.append([what, _interval(cost), "at most 3 %"])
    events = options.scaled(10_000_000, 100_000)
    took = _history(options.data / "history", events)
    raw["summary"] = took
    said = f"{took['warm'] * 1000:.2f} ms; {took['cold'] * 1000:.0f} ms the first time"
    rows.append([f"summary after {events:,} events", said, "100 ms"])
    days = options.scaled(3)
    grown = _growth(options.data / "growth", days)
    raw["growth"] = grown
    per_day = (grown[-1] - grown[0]) / max(len(grown) - 1, 1) / 1e6
    said = f"{per_day:+.2f} MB a day; {grown[0] / 1e6:.1f} MB after the first"
    rows.append([f"growth over {days} days at a batch a second", said, "5 MB a day"])
    return Table(
        name="results_cost",
        title="What running results cost",
        text=(
            "A job that is saturated, in a workspace, from its start to "
            "its end: with all running results (batches looked at, facts folded, copied and rolled "
            "up, alarms looked at, the summary asked for twice a second) against the same with "
            f"none of that; {pairs} pairs in one process, each in an order that is drawn, the mean "
            "cost with its 95 % confidence interval by processor time and by time. The summary is "
            "of a job with so many events of history - two a batch, a batch a second - as the "
            "roll-up leaves them; the first time is that of a new process, with 500 events since "
            "the view was kept last. Growth is that of the catalog's file, at each day's end."
        ),
        columns=("what", "found", "target"),
        rows=rows,
        raw=raw,
    )


def _interval(ratios: dict[str, list[float]]) -> str:
    parts = []
    for name, words in (("seconds", "of the time"), ("cpu", "of the processor")):
        values = ratios[name]
        t = _T.get(len(values) - 1, 2.023)
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
    """Store what the roll-up leaves of so many events, then ask for the summary."""
    instance, catalog = _begin(folder)
    hours = math.ceil(events / 2 / _HOUR)
    now = float(hours * _HOUR)
    for hour in range(hours):
        catalog.append(_hour(hour, now))
    while catalog.roll_up(now):
        pass
    view, _ = recall(catalog, ["a"])["a"]
    assert view.batches == hours * _HOUR
    catalog.keep_views(catalog.place, [("a", view.seq, json.dumps(view_to_json(view)))])
    catalog.append(_facts(view.batch + 1, 250, now))
    catalog.close()
    instance.close()
    instance, catalog = _opened(folder)
    begun = time.perf_counter()
    view, _ = recall(catalog, ["a"])["a"]
    str(Summary(view, now, None))
    cold = time.perf_counter() - begun
    begun = time.perf_counter()
    for _ in range(100):
        str(Summary(view, now, None))
    warm = (time.perf_counter() - begun) / 100
    assert view.batches == hours * _HOUR + 250
    catalog.close()
    instance.close()
    return {"cold": cold, "warm": warm}


def _hour(hour: int, now: float) -> list[Event]:
    """What the roll-up leaves of an hour at the time `now`; the last one is whole."""
    begin = float(hour * _HOUR)
    age = now - begin - _HOUR
    width = max((tier.width for tier in TIERS if tier.age <= age and age), default=0.0)
    if not width:
        return _facts(hour * _HOUR + 1, _HOUR, begin)
    width = min(width, float(_HOUR))
    return [
        replace(one, seq=one.seq + 2 * hour * _HOUR, at=one.at + begin, **_moved(one, hour, begin))
        for one in _rolled_hour(width)
    ]


def _moved(one: Event, hour: int, begin: float) -> dict[str, Any]:
    if isinstance(one, BatchesRolled):
        return {"n": one.n + hour * _HOUR, "since": one.since + begin}
    assert isinstance(one, RejectsFound)
    return {"first_at": (one.first_at or 0.0) + begin}


@cache
def _rolled_hour(width: float) -> list[Event]:
    slots: dict[float, list[Event]] = {}
    for event in _facts(1, _HOUR, 0.0):
        slots.setdefault(event.at // width, []).append(event)
    return [group[0] for slot in slots.values() for group in rolled(slot)]


def _growth(folder: Path, days: int) -> list[int]:
    """The bytes of the catalog's file after each day; a minute's batches are stored at a time."""
    instance, catalog = _begin(folder)
    view, kept = JobView(job="a"), 0
    sizes = []
    for day in range(days):
        for second in range(day * _DAY, (day + 1) * _DAY, 60):
            facts = _facts(second + 1, 60, float(second))
            catalog.append(facts)
            catalog.roll_up(float(second))
            view = fold_all(view, facts)
            if view.seq - kept >= 500:
                kept = view.seq
                catalog.keep_views(catalog.place, [("a", view.seq, json.dumps(view_to_json(view)))])
        session = instance.session()
        session.rows("CHECKPOINT catalog")
        session.close()
        sizes.append((folder / "catalog.db").stat().st_size)
    catalog.close()
    instance.close()
    return sizes
