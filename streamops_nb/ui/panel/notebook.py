"""What a notebook's cell shows of a workspace, a job and a preview.

Where Panel's messages do not get through (VS Code, Colab), the compact set of ipywidgets is shown.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import panel as pn

from streamops_nb.ui import bridge
from streamops_nb.ui.panel import part
from streamops_nb.ui.panel.cell import Cell
from streamops_nb.ui.panel.look import column
from streamops_nb.ui.panel.notices import NoticeArea
from streamops_nb.ui.panel.page import Page
from streamops_nb.ui.panel.previewed import Previewed
from streamops_nb.ui.state.desk import Desk

__all__ = [
    "PreviewScreen", "errors", "job", "jobs", "preview", "resources", "summary", "workspace",
]  # fmt: skip


def workspace(of: Any) -> Any:
    """Show a workspace: the Stream Operation page."""
    if _needs_ipywidgets():
        return _board(of).widget
    _load()
    return Page(of)


def job(of: Any) -> Any:
    """Show a job: its page."""
    if _needs_ipywidgets():
        return _board(of.workspace, of.name).widget
    _load()
    return Page(of.workspace, of.name)


def jobs(of: Any) -> Any:
    """Show the jobs of a workspace: the list."""
    if _needs_ipywidgets():
        return _board(of.workspace).alone("jobs", "operations")
    _load()
    return part.jobs(of.workspace)


def resources(of: Any) -> Any:
    """Show the CU of a workspace."""
    if _needs_ipywidgets():
        return _board(of.workspace).alone("resources")
    _load()
    return part.resources(of.workspace)


def summary(of: Any) -> Any:
    """Show what a job does now."""
    if _needs_ipywidgets():
        return _board(of.workspace, of.name).alone("summary")
    _load()
    return part.summary(of)


def errors(of: Any) -> Any:
    """Show what went wrong with a job."""
    if _needs_ipywidgets():
        return _board(of.workspace, of.name).alone("errors")
    _load()
    return part.errors(of)


def _board(of: Any, job: str = "") -> Any:
    from streamops_nb.ui.ipywidgets.board import Board

    return Board(of, job=job)


def preview(of: Any) -> Any:
    """Show a preview: a tab per stage, input beside output."""
    if _needs_ipywidgets():
        from streamops_nb.ui.ipywidgets.board import preview_widget

        return preview_widget(of)
    _load()
    return PreviewScreen(of)


class PreviewScreen(pn.viewable.Viewer):
    """A preview in a cell or a layout."""

    def __init__(self, of: Any) -> None:
        super().__init__()
        self._screen = bridge.here(lambda _: None, self._failed)
        self._desk = Desk(None, self._screen)
        shown = Previewed(self._desk)
        shown.show(of)
        self._layout = Cell(column(shown, NoticeArea(self._desk)), screen=self._screen)

    def __panel__(self) -> Any:
        return self._layout

    def _failed(self, error: Exception) -> None:
        self._desk.notices.tell_error(error)


def _needs_ipywidgets() -> bool:
    return "VSCODE_PID" in os.environ or "google.colab" in sys.modules


def _load() -> None:
    """Load Panel's scripts into the notebook, once; they come from here, not from a CDN."""
    if not pn.extension._loaded:  # noqa: SLF001 - there is no public word for it
        pn.extension(inline=True)
