"""What the page costs: first paint, clicks, refreshes, large frames, pages opened and closed."""

from __future__ import annotations

from benchmarks.fresh import run_fresh
from benchmarks.options import Options
from benchmarks.table import Table

__all__ = ["run"]

_JOBS = 1_000
_RUNNING = 100
_SECONDS = 20
_PAGES = 100
_ROWS = 100_000


def run(options: Options) -> Table:
    """Measure the page of a workspace with many jobs in a real Chromium."""
    found = run_fresh(
        "benchmarks.page_watched",
        folder=str(options.data / "screens"),
        jobs=options.scaled(_JOBS, 20),
        running=options.scaled(_RUNNING, 4),
        seconds=options.scaled(_SECONDS, 4),
        pages=options.scaled(_PAGES, 3),
        rows=options.scaled(_ROWS, 1_000),
    )
    lines: list[tuple[str, str, str]] = [
        ("first paint of the list", f"{found['paint']:.2f} s", "1.5 s"),
        ("click on Start to a reaction", f"{found['click'] * 1000:.0f} ms", "100 ms"),
        ("bytes that a refresh sends", f"{found['bytes'] / 1000:.1f} kB", "20 kB"),
        ("share of a core that an open page takes", f"{found['share']:.1%}", "10%"),
        (f"first page of a frame of {found['rows']:,} rows", f"{found['frame']:.3f} s", "1 s"),
        (f"memory after {found['pages']} pages, against 5", f"{found['grown']:+.1%}", "5%"),
        ("threads, callbacks and screens left behind", str(found["left"]), "0"),
    ]
    return Table(
        name="screens",
        title="Screens",
        text=(
            f"The Stream Operation page of {found['jobs']:,} jobs, {found['running']} of them "
            "running, in headless Chromium on the same machine; first paint is the median of "
            "three. The share of a core is that of the serving process with a page open, less "
            "that without."
        ),
        columns=("what", "measured", "target: under"),
        rows=[list(line) for line in lines],
        raw=found,
    )
