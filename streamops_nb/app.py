"""The page of a workspace: ``panel serve streamops_nb/app.py --args plant.streamops``."""

from __future__ import annotations

import atexit
import sys
from pathlib import Path
from typing import Any

import panel as pn

from streamops_nb.connecting import connect
from streamops_nb.ui.panel.page import page

__all__ = ["main"]

DEFAULT = "plant.streamops"


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


if __name__.startswith("bokeh_app"):
    pn.extension(design=None)
    main()
