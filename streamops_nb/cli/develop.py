"""Commands for writing jobs: run one, check it, explain it, preview it, see the demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from streamops_nb.cli.options import (
    AsJson,
    Own,
    SavedJob,
    SpecFile,
    SpecOrWorkspace,
    console,
    show_on,
)

__all__ = [
    "COMMANDS",
    "demo",
    "error",
    "explain",
    "functions",
    "preview",
    "run",
    "schema",
    "validate",
]


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
            help="earliest, latest, stopped, a time such as 2024-01-31T08:30:00Z, or positions "
            """such as '{"readings": {"0": 12}}'; default: go on from the last commit.""",
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Give a parameter a value; may be repeated."
        ),
    ] = None,
    rows: Annotated[int, typer.Option(min=0, help="Show so many of the newest rows.")] = 0,
) -> None:
    """Run one job in the foreground until it has finished, or until Ctrl-C.

    Ctrl-C lets the batch in flight commit; the same command goes on from there (without --from).
    """
    from streamops_nb.shell.run import run_job

    code = run_job(
        spec,
        workspace,
        console(),
        until_end=until_end,
        at=at,
        params=param or [],
        rows=rows,
    )
    raise typer.Exit(code)


def validate(what: SpecOrWorkspace, job: SavedJob = "", workspace: Own = None) -> None:
    """Check a job and its query: every fault with its line and column.

    Records are read only of streams whose schema is to be inferred, and nothing is written: whether
    declared fields, times and delimiters fit the data tells `streamops preview`, and whether the
    sink can be reached the run. A note names sources whose files are not there.
    """
    from streamops_nb.shell.specs import print_verdict

    print_verdict(what, job, workspace, console())


def explain(what: SpecOrWorkspace, job: SavedJob = "", workspace: Own = None) -> None:
    """Say what a job keeps as state, when rows come out, and what the watermark does."""
    from streamops_nb.shell.specs import print_plan

    print_plan(what, job, workspace, console())


def preview(
    what: SpecOrWorkspace,
    job: SavedJob = "",
    workspace: Own = None,
    rows: Annotated[
        int | None, typer.Option(min=1, help="At most so many records of each stream.")
    ] = None,
    last: Annotated[
        str | None, typer.Option(metavar="TIME", help='The records of the last "10m".')
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter's value; may be repeated."),
    ] = None,
    upto: Annotated[
        str | None, typer.Option(metavar="STAGE", help="The last stage of interest.")
    ] = None,
    shown: Annotated[int, typer.Option("-n", min=0, help="Show so many rows.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Run a query once over the latest data, stage by stage; nothing is saved or written."""
    from streamops_nb.shell.previewing import print_preview

    how = {"rows": rows, "last": last, "upto": upto}
    code = print_preview(
        what,
        job,
        workspace,
        console(),
        values=values or [],
        shown=shown,
        as_json=as_json,
        **{key: value for key, value in how.items() if value is not None},
    )
    raise typer.Exit(code)


def functions() -> None:
    """List the functions that a query may call."""
    from streamops_nb.shell.functions import listed

    sys.stdout.write(listed())


def schema() -> None:
    """Print the JSON Schema of a job's specification, for editors."""
    from importlib.resources import files

    text = files("streamops_nb.model").joinpath("schema", "job.schema.json").read_text("utf-8")
    sys.stdout.write(text)


def error(
    name: Annotated[
        str, typer.Argument(metavar="[CLASS]", help="As named below a message; default all.")
    ] = "",
) -> None:
    """Say what causes a class of errors, and what to do about it."""
    from streamops_nb.shell.mistakes import print_error

    print_error(name, console())


def demo(
    workspace: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the demo's workspace lies.")
    ] = Path("demo.streamops"),
    speed: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=1_000_000,
            help="Recorded seconds per second; default as before, at first 3600.",
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", help="End after so long.")
    ] = None,
    no_page: Annotated[bool, typer.Option("--no-page", help="Without the page.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Without colours.")] = False,
) -> None:
    """Run seven jobs on recorded flights and weather and a simulated plant, until Ctrl-C.

    Their page is in a browser, at the address that is printed. Run again, every job goes on from
    its last commit.
    """
    from streamops_nb.demo.screen import run_demo

    page = None if no_page else show_on(0)
    out = console(no_color=no_color)
    raise typer.Exit(run_demo(workspace, out, speed=speed, seconds=seconds, page=page))


COMMANDS = (run, validate, explain, preview, functions, schema, error, demo)
"""In the order of the help."""
