"""Opening a workspace for one command, and printing what came of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamops_nb.client.workspace import RemoteWorkspace
from streamops_nb.connecting import connect
from streamops_nb.model.errors import Refused
from streamops_nb.ops.workspace import Workspace
from streamops_nb.shell.wording import cell, plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["agreed", "is_remote", "looking_at", "print_frame", "print_json"]


_PATIENCE = 3.0
"""Seconds for which a command waits for an owner that is away: somebody sits before it."""

_WIDEST = 1_000
"""Longer texts are cut; all of them is in the JSON."""


TOKEN = "STREAMOPS_TOKEN"  # noqa: S105 - the name of the variable
"""Where the token for a served workspace is: a command line can be read by everybody."""


@contextmanager
def looking_at(folder: Path, *, make: bool = False) -> Iterator[Workspace]:
    """Open a workspace for one command, without going on with its jobs.

    One that another process owns is spoken to through its owner, a served one by its address.

    Parameters
    ----------
    make
        Whether one that is not there is made.
    """
    address = re.match(r"(https?):/+(.+)", str(folder))
    if address:  # a path has lost one of its slashes
        token = os.environ.get(TOKEN)
        if not token:
            raise Refused(f"set {TOKEN} to your token for {address[1]}://{address[2]}")
        with connect(f"{address[1]}://{address[2]}", token=token) as workspace:
            yield workspace
        return
    if not make and not (folder / "catalog.db").is_file():
        raise Refused(f"{folder} is no workspace - `streamops import` and `so.connect` make one")
    with connect(folder, resume=False, patience=_PATIENCE) as workspace:
        yield workspace


def is_remote(workspace: Workspace) -> bool:
    """Tell whether another process owns a workspace."""
    return isinstance(workspace, RemoteWorkspace)


def print_json(value: Any, console: Console) -> None:
    """Print plain data as JSON."""
    # not through the console, which looks for marks and wraps: 1.3 s of 1.6 for 10,000 jobs
    console.file.write(f"{json.dumps(plain(value), indent=2, ensure_ascii=False)}\n")


def print_frame(
    frame: pd.DataFrame, console: Console, *, as_json: bool, columns: Sequence[str] = ()
) -> None:
    """Print a DataFrame as a table, or as JSON.

    Parameters
    ----------
    columns
        What a person sees of it; all of it is in the JSON.
    """
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    if as_json:
        print_json(rows, console)
        return
    if not rows:
        console.print("Nothing yet.")
        return
    shown = list(columns or frame.columns)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in shown:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row[name])) for name in shown))
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%d %H:%M:%S"))
    return f"{value:g}" if isinstance(value, float) else cell(value, width=_WIDEST)


def agreed(question: str, console: Console, *, yes: bool) -> bool:
    """Ask on a terminal; elsewhere ``--yes`` has to say it.

    Raises
    ------
    Refused
        If nobody can be asked.
    """
    if yes:
        return True
    if not console.is_terminal:
        raise Refused(f"{question} - say --yes")
    return console.input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
