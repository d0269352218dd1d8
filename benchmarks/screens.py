"""What the page costs: first paint, clicks, refreshes, large frames, pages opened and closed."""

from __future__ import annotations

from typing import Any

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
    folder = str(options.data / "screens")
    parts = {
        "list": {
            "jobs": options.scaled(_JOBS, 20),
            "running": options.scaled(_RUNNING, 4),
            "seconds": options.scaled(_SECONDS, 4),
        },
        "frame": {"rows": options.scaled(_ROWS, 1_000)},
        "pages": {"pages": options.scaled(_PAGES, 3), "settled": options.scaled(20, 2)},
    }
    found: dict[str, Any] = {}
    for part, how in parts.items():
        found |= run_fresh("benchmarks.page_watched", part=part, folder=folder, **how)
    lines = [
        ("first paint of the list", f"{found['first']:.2f} s", "1.5 s"),
        ("the list can be operated", f"{found['whole']:.2f} s", ""),
        ("click on Start to a reaction", f"{found['click'] * 1000:.0f} ms", "100 ms"),
        ("bytes that a refresh sends", f"{found['bytes'] / 1000:.1f} kB", "20 kB"),
        ("share of a core that an open page takes", f"{found['share']:.1%}", "10%"),
        (f"a preview of {found['rows']:,} rows opens", f"{found['frame']:.2f} s", "1 s"),
        ("it is seen by a browser that has nothing of the page", f"{found['alone']:.2f} s", ""),
        ("another page of it", f"{found['turn'] * 1000:.0f} ms", ""),
        (f"memory after {found['pages']} pages more", f"{found['grown']:+.1%}", "5%"),
        ("threads, sessions, pages, documents, screens left", str(found["left"]), "none"),
    ]
    return Table(
        name="screens",
        title="Screens",
        text=(
            f"The Stream Operation page of {found['jobs']:,} jobs, {found['running']} of them "
            "running, in headless Chromium on the same machine, which has nothing of the page "
            "cached. The share of a core is that of the serving process with a page open, less "
            f"that without. Medians of three. Memory is compared with that after "
            f"{found['settled']} pages, of a workspace with one job."
        ),
        columns=("what", "measured", "target: under"),
        rows=[list(line) for line in lines],
        raw=found,
    )
