"""Printing running results: summaries, runs, metrics, error logs, alarms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from streamops_nb.model.errors import Refused
from streamops_nb.model.prometheus import exposition
from streamops_nb.model.wording import number_of
from streamops_nb.shell.opened import looking_at, print_frame, print_json

__all__ = ["do_alarms", "print_errors", "print_metrics", "print_runs", "print_summary"]


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
    size = max(size, 1)
    one: dict[str, Any] = {"limit": size, "skip": (page - 1) * size} if each and to is None else {}
    with looking_at(folder) as workspace:
        log = workspace.errors(names, **which, **one)
    if to is not None:
        console.print(f"written {log.save(to)}: {number_of(len(log), 'entry')}", markup=False)
    elif each:
        columns = ["at", "level", "job", "run", "batch", "stage", "kind", "count", "message"]
        print_frame(log.df, console, as_json=as_json, columns=columns)
    else:
        columns = ["last_at", "level", "job", "stage", "kind", "count", "first_at", "message"]
        print_frame(log.by_kind.head(size), console, as_json=as_json, columns=columns)


def print_runs(folder: Path, job: str, console: Console, *, as_json: bool) -> None:
    """Print a job's runs."""
    with looking_at(folder) as workspace:
        frame = workspace.job(job).runs()
    columns = ["run", "version", "status", "started_at", "ended_at", "start", "rows_in", "rows_out"]
    columns += ["rejects", "rows_in_per_second", "reason"]
    print_frame(frame, console, as_json=as_json, columns=columns)


def print_metrics(
    folder: Path,
    names: list[str] | None,
    since: str | None,
    console: Console,
    *,
    as_json: bool,
    prometheus: bool,
) -> None:
    """Print what batches did, or what Prometheus would read now."""
    with looking_at(folder) as workspace:
        if prometheus:
            views = [workspace.view(name) for name in workspace.select(names)]
            booking = workspace.resources.status().booking
            text = exposition(views, workspace.now(), booking)
            console.out(text, end="", highlight=False)
            return
        frame = workspace.metrics(names, since=since)
    columns = ["at", "job", "run", "batches", "rows_in", "rows_out", "rejects", "lag", "watermark"]
    print_frame(frame, console, as_json=as_json, columns=[*columns, "seconds"])


def do_alarms(
    folder: Path,
    what: str,
    name: str,
    address: str,
    secret: str,
    how: Mapping[str, Any],
    console: Console,
    *,
    as_json: bool,
) -> None:
    """List the alarms of a workspace, after changing them if asked to."""
    with looking_at(folder) as workspace:
        alarms = workspace.alarms
        if what == "set":
            alarms.set(name, **how)
        elif what == "remove":
            alarms.remove(name)
        elif what == "webhook":
            alarms.webhook(name, address, secret=secret)
        elif what:
            raise Refused("say `set NAME`, `remove NAME`, `webhook NAME URL`, or nothing")
        alarms.look()
        frame = alarms.df
    print_frame(frame, console, as_json=as_json)
