"""Printing running results: summaries, error logs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from streamops_nb.shell.opened import looking_at, print_frame, print_json

__all__ = ["print_errors", "print_summary"]


def print_summary(folder: Path, job: str, console: Console, *, as_json: bool) -> None:
    """Print what a job does."""
    with looking_at(folder) as workspace:
        summary = workspace.job(job).summary()
    if as_json:
        print_json(summary.dict, console)
    else:
        console.out(str(summary), highlight=False)


def print_errors(
    folder: Path,
    names: list[str] | None,
    which: Mapping[str, Any],
    console: Console,
    *,
    each: bool,
    page: int,
    size: int,
    to: str | None,
    as_json: bool,
) -> None:
    """Print the error log, or write it to a file.

    Parameters
    ----------
    which
        The keywords of `Workspace.errors`.
    each
        Entry by entry; else equal ones together.
    """
    with looking_at(folder) as workspace:
        log = workspace.errors(names, **which)
    if to is not None:
        console.print(f"written {log.save(to)}: {len(log)} entries", markup=False)
    elif each:
        columns = ["at", "level", "job", "run", "batch", "stage", "kind", "count", "message"]
        print_frame(log.page(page, max(size, 1)), console, as_json=as_json, columns=columns)
    else:
        columns = ["last_at", "level", "job", "stage", "kind", "count", "first_at", "message"]
        print_frame(log.by_kind.head(size), console, as_json=as_json, columns=columns)
