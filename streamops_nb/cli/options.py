"""What the commands have in common: arguments, options, the console."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "AsJson", "BestEffort", "Folder", "Force", "From", "JobName", "JobNames", "Limit", "Own",
    "PlanOnly", "SavedJob", "SpecFile", "SpecOrWorkspace", "StatusOf", "Tags", "Why", "Yes",
    "console", "show_on",
]  # fmt: skip

SpecOrWorkspace = Annotated[
    Path,
    typer.Argument(metavar="SPEC|WORKSPACE", help="A job's YAML file, or the workspace of a job."),
]
SavedJob = Annotated[str, typer.Argument(metavar="[JOB]", help="A saved job, after its workspace.")]
SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="A job's YAML file.")]
Folder = Annotated[
    Path,
    typer.Argument(
        metavar="WORKSPACE", help="A workspace's folder, or the address of a served one."
    ),
]
JobName = Annotated[str, typer.Argument(metavar="JOB", help="The job's name.")]
JobNames = Annotated[list[str] | None, typer.Argument(metavar="[JOB]...", help="Jobs by name.")]
Own = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="DIR",
        help="The workspace, to which paths in SPEC are relative; default <name>.streamops "
        "beside SPEC.",
    ),
]
Limit = Annotated[int, typer.Option("-n", min=0, help="So many rows, the newest.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="TAG", help="Jobs with it; may be repeated.")
]
StatusOf = Annotated[
    list[str] | None,
    typer.Option("--status", metavar="STATUS", help="Jobs that stand there; may be repeated."),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="START",
        help="earliest, latest, stopped, a time such as 2024-01-31T08:30:00Z, or positions "
        """such as '{"readings": {"0": 12}}'; default: go on from the last commit.""",
    ),
]
PlanOnly = Annotated[
    bool, typer.Option("--plan", help="Only say what would be done to each job, and why not.")
]
BestEffort = Annotated[
    bool, typer.Option("--best-effort", help="Do what is allowed instead of all or nothing.")
]
Why = Annotated[str, typer.Option(metavar="TEXT", help="Kept in the history.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Force = Annotated[
    bool, typer.Option("--force", help="Do not wait: the batch in flight is not committed.")
]


def console(*, no_color: bool = False) -> Console:
    """Make the console that commands print to."""
    from rich.console import Console

    # a file or pipe has no width of its own; nothing needs to be cut there
    width = None if sys.stdout.isatty() else 200
    return Console(no_color=no_color or None, width=width, highlight=False)


def show_on(port: int) -> Any:
    """Make what shows the page of a workspace on a port (0: a free one); loaded when it does."""

    def show(workspace: Any, public: Any) -> Any:
        from streamops_nb.app import show_page

        return show_page(workspace, port, public)

    return show
