"""``streamops …``: the command line. Commands load what they need when they run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamops_nb.model.errors import Refused, StreamopsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from streamops_nb.ops.workspace import Workspace

__all__ = ["app", "main"]

FAILED, REFUSED = 1, 2

app = typer.Typer(
    name="streamops",
    help="Stream jobs as one DuckDB query. Errors are told without a traceback; --debug shows it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="A job's YAML file.")]
Folder = Annotated[Path, typer.Argument(metavar="WORKSPACE", help="A workspace's folder.")]
JobName = Annotated[str, typer.Argument(metavar="JOB", help="The job's name.")]
Own = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="DIR",
        help="The workspace; default <name>.streamops beside SPEC. Relative paths in SPEC are "
        "relative to it.",
    ),
]
Limit = Annotated[int, typer.Option("-n", min=0, help="How many rows.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def run(
    spec: SpecFile,
    workspace: Own = None,
    until_end: Annotated[
        bool, typer.Option("--until-end", help="Refuse the job if its streams never end.")
    ] = False,
    at: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="START",
            help="earliest, latest, stopped, a time (2024-01-31T08:30:00Z), or positions "
            '(\'{"readings": {"0": 12}}\'); default: go on from the last commit.',
        ),
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Another value; repeatable.")
    ] = None,
    rows: Annotated[int, typer.Option(min=0, help="Show so many of the newest rows.")] = 0,
) -> None:
    """Run one job in the foreground until it ends, or Ctrl-C.

    Ctrl-C lets the batch in flight commit, the same command goes on from there. Exit code 0:
    finished or interrupted, 1: the job failed, 2: the input was refused.
    """
    from streamops_nb.shell.arguments import named_values, with_params, with_start
    from streamops_nb.shell.checking import endless_streams, load_spec, plan_of
    from streamops_nb.shell.foreground import Ending, draw
    from streamops_nb.shell.run import JobScreen, ensure_running, open_with

    job = with_params(load_spec(spec), named_values(param or []))
    start = None if at is None else with_start(job, at).start.at
    folder = workspace or _beside(spec, job.name)
    plan_of(spec, job, folder)
    if until_end and (endless := endless_streams(job, folder)):
        raise Refused(
            f"--until-end: the stream {endless[0]} never ends - write `follow: false` for files, "
            "`total: …` for the simulator, or leave --until-end out"
        )
    console = _console()
    with Ending() as ending, open_with(folder, [job], "streamops run") as opened:
        resumed = ensure_running(opened, job.name, start)
        console.print(f"{'Going on with' if resumed else 'Starting'} {job.name} in {folder}")
        screen = JobScreen(opened, job.name, rows)
        draw(screen.picture, console, ending, lambda: screen.goes_on)
        if ending.wanted:
            console.print("Ending: the batch in flight commits (Ctrl-C again ends at once) ...")
