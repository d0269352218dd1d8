"""The verbs of the command line: start, pause, stop, reset, history, resources, upkeep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from streamops_nb.model.booking import WORKSPACE
from streamops_nb.model.errors import Refused, ResourcesRefused
from streamops_nb.ops.decision import Decision
from streamops_nb.ops.upkeep import restore
from streamops_nb.ops.workspace import Workspace
from streamops_nb.plan.yaml_text import read_yaml
from streamops_nb.shell.opened import agreed, is_remote, looking_at, print_frame, print_json

__all__ = [
    "act",
    "delete_jobs",
    "do_resources",
    "make_backup",
    "print_history",
    "restore_backup",
]

Chosen = tuple[list[str] | None, list[str] | None, list[str] | None]

_QUESTIONS = {
    "stop": "Stop {jobs}? Window state is dropped, output stays",
    "delete": "Delete {jobs} with versions, history and output table?",
}


def act(
    verb: str,
    folder: Path,
    console: Console,
    *,
    chosen: Chosen,
    how: Mapping[str, Any],
    as_json: bool,
    yes: bool = True,
) -> None:
    """Do something to jobs of a workspace, and print what came of it.

    Parameters
    ----------
    chosen
        Names, tags, statuses; at least one of them has to be given.
    how
        The keywords of the method `verb` of a workspace.
    """
    with looking_at(folder) as workspace:
        names = _select(workspace, verb, chosen)
        begins = {"begin": True} if verb == "start" and is_remote(workspace) else {}
        given = {**how, **begins, **({"at": _point(how["at"])} if how.get("at") else {})}
        if not given["plan"] and not agreed(_question(verb, names), console, yes=yes):
            raise typer.Exit(1)
        try:
            done = getattr(workspace, verb)(names, **given)
        except ResourcesRefused as refusal:
            raise ResourcesRefused(_placed(str(refusal), folder)) from None
    if isinstance(done, Decision):
        print_frame(done.df, console, as_json=as_json)
        raise typer.Exit(2 if done.refused else 0)
    rows = [asdict(outcome) for outcome in done]
    if as_json:
        print_json(rows, console)
    else:
        for row in rows:
            why = f" - {_placed(row['why'], folder)}" if row["why"] else ""
            console.print(f"{row['job']}: {row['status']}{why}", markup=False)
    if not all(outcome.done for outcome in done):
        raise typer.Exit(1)
    if verb == "start" and not begins and not as_json:
        console.print(f"They begin when a process owns the workspace: streamops up {folder}")


def _placed(message: str, folder: Path) -> str:
    """Name the workspace in a command that a message tells."""
    return message.replace(f"resources {WORKSPACE}", f"resources {folder}")


def _select(workspace: Workspace, verb: str, chosen: Chosen) -> list[str]:
    names, tags, status = chosen
    if not (names or tags or status):
        raise Refused(f"name the jobs to {verb}, or choose them by --tag or --status")
    return workspace.select(names or None, tags=tags or (), status=status or ())


def _question(verb: str, names: Sequence[str]) -> str:
    jobs = ", ".join(names) if len(names) <= 5 else f"{len(names)} jobs"
    return _QUESTIONS.get(verb, "{jobs}").format(jobs=jobs)


def _point(text: str) -> Any:
    """Read a start point: a word, a time, or positions as JSON."""
    if not text.lstrip().startswith("{"):
        return text
    value = read_yaml(text).data
    if isinstance(value, Mapping) and "positions" not in value:
        return {"positions": value}
    return value


def print_history(
    folder: Path, names: list[str] | None, console: Console, *, lines: bool, as_json: bool
) -> None:
    """Print the history of jobs, or the lines of Python that repeat it."""
    with looking_at(folder) as workspace:
        frame = workspace.history(names)
    if lines:
        for line in frame.loc[(frame["result"] == "done") & (frame["line"] != ""), "line"]:
            console.out(line, highlight=False)
        return
    columns = ["at", "job", "who", "action", "why", "result"]
    print_frame(frame, console, as_json=as_json, columns=columns)


def do_resources(
    folder: Path,
    what: str,
    number: float | None,
    why: str,
    console: Console,
    *,
    as_json: bool,
) -> None:
    """Print the resources of a workspace, after changing them if asked to."""
    with looking_at(folder) as workspace:
        resources = workspace.resources
        if what == "request" and number is not None:
            resources.request(number, why=why)
        elif what == "release":
            resources.release(why=why)
        elif what == "alarm":
            resources.alarm(number)
        elif what:
            raise Refused("say `request CU`, `release`, `alarm SHARE`, or nothing")
        status = resources.status()
    if as_json:
        said = {
            "status": status.status,
            "allocated": status.allocated,
            "reserved": status.reserved,
            "free": status.free,
            "most": status.most,
            "alarm": status.alarm,
            "memory": status.memory,
            "held": dict(status.booking.held),
        }
        print_json(said, console)
        return
    console.print(str(status))
    if status.booking.held:
        print_frame(status.df, console, as_json=False)


def delete_jobs(folder: Path, names: list[str], why: str, console: Console, *, yes: bool) -> None:
    """Delete jobs, after asking."""
    with looking_at(folder) as workspace:
        found = workspace.select(names)
        if not agreed(_question("delete", found), console, yes=yes):
            raise typer.Exit(1)
        console.print(f"deleted: {', '.join(workspace.delete(found, why=why))}")


def make_backup(folder: Path, to: Path, console: Console) -> None:
    """Back a workspace up, saying which file is being copied."""

    def told(file: str, number: int, of: int) -> None:
        console.print(f"{number}/{of} {file}")

    with looking_at(folder) as workspace:
        made = workspace.backup(to, progress=None if is_remote(workspace) else told)
    console.print(f"backed up to {made}")


def restore_backup(source: Path, folder: Path, console: Console) -> None:
    """Make a workspace of a backup."""
    made = restore(source, folder)
    console.print(
        f"restored to {made}; jobs that ran go on with `streamops up {folder}`"
        " - not while the workspace that was backed up runs them, too"
    )
