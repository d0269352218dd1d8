"""Run benchmarks, print their tables, save them and render docs/benchmarks.md."""

from __future__ import annotations

import argparse
import importlib
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks import machine
from benchmarks.options import Options
from benchmarks.page import PAGE, RESULTS, render
from benchmarks.table import Table, load_tables, markdown

MODULES = {
    "files": "benchmarks.files",
    "kafka": "benchmarks.kafka",
    "nexmark": "benchmarks.nexmark.throughput",
    "memory": "benchmarks.memory",
    "many": "benchmarks.many",
    "idle": "benchmarks.idle",
    "results_cost": "benchmarks.results_cost",
    "listing": "benchmarks.listing",
    "screens": "benchmarks.screens",
    "imports": "benchmarks.imports",
    "preview_diff": "benchmarks.preview_diff",
    "tune": "benchmarks.tune",
    "serve": "benchmarks.serve",
    "preview": "benchmarks.preview",
}
"""All benchmarks, in the order of the page, and the modules whose ``run`` runs them."""


def main() -> None:
    given = _arguments()
    options = _options(given)
    for name in () if given.page else given.names or MODULES:
        print(f"== {name}", flush=True)
        made = {**machine.describe(), "pairs": options.pairs, "scale": options.scale}
        table = importlib.import_module(MODULES[name]).run(options)
        table = replace(table, made=made)
        _print(table)
        if not options.quick:
            print(f"saved {table.save(RESULTS)}")
    if not options.quick:
        PAGE.write_text(render(load_tables(RESULTS), list(MODULES)), encoding="utf-8")
        print(f"written {PAGE}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODULES)}")
    parser.add_argument("--quick", action="store_true", help="everything small; nothing is saved")
    parser.add_argument("--page", action="store_true", help="only write the page, from the saved")
    parser.add_argument("--rows", type=int, default=5_000_000, help="events of the throughputs")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of the other benchmarks")
    parser.add_argument(
        "--data", type=Path, default=Path(tempfile.gettempdir()) / "streamops-benchmarks"
    )
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in MODULES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}: {', '.join(MODULES)}")
    return given


def _options(given: argparse.Namespace) -> Options:
    if given.quick:
        return Options(data=given.data, rows=200_000, pairs=1, scale=0.02, quick=True)
    return Options(data=given.data, rows=given.rows, pairs=given.pairs, scale=given.scale)


def _print(table: Table) -> None:
    print(markdown(table), flush=True)


if __name__ == "__main__":
    main()
