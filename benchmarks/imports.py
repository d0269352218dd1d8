"""What ``import streamops_nb`` costs and loads."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.options import Options
from benchmarks.table import Table

__all__ = ["run"]

_ROOT = Path(__file__).parents[1]
_TARGET = 0.150
_HEAVY = ("panel", "bokeh", "duckdb", "pandas", "pyarrow", "numpy", "ipywidgets")


def run(options: Options) -> Table:
    """Time imports in new interpreters, with and without, interleaved."""
    pairs = options.scaled(15, 5)
    _time("import streamops_nb")  # writes the bytecode
    measured = [(_time("import streamops_nb"), _time("pass")) for _ in range(pairs)]
    took = median(a - b for a, b in measured)
    found = f"[name for name in {_HEAVY!r} if name in sys.modules]"
    check = f"import json, streamops_nb, sys; print(json.dumps({found}))"
    output = subprocess.run(
        [sys.executable, "-c", check], cwd=_ROOT, check=True, capture_output=True, text=True
    ).stdout
    loaded = json.loads(output)
    return Table(
        name="imports",
        title="Import",
        text=(
            f"`python -c 'import streamops_nb'` less `python -c pass`, median of {pairs} "
            "interleaved pairs; and which of Panel, Bokeh, DuckDB, pandas, PyArrow, numpy and "
            "ipywidgets it loads."
        ),
        columns=("import", "target: under", "loads"),
        rows=[[f"{took * 1000:.0f} ms", f"{_TARGET * 1000:.0f} ms", ", ".join(loaded) or "none"]],
        raw={"pairs": measured},
    )


def _time(statement: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], cwd=_ROOT, check=True)
    return time.perf_counter() - begun
