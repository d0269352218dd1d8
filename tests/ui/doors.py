"""Workspaces for the tests of the screens, and a worker that does everything at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamops_nb.ops.workspace import Workspace
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.picture import Reader
from tests.ops.operated import opened, plant

__all__ = ["AtOnce", "Line", "desk_of", "look", "plant_of"]


class AtOnce:
    """Does work where it is asked for."""

    def run(
        self,
        work: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[Exception], None],
    ) -> None:
        try:
            found = work()
        except Exception as error:  # noqa: BLE001 - as the real one
            failed(error)
        else:
            then(found)


class Line:
    """The door of a workspace, at the end of a line that can be cut."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.cut = False

    def __getattr__(self, name: str) -> Any:
        if self.cut:
            raise ConnectionError("the line is cut")
        return getattr(self._workspace, name)


def plant_of(folder: Path, *names: str, **more: Any) -> Workspace:
    """Open a workspace with jobs of these names."""
    workspace = opened(folder)
    for name in names:
        workspace.save(plant(name, **more))
    return workspace


def desk_of(workspace: Workspace) -> Desk:
    """Give a desk that has seen the workspace."""
    desk = Desk(workspace, AtOnce())
    look(desk)
    return desk


def look(desk: Desk) -> None:
    """Let a desk see its workspace as it is now."""
    desk.see(Reader(desk.door, desk.door._core.now).look())
