"""Serving a workspace from a terminal."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from streamops_nb.connecting import connect, own
from streamops_nb.model.errors import Refused, WorkspaceOwned
from streamops_nb.ops.machine import bound_memory
from streamops_nb.ops.workspace import Workspace
from streamops_nb.server.allowing import Allowed
from streamops_nb.server.public import Public, Wanted, check_host
from streamops_nb.shell.foreground import Ending
from streamops_nb.shell.opened import is_remote

__all__ = ["May", "ShowPage", "serve_workspace"]

ShowPage = Callable[[Workspace, Public | None], tuple[str, Callable[[], None]]]
"""Shows the page of a workspace to this machine, or to those who may ask; gives what `show_page`
does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class May:
    """What specifications from outside may name, as given in the shell."""

    variables: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def within(self, folder: Path) -> Allowed:
        """Give the lists of a workspace."""
        return Allowed(
            folder=folder.resolve(),
            variables=frozenset(self.variables),
            folders=tuple(Path(f) if f == "*" else Path(f).resolve() for f in self.folders),
            hosts=frozenset(host.lower() for host in self.hosts),
        )


def serve_workspace(
    folder: Path,
    console: Console,
    wanted: Wanted | None,
    *,
    may: May,
    page: ShowPage | None = None,
    seconds: float | None = None,
) -> int:
    """Own a workspace, run its jobs, and serve it until somebody wants an end.

    If another process owns it, its page is shown all the same, to this machine.

    Parameters
    ----------
    wanted
        Where and to whom; None: to processes of this user alone.
    page
        Shows its page.
    seconds
        How long; None until somebody wants an end.
    """
    if not (folder / "catalog.db").is_file():
        raise Refused(f"{folder} is no workspace - `streamops import` makes one")
    if wanted is not None:
        check_host(wanted)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("streamops_nb.server").setLevel(logging.INFO)
    allowed = may.within(folder)
    bound_memory()
    with (
        Ending() as ending,
        _opened(folder, allowed, page_alone=wanted is None and page is not None) as workspace,
        ExitStack() as shown,
    ):
        public = None
        if is_remote(workspace):
            console.print("Another process owns the workspace and runs its jobs.")
        elif wanted is None:
            console.print("No --token-file: processes of this user alone may connect.")
        else:
            public = Public(workspace, allowed, wanted)
            shown.callback(public.close)
            console.print(f"Serving {folder} at {public.url}", markup=False)
        if page is not None:
            where, end = page(workspace, public)
            shown.callback(end)
            console.print(f"The Stream Operation page is at {where}", markup=False)
        over = time.monotonic() + (float("inf") if seconds is None else seconds)
        while not ending.wait(0.5) and time.monotonic() < over:
            pass
        if not is_remote(workspace):
            console.print("Ending: the batches in flight commit; Ctrl-C again ends at once.")
    return 0


def _opened(folder: Path, allowed: Allowed, *, page_alone: bool) -> Workspace:
    """Own a workspace; for nothing but its page, speak to the process that owns it."""
    try:
        return own(folder, allowed=allowed)
    except WorkspaceOwned as error:
        if page_alone:
            return connect(folder, resume=False)
        error.add_note(f"`streamops serve {folder}` shows its page meanwhile, on this machine")
        raise
