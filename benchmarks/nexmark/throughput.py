"""The Nexmark queries as jobs, against plain DuckDB running the same text as one batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.fresh import run_fresh
from benchmarks.job import job_file
from benchmarks.nexmark.files import write_files
from benchmarks.nexmark.generator import Nexmark
from benchmarks.nexmark.queries import QUERIES, spec_path
from benchmarks.options import Options, Pairs, median, seconds
from benchmarks.table import Table
from streamops_nb.plan.specfile import load

__all__ = ["run"]

_RATE = 2_000
_QUICK = ("q0", "q5", "q8", "q13")
_VERSION = 1  # count up when the data change


def run(options: Options) -> Table:
    """Measure all queries."""
    events = options.rows // 5
    folder = _files(options.data, events)
    rows, raw = [], {}
    for query in _QUICK if options.quick else QUERIES:
        spec = load(spec_path(query))
        pairs = _pairs(query, folder, options)
        raw[query] = {"ours": pairs.ours, "plain": pairs.theirs}
        rows_in = pairs.ours[-1]["rows_in"]
        rows.append(
            [
                query,
                spec.description.partition(":")[0],
                f"{rows_in:,}",
                f"{pairs.ours[-1]['rows_out']:,}",
                seconds(median(pairs.theirs)),
                seconds(median(pairs.ours)),
                f"{pairs.share():.0%}",
                f"{rows_in / median(pairs.ours):,.0f}/s",
            ]
        )
    return Table(
        name="nexmark",
        title="Nexmark",
        text=(
            f"{events:,} events ({_RATE:,} per second of event time, up to 4 s out of order, from "
            "JSONL files), the job specs in `benchmarks/nexmark/`. Plain DuckDB runs the same "
            "query with the window macros over the same files as one batch. Medians over "
            f"{options.pairs} interleaved pairs, after interpreter start and imports. All results "
            "were compared and hold the same rows."
        ),
        columns=(
            "query", "", "rows in", "rows out", "plain DuckDB", "the job", "share of plain",
            "throughput",
        ),
        rows=rows,
        raw=raw,
    )  # fmt: skip


def _files(cache: Path, events: int) -> Path:
    folder = cache / f"nexmark-v{_VERSION}-{events}"
    if not folder.exists():
        aside = folder.with_suffix(".tmp")
        write_files(aside, Nexmark(events, rate=_RATE))
        aside.rename(folder)
    return folder


def _pairs(query: str, folder: Path, options: Options) -> Pairs:
    workspace, plain = options.data / "bench.streamops", options.data / "plain.db"
    spec = load(spec_path(query)).model_dump(mode="json")

    def ours() -> dict[str, Any]:
        return run_fresh("benchmarks.job", spec=spec, workspace=str(workspace), folder=str(folder))

    def theirs() -> dict[str, Any]:
        return run_fresh(
            "benchmarks.nexmark.batch", query=query, folder=str(folder), database=str(plain)
        )

    pairs = Pairs.measure(options, ours, theirs)
    run_fresh("benchmarks.same", job=str(job_file(workspace)), plain=str(plain))
    return pairs
