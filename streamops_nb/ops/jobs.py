"""The jobs of a workspace by name, as users hold them in their hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamops_nb.ops.html import table
from streamops_nb.ops.job import Job
from streamops_nb.ops.screens import Shown

if TYPE_CHECKING:
    from streamops_nb.ops.workspace import Workspace

__all__ = ["Jobs"]

_COLUMNS = ["job", "status", "version", "cu", "owner", "tags", "reason"]


class Jobs(dict[str, Job], Shown):
    """Jobs by name; in a notebook their list, where each can be acted on."""

    _screen = "jobs"

    def __init__(self, workspace: Workspace, names: list[str]) -> None:
        super().__init__((name, Job(workspace, name)) for name in names)
        self.workspace = workspace

    def _repr_html_(self) -> str:
        listed = self.workspace.table(list(self))[_COLUMNS]
        rows = [dict(zip(_COLUMNS, row, strict=True)) for row in listed.itertuples(index=False)]
        return table(rows, empty="No jobs yet.")
