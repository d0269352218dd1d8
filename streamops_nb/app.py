"""The page of a workspace: ``panel serve streamops_nb/app.py --args plant.streamops``."""

from __future__ import annotations

import atexit
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import panel as pn

from streamops_nb.connecting import connect
from streamops_nb.model.errors import StorageError
from streamops_nb.ui.panel.page import page

__all__ = ["main", "show_page"]

DEFAULT = "plant.streamops"

_LONGEST = 30.0
"""Seconds until the server of the page answers."""


def workspace() -> Any:
    """Give the workspace that this server shows; opened once, shared by all sessions."""
    folder = str(Path(sys.argv[1] if len(sys.argv) > 1 else DEFAULT).resolve())
    found = pn.state.cache.get(folder)
    if found is None:
        found = pn.state.cache[folder] = connect(folder)
        atexit.register(found.close)  # what runs commits its batch in flight before the end
    return found


def main() -> None:
    """Show the page to the session that is being opened."""
    shown = page(workspace())
    shown.servable(title="Stream Operation")


def show_page(workspace: Any, port: int) -> tuple[str, Callable[[], None]]:
    """Show the page of a workspace that this process has, on this machine alone.

    Panel's own server is used, beside that of the door: on a thread and a port of its own.

    Returns
    -------
    tuple
        Its address, and what ends it.
    """
    pn.extension(design=None)
    server = pn.serve(
        lambda: page(workspace),
        port=port,
        address="127.0.0.1",
        title="Stream Operation",
        show=False,
        threaded=True,
        verbose=False,
    )
    _wait_for(port)
    return f"http://127.0.0.1:{port}", server.stop


def _wait_for(port: int) -> None:
    until = time.monotonic() + _LONGEST
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise StorageError(f"the page does not answer at port {port} - is it taken?")


if __name__.startswith("bokeh_app"):
    pn.extension(design=None)
    main()
