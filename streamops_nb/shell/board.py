"""The board of jobs as a table for a terminal of 100 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from streamops_nb.model.lifecycle import Status
from streamops_nb.model.views import JobView
from streamops_nb.shell.wording import cell, cells, count, moment, rate

__all__ = ["board", "rows_table", "troubles"]

_COLOURS = {
    Status.RUNNING: "green",
    Status.FINISHED: "cyan",
    Status.FAILED: "bold red",
    Status.RETRYING: "yellow",
}


_NARROWEST = 10
"""A column that has to give way stays as wide as this, or as its longest value."""


def board(views: Iterable[JobView], now: float) -> Table:
    """Make the table: a line per job, counts over all its runs.

    Parameters
    ----------
    now
        Wall time, seconds since the epoch.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    # the only column that may give way, as it is the only one without no_wrap
    table.add_column("job", style="bold", overflow="ellipsis", min_width=12)
    table.add_column("status", no_wrap=True)
    for name in ("rows in", "rows out", "in/s", "lag", "watermark", "rejects", "late"):
        table.add_column(name, justify="right", no_wrap=True)
    for view in views:
        counts = view.in_all
        table.add_row(
            view.job,
            Text(view.status.value, style=_COLOURS.get(view.status, "")),
            count(counts.rows_in),
            count(counts.rows_out),
            rate(view.rate_in(now)),
            count(view.total_lag),
            moment(view.watermark, now),
            _coloured(counts.rejects, "yellow"),
            _coloured(counts.late, "magenta"),
        )
    return table


def _coloured(number: int, style: str) -> Text:
    return Text(count(number), style=style if number else "dim")


def troubles(views: Iterable[JobView], width: int = 100) -> list[Text]:
    """Say, a line per job, what went wrong in the present run, the last of each."""
    lines = []
    for view in views:
        error = view.last_error
        if error is not None and error.run == view.run:
            where = "" if error.batch is None else f" in batch {error.batch}"
            said = f"{view.job}: {error.kind}{where}: {error.message}"
        elif view.status is Status.FAILED:
            said = f"{view.job}: {view.reason}"
        else:
            continue
        style = "red" if view.status is Status.FAILED else "yellow"
        lines.append(Text(cell(said, width=width), style=style))
    return lines


def rows_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    """Make a table of output rows; long values are cut."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    written = [cells([row[name] for row in rows]) for name in columns]
    for name, texts in zip(columns, written, strict=True):
        numbers = all(isinstance(row[name], (int, float)) or row[name] is None for row in rows)
        table.add_column(
            Text(name),
            justify="right" if numbers else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=min(max(map(len, texts), default=0), _NARROWEST),
        )
    for line in zip(*written, strict=True):
        table.add_row(*map(Text, line))
    return table
