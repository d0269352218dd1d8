"""Printing, exporting and importing the configurations of jobs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from rich.console import Console

from streamops_nb.model.errors import Refused
from streamops_nb.shell.opened import looking_at, print_frame, print_json

__all__ = ["export_jobs", "import_jobs", "print_config", "print_diff", "print_versions"]


def print_config(
    folder: Path, job: str, version: int | None, console: Console, *, as_json: bool
) -> None:
    """Print a configuration with every default written out."""
    with looking_at(folder) as workspace:
        text = workspace.config(job, version, format="json" if as_json else "yaml")
    console.out(text.rstrip("\n"), highlight=False)


def print_versions(folder: Path, job: str, console: Console, *, as_json: bool) -> None:
    """Print a job's versions."""
    with looking_at(folder) as workspace:
        frame = workspace.versions(job)
    print_frame(frame, console, as_json=as_json)


def print_diff(
    folder: Path, job: str, before: int | None, after: int | None, console: Console
) -> None:
    """Print what changed between two versions."""
    with looking_at(folder) as workspace:
        diff = workspace.diff(job, before, after)
    console.out(str(diff) or "They are equal.", highlight=False)


def export_jobs(
    folder: Path,
    names: list[str] | None,
    tags: Sequence[str],
    to: Path | None,
    file_format: str,
    console: Console,
) -> None:
    """Export one job as text, several as a ZIP."""
    one = names is not None and len(names) == 1 and not tags
    if to is None and not one:
        raise Refused("several jobs are exported as a ZIP - say where to: -o jobs.zip")
    with looking_at(folder) as workspace:
        made = workspace.export(
            names[0] if one and names else names,
            to,
            tags=tags,
            format=cast(Any, file_format),  # what it is not, it refuses
        )
    if isinstance(made, str):
        console.out(made.rstrip("\n"), highlight=False)
    else:
        console.print(f"written {to}")


def import_jobs(
    folder: Path,
    files: Sequence[str],
    console: Console,
    *,
    same_name: str,
    drop_state: bool,
    as_json: bool,
) -> None:
    """Save the configurations of files, each file whole or not at all."""
    saved = []
    with looking_at(folder, make=True) as workspace:
        for file in files:
            if file != "-" and not Path(file).is_file():
                raise Refused(f"there is no file {file}")
            jobs = workspace.import_(
                sys.stdin.read() if file == "-" else Path(file),
                same_name=cast(Any, same_name),  # likewise
                comment=f"imported from {Path(file).name}" if file != "-" else "imported",
                drop_state=drop_state,
            )
            saved += [{"job": job.name, "version": job.view.version} for job in jobs]
    if as_json:
        print_json(saved, console)
        return
    for row in saved:
        console.print(f"{row['job']}: version {row['version']}")
