"""Commands for running results: summary, runs, metrics, errors, alarms, what failed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streamops_nb.cli.options import AsJson, Folder, JobName, JobNames, Limit, Why, console

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


def runs(workspace: Folder, job: JobName, as_json: AsJson = False) -> None:
    """List a job's runs: where from, how they ended, what they did."""
    from streamops_nb.shell.watching import print_runs

    print_runs(workspace, job, console(), as_json=as_json)


def metrics(
    workspace: Folder,
    job: JobNames = None,
    since: Since = "1h",
    as_json: AsJson = False,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="As Prometheus reads it, of this moment.")
    ] = False,
) -> None:
    """Print what batches did: rows, lag, watermark, seconds by phase."""
    from streamops_nb.shell.watching import print_metrics

    print_metrics(workspace, job or None, since, console(), as_json=as_json, prometheus=prometheus)


def alarms(
    workspace: Folder,
    what: Annotated[
        str, typer.Argument(metavar="[set|remove|webhook]", help="Default: list them.")
    ] = "",
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Of the alarm, or webhook.")] = "",
    address: Annotated[str, typer.Argument(metavar="[URL]", help="Of the webhook.")] = "",
    when: Annotated[str, typer.Option(metavar="CONDITION", help='For example "lag > 10000".')] = "",
    over_metrics: Annotated[
        str, typer.Option("--metrics", metavar="SQL", help='For example "avg(seconds) > 0.5".')
    ] = "",
    job: Annotated[
        list[str] | None, typer.Option(metavar="JOB", help="Default all; may be repeated.")
    ] = None,
    after: Annotated[str, typer.Option(metavar="LENGTH", help="When it held so long.")] = "0s",
    every: Annotated[str, typer.Option(metavar="LENGTH", help="Tell it again so often.")] = "0s",
    to: Annotated[
        list[str] | None, typer.Option(metavar="SINK", help="log, or a webhook; may be repeated.")
    ] = None,
    secret: Annotated[
        str, typer.Option(metavar="REFERENCE", help="Signs a webhook's messages: '${env:NAME}'.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List alarms; set or remove one; say where a webhook is."""
    from streamops_nb.shell.watching import do_alarms

    how = {
        "when": when, "metrics": over_metrics, "jobs": job or None, "after": after,
        "every": every, "to": to or "log",
    }  # fmt: skip
    do_alarms(workspace, what, name, address, secret, how, console(), as_json=as_json)


def heal(
    workspace: Folder,
    job: JobName,
    spec: Annotated[
        Path | None,
        typer.Argument(metavar="[SPEC]", help="What is tried; default the newest version."),
    ] = None,
    query: Annotated[
        str | None, typer.Option(metavar="SQL", help="Another query is tried.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help="Only decode, expression and so on.")
    ] = None,
    stage: Annotated[str | None, typer.Option(metavar="STAGE", help="Only of this one.")] = None,
    text: Text = "",
    apply: Annotated[
        bool, typer.Option("--apply", help="Write what came out, each reject once.")
    ] = False,
    why: Why = "",
    to: Annotated[
        Path | None,
        typer.Option("--to", "-o", metavar="FILE", help="Write the rest: .jsonl or .parquet."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Try a job's rejects again under a changed specification; write what came out with --apply."""
    from streamops_nb.shell.mending import heal_rejects

    which = {"query": query, "kind": kind, "stage": stage, "text": text}
    heal_rejects(
        workspace, job, spec, which, console(), apply=apply, why=why, to=to, as_json=as_json
    )


def failure(
    workspace: Annotated[
        Path, typer.Argument(metavar="WORKSPACE|FILE", help="A workspace, or an exported failure.")
    ],
    job: Annotated[str, typer.Argument(metavar="[JOB]", help="Of the workspace.")] = "",
    what: Annotated[
        str, typer.Argument(metavar="[show|preview|export]", help="Default: show it.")
    ] = "",
    to: Annotated[
        Path | None, typer.Option("--to", "-o", metavar="FILE", help="Where it is exported to.")
    ] = None,
    shown: Annotated[int, typer.Option("-n", min=0, help="Show so many rows.")] = 10,
) -> None:
    """Show a job's last failure, replay its batch in a preview, or export it as one file."""
    from streamops_nb.shell.mending import show_failure

    raise typer.Exit(show_failure(workspace, job, what, to, shown, console()))


COMMANDS = (summary, runs, metrics, errors, alarms, heal, failure)
"""In the order of the help."""
