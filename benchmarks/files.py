"""Throughput from files: a job against plain DuckDB over the same file as one batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.fresh import run_fresh
from benchmarks.job import job_file
from benchmarks.options import PHASES, Options, Pairs, median, phases, seconds
from benchmarks.table import Table
from benchmarks.works import COLUMNS, DELAY, WORKS
from streamops_nb.model.spec import Trigger

__all__ = ["run"]

TARGETS = {
    ("filter", "jsonl"): 0.50,
    ("filter", "parquet"): 0.10,
    ("tumble", "jsonl"): 0.40,
    ("tumble", "parquet"): 0.08,
    ("hop", "jsonl"): 0.25,
    ("hop", "parquet"): 0.05,
}
_BATCH = Trigger().rows


def run(options: Options) -> Table:
    """Measure all works from JSONL and Parquet."""
    rows, raw = [], {}
    for (work, kind), target in TARGETS.items():
        pairs = _pairs(work, kind, options)
        raw[f"{work}-{kind}"] = {"ours": pairs.ours, "plain": pairs.theirs}
        rows.append(_row(work, kind, pairs, target))
    return Table(
        name="files",
        title="Throughput from files",
        text=_text(options),
        columns=(
            "work", "from", "plain DuckDB", "the job", "share of plain", "target",
            "share by processor time", "batches", "whole process: plain", "job",
            f"ms per batch: {' / '.join(PHASES)}",
        ),
        rows=rows,
        raw=raw,
    )  # fmt: skip


def spec_of(work: str, path: Path) -> dict[str, Any]:
    """Give the job of a work over one file."""
    stream = {
        "source": {"type": "files", "path": str(path), "follow": False},
        "format": "json" if path.suffix == ".jsonl" else "parquet",
        "schema": COLUMNS,
        "event_time": "ts",
        "watermark_delay": DELAY,
    }
    return {
        "name": "bench",
        "streams": {"readings": stream},
        "query": WORKS[work].query,
    }


def _pairs(work: str, kind: str, options: Options) -> Pairs:
    path = data.readings(options.data, options.rows, kind)
    workspace = options.data / "bench.streamops"
    plain = options.data / "plain.db"

    def ours() -> dict[str, Any]:
        result = run_fresh("benchmarks.job", spec=spec_of(work, path), workspace=str(workspace))
        batches = -(-options.rows // _BATCH)
        assert result["rows_in"] == options.rows
        assert result["largest_batch"] <= _BATCH
        assert result["batches"] >= batches
        assert result["rejects"] == result["late"] == result["partly_late"] == 0
        return result

    def theirs() -> dict[str, Any]:
        return run_fresh("benchmarks.plain", work=work, path=str(path), database=str(plain))

    pairs = Pairs.measure(options, ours, theirs)
    run_fresh("benchmarks.same", job=str(job_file(workspace)), plain=str(plain))
    return pairs


def _row(work: str, kind: str, pairs: Pairs, target: float) -> list[str]:
    return [
        WORKS[work].title,
        {"jsonl": "JSONL", "parquet": "Parquet"}[kind],
        seconds(median(pairs.theirs)),
        seconds(median(pairs.ours)),
        f"{pairs.share():.0%}",
        f"{target:.0%}",
        f"{pairs.share('cpu'):.0%}",
        f"{median(pairs.ours, 'batches'):.0f}",
        seconds(median(pairs.theirs, "process")),
        seconds(median(pairs.ours, "process")),
        phases(pairs.ours),
    ]


def _text(options: Options) -> str:
    return (
        f"{options.rows:,} readings of 1,000 devices (ten a second each, up to 2 s out of order, "
        "four fields) from one file; Parquet in row groups of 100,000. Plain DuckDB runs the work "
        "as one batch, with the fastest SQL found for it, into a table of a database file. The job "
        f"runs in batches of at most {_BATCH:,} rows, each committed to the job's file together "
        "with its output, position and window state. Both may use all cores; the "
        "job reads and decodes the next batch while the present one runs. "
        "Seconds are medians after interpreter start and imports; the share is the median over "
        f"{options.pairs} interleaved pairs. Both results were compared and hold the same rows."
    )
