"""What comparing two previews costs: 100,000 rows against 100,000."""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import pyarrow as pa

from benchmarks.options import Options
from benchmarks.table import Table
from streamops_nb.db import sealed
from streamops_nb.engine.preview.difference import Compared, compare

__all__ = ["run"]

_ROWS = 100_000
_TARGET = 0.300
_KEY = ("window_start", "device")


def run(options: Options) -> Table:
    """Compare tables that differ in one row of twenty, by key and as whole rows."""
    rows = options.scaled(_ROWS, 1_000)
    repeats = options.scaled(15, 3)
    before = _table(rows, changed=0.0, noise=0.0)
    some, all_floats = (_table(rows, changed=0.05, noise=noise) for noise in (0.0, 1e-12))
    cases = {
        "by key": (some, [_KEY]),
        "as whole rows": (some, []),
        "as whole rows, every float a relative 1e-12 off": (all_floats, []),
    }
    instance = sealed(memory="1GB", threads=2)
    session = instance.session()
    lines, raw = [], {}
    for title, (after, keys) in cases.items():
        took, found = [], None
        for _ in range(repeats + 1):
            begun = time.perf_counter()
            found = compare(before, after, keys, session)
            took.append(time.perf_counter() - begun)
        assert found is not None
        raw[title] = took[1:]
        worst = sorted(took[1:])[int(0.95 * repeats)]
        lines.append(
            [
                title,
                f"{median(took[1:]) * 1e3:.0f} ms",
                f"{worst * 1e3:.0f} ms",
                f"{_TARGET * 1e3:.0f} ms",
                _found(found),
            ]
        )
    instance.close()
    return Table(
        name="preview_diff",
        title="Comparing two previews",
        text=(
            f"One stage of {rows:,} rows (window, device, a count, two floats) against the same "
            f"with 5 % of the counts changed, {repeats} times after one to warm up; the time is "
            "that of `p.diff(q)` without planning and without making frames."
        ),
        columns=("rows are told apart", "median", "p95", "target: at most", "found"),
        rows=lines,
        raw=raw,
    )


def _table(rows: int, *, changed: float, noise: float) -> pa.Table:
    values = np.random.default_rng(1)
    counts = values.integers(0, 100, rows)
    mean, top = values.normal(size=rows), values.normal(size=rows)
    picked = np.random.default_rng(2).random(rows) < changed
    starts = pa.array((np.arange(rows) // 100) * 10_000_000, pa.timestamp("us", tz="UTC"))
    return pa.table(
        {
            "window_start": starts,
            "device": pa.array([f"d{i % 100:03d}" for i in range(rows)]),
            "n": np.where(picked, counts + 1, counts),
            "mean": mean * (1 + noise),
            "top": top,
        }
    )


def _found(found: Compared) -> str:
    numbers = (len(found.added), len(found.removed), len(found.changed[0]))
    return "{:,} added, {:,} removed, {:,} changed".format(*numbers)
