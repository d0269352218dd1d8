"""Printing what a workspace holds: its jobs, a job's output, its rejects."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from streamops_nb.model.lifecycle import Status, standing
from streamops_nb.model.views import JobView
from streamops_nb.shell.board import rows_table
from streamops_nb.shell.opened import looking_at, print_json
from streamops_nb.shell.results import newest_output, newest_rejects
from streamops_nb.shell.wording import count

__all__ = ["print_jobs", "print_output", "print_rejects"]

Row = dict[str, Any]

_NUMBERS = ("version", "batches", "rows_in", "rows_out", "rejects", "late")


def print_jobs(
    folder: Path,
    console: Console,
    *,
    as_json: bool,
    tags: Sequence[str] = (),
    status: Sequence[str] = (),
) -> None:
    """Print the jobs of a workspace."""
    with looking_at(folder) as workspace:
        found = workspace.table(tags=tags, status=status).to_dict("records")
        # thousands that have never run have none
        views = workspace.views() if any(row["run"] for row in found) else []
        seen = {view.job: view for view in views}
        rows = [_job(row, seen.get(str(row["job"]), JobView(job=""))) for row in found]
    if as_json:
        print_json(list(rows), console)
        return
    if not rows:
        console.print("No job has been saved in this workspace yet.")
        return
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    table.add_column("job", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for name in _NUMBERS:
        table.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row["job"], _status(row), *(count(row[name]) for name in _NUMBERS))
    console.print(table)
    if any(row["status"] == Status.STARTING for row in rows):
        console.print(
            f"\ninterrupted, to start: goes on with `streamops up {folder}`, or with the"
            " `streamops run` that began it.",
            markup=False,
        )


def _job(row: Mapping[Hashable, Any], view: JobView) -> Row:
    counts, error = view.in_all, view.last_error
    return {
        "job": row["job"],
        "version": row["version"],
        "status": row["status"],
        "wanted": row["wanted"],
        "reason": row["reason"],
        "batches": counts.batches,
        "rows_in": counts.rows_in,
        "rows_out": counts.rows_out,
        "rejects": counts.rejects,
        "late": counts.late,
        "last_error": None if error is None else error.message,
    }


def _status(row: Row) -> str:
    found = standing(Status(row["status"]), str(row["reason"]))
    return "to start" if found == Status.STARTING else found


def print_output(folder: Path, job: str, limit: int, console: Console, *, as_json: bool) -> None:
    """Print the newest output rows of a job."""
    with looking_at(folder) as workspace:
        rows, columns = newest_output(workspace, job, limit)
    _print_rows(rows, columns, console, as_json=as_json)


def print_rejects(folder: Path, job: str, limit: int, console: Console, *, as_json: bool) -> None:
    """Print the newest rejects of a job, with their reasons and raw bytes."""
    with looking_at(folder) as workspace:
        rows, columns = newest_rejects(workspace, job, limit)
    if not as_json:
        # what a person looks at first; all of it is in the JSON
        shown = ("batch", "stage", "kind", "reason", "partition", "offset", "raw")
        columns = [name for name in shown if name in columns]
    _print_rows(rows, columns, console, as_json=as_json)


def _print_rows(
    rows: Sequence[Row], columns: Sequence[str], console: Console, *, as_json: bool
) -> None:
    if as_json:
        print_json(list(rows), console)
    elif rows:
        console.print(rows_table(rows, columns))
    else:
        console.print("Nothing yet.")
