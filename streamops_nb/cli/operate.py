"""Commands for operating the jobs of a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streamops_nb.cli.options import (
    AsJson,
    BestEffort,
    Folder,
    Force,
    From,
    JobName,
    JobNames,
    Limit,
    PlanOnly,
    StatusOf,
    Tags,
    Why,
    Yes,
    console,
)

__all__ = ["COMMANDS"]


def up(
    workspace: Folder,
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", help="End after so long.")
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="Without colours.")] = False,
) -> None:
    """Own a workspace and run its jobs until Ctrl-C; what is wanted running goes on at once."""
    from streamops_nb.shell.owner import run_workspace

    raise typer.Exit(run_workspace(workspace, console(no_color=no_color), seconds=seconds))


def jobs(
    workspace: Folder, tag: Tags = None, status: StatusOf = None, as_json: AsJson = False
) -> None:
    """List the jobs of a workspace."""
    from streamops_nb.shell.lists import print_jobs

    print_jobs(workspace, console(), as_json=as_json, tags=tag or (), status=status or ())


def start(
    workspace: Folder,
    job: JobNames = None,
    tag: Tags = None,
    status: StatusOf = None,
    at: From = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget position and state, start as specified.")
    ] = False,
    drop_state: Annotated[
        bool,
        typer.Option("--drop-state", help="Kept state may be dropped if the query has changed."),
    ] = False,
    plan: PlanOnly = False,
    best_effort: BestEffort = False,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Want jobs running: the process that owns the workspace next (``streamops up``) runs them."""
    from streamops_nb.shell.verbs import act

    act(
        "start",
        workspace,
        console(),
        chosen=(job, tag, status),
        how={
            "at": at,
            "fresh": fresh,
            "drop_state": drop_state,
            "begin": False,
            "plan": plan,
            "best_effort": best_effort,
            "why": why,
        },
        as_json=as_json,
    )


def pause(
    workspace: Folder,
    job: JobNames = None,
    tag: Tags = None,
    status: StatusOf = None,
    plan: PlanOnly = False,
    best_effort: BestEffort = False,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Pause jobs: position and window state are kept, for at most 24 hours."""
    from streamops_nb.shell.verbs import act

    how = {"plan": plan, "best_effort": best_effort, "why": why}
    act("pause", workspace, console(), chosen=(job, tag, status), how=how, as_json=as_json)


def stop(
    workspace: Folder,
    job: JobNames = None,
    tag: Tags = None,
    status: StatusOf = None,
    force: Force = False,
    yes: Yes = False,
    plan: PlanOnly = False,
    best_effort: BestEffort = False,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Stop jobs: window state is dropped, the stop point remembered, output stays."""
    from streamops_nb.shell.verbs import act

    how = {"force": force, "plan": plan, "best_effort": best_effort, "why": why}
    act("stop", workspace, console(), chosen=(job, tag, status), how=how, as_json=as_json, yes=yes)


def reset(
    workspace: Folder,
    at: From,
    job: JobNames = None,
    drop_state: Annotated[
        bool, typer.Option("--drop-state", help="Kept window state is dropped with it.")
    ] = False,
    plan: PlanOnly = False,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Choose the point from which jobs start next."""
    from streamops_nb.shell.verbs import act

    how = {"at": at, "drop_state": drop_state, "plan": plan, "why": why}
    act("reset", workspace, console(), chosen=(job, None, None), how=how, as_json=as_json)


def view(
    workspace: Folder,
    job: JobName,
    version: Annotated[
        int | None, typer.Option(metavar="N", help="An earlier version; default the newest.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print a job's configuration, every default written out."""
    from streamops_nb.shell.configurations import print_config

    print_config(workspace, job, version, console(), as_json=as_json)


def versions(workspace: Folder, job: JobName, as_json: AsJson = False) -> None:
    """List a job's versions."""
    from streamops_nb.shell.configurations import print_versions

    print_versions(workspace, job, console(), as_json=as_json)


def diff(
    workspace: Folder,
    job: JobName,
    before: Annotated[int | None, typer.Argument(metavar="[BEFORE]", help="A version.")] = None,
    after: Annotated[int | None, typer.Argument(metavar="[AFTER]", help="A version.")] = None,
) -> None:
    """Compare two versions of a job; default the newest with the one that runs or was before."""
    from streamops_nb.shell.configurations import print_diff

    print_diff(workspace, job, before, after, console())


def export(
    workspace: Folder,
    job: JobNames = None,
    tag: Tags = None,
    to: Annotated[
        Path | None, typer.Option("--to", "-o", metavar="FILE", help="Where to; default here.")
    ] = None,
    file_format: Annotated[str, typer.Option("--format", help="yaml or json.")] = "yaml",
) -> None:
    """Export configurations: one job as text, several as a ZIP."""
    from streamops_nb.shell.configurations import export_jobs

    export_jobs(workspace, job or None, tag or (), to, file_format, console())


def import_(
    workspace: Folder,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="YAML, JSON or ZIP; - for text here.")
    ],
    same_name: Annotated[
        str, typer.Option("--same-name", help="version: save a new one; refuse: do nothing.")
    ] = "version",
    drop_state: Annotated[
        bool, typer.Option("--drop-state", help="Kept state that does not fit may be dropped.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Save configurations from files; a workspace that is not there is made."""
    from streamops_nb.shell.configurations import import_jobs

    import_jobs(
        workspace, files, console(), same_name=same_name, drop_state=drop_state, as_json=as_json
    )


def history(
    workspace: Folder,
    job: JobNames = None,
    lines: Annotated[
        bool, typer.Option("--lines", help="Only the lines of Python that repeat what was done.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print who did what, when, why, and what came of it."""
    from streamops_nb.shell.verbs import print_history

    print_history(workspace, job or None, console(), lines=lines, as_json=as_json)


def resources(
    workspace: Folder,
    what: Annotated[
        str, typer.Argument(metavar="[request|release|alarm]", help="Default: say what there is.")
    ] = "",
    number: Annotated[
        float | None, typer.Argument(metavar="[NUMBER]", help="CU, or the alarm's share.")
    ] = None,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Say what computing resources there are; request or release them, or set the usage alarm."""
    from streamops_nb.shell.verbs import do_resources

    do_resources(workspace, what, number, why, console(), as_json=as_json)


def delete(workspace: Folder, job: list[str], yes: Yes = False, why: Why = "") -> None:
    """Delete jobs with their versions, history and output table."""
    from streamops_nb.shell.verbs import delete_jobs

    delete_jobs(workspace, job, why, console(), yes=yes)


def backup(
    workspace: Folder,
    to: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is not there yet.")],
) -> None:
    """Copy a workspace; `restore` makes one of the copy."""
    from streamops_nb.shell.verbs import make_backup

    make_backup(workspace, to, console())


def restore(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="What `backup` made.")],
    workspace: Folder,
) -> None:
    """Make a workspace of a backup."""
    from streamops_nb.shell.verbs import restore_backup

    restore_backup(source, workspace, console())


def output(workspace: Folder, job: JobName, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Print the newest rows that a job has written to its table."""
    from streamops_nb.shell.lists import print_output

    print_output(workspace, job, limit, console(), as_json=as_json)


def rejects(workspace: Folder, job: JobName, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Print the newest rows that a job could not decode or evaluate, and why."""
    from streamops_nb.shell.lists import print_rejects

    print_rejects(workspace, job, limit, console(), as_json=as_json)


COMMANDS = (
    up, jobs, start, pause, stop, reset, output, rejects, view, versions, diff, export, import_,
    history, resources, delete, backup, restore,
)  # fmt: skip
"""In the order of the help."""
