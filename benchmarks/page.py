"""docs/benchmarks.md, written from the saved results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.table import Table, markdown

__all__ = ["PAGE", "RESULTS", "render"]

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
RESULTS = Path(__file__).parent / "results"
_HEAD = """# Benchmarks

`make bench` runs all of this and writes this page from `benchmarks/results/` (nothing here is
written by hand); `make bench ARGS="files --rows 1000000"` runs a part of it, `make bench
ARGS=--quick` all of it small and saves nothing. Data are made by a seeded generator. Every
measurement runs in a process of its own. Where the load of the machine before was not close to 0,
something else was running on it.
"""


def render(tables: Mapping[str, Table], order: Sequence[str]) -> str:
    """Write the page; benchmarks that were not run are left out."""
    parts = [_HEAD]
    for name in order:
        if name in tables:
            table = tables[name]
            parts += [f"## {table.title}\n", table.text + "\n"]
            parts += [markdown(table) + "\n", _made(table.made) + "\n"]
    return "\n".join(parts)


def _made(made: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
    return (
        f"*{made['date']}, {made['processor']}, {made['cores']} cores, {made['memory_gib']} GiB, "
        f"{made['system']}, Python {made['python']}, {versions}; load of the machine before: "
        f"{made['load_before']}.*"
    )
