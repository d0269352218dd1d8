"""Commands for looking at running results: summary, errors."""

from __future__ import annotations

from typing import Annotated

import typer

from streamops_nb.cli.options import AsJson, Folder, JobName, JobNames, Limit, console

__all__ = ["COMMANDS"]

Level = Annotated[
    list[str] | None,
    typer.Option("--level", metavar="LEVEL", help="error, warning or info; may be repeated."),
]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help='A time, or how long ago: "1h", "90s".')
]
Text = Annotated[str, typer.Option(metavar="TEXT", help="Only those with this text.")]


def summary(workspace: Folder, job: JobName, as_json: AsJson = False) -> None:
    """Say what a job does: counts, rates, lag, watermark, state, and why nothing comes out."""
    from streamops_nb.shell.watching import print_summary

    print_summary(workspace, job, console(), as_json=as_json)


def errors(
    workspace: Folder,
    job: JobNames = None,
    level: Level = None,
    stage: Annotated[str | None, typer.Option(metavar="STAGE", help="Only of this one.")] = None,
    since: Since = None,
    until: Since = None,
    text: Text = "",
    each: Annotated[
        bool, typer.Option("--each", help="Entry by entry, instead of equal ones together.")
    ] = False,
    page: Annotated[int, typer.Option(min=1, help="Which page of the entries.")] = 1,
    limit: Limit = 20,
    to: Annotated[
        str | None, typer.Option("--to", "-o", metavar="FILE", help="Write all: .csv or .jsonl.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the error log: errors and rejects of jobs, equal ones together."""
    from streamops_nb.shell.watching import print_errors

    which = {"level": level or (), "stage": stage, "since": since, "until": until, "text": text}
    print_errors(
        workspace, job or None, which, console(), each=each, page=page, size=limit, to=to,
        as_json=as_json,
    )  # fmt: skip


COMMANDS = (summary, errors)
"""In the order of the help."""
