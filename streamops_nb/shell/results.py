"""Reading what jobs have written, for showing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamops_nb.db import ident
from streamops_nb.ops.preview.cells import rows_of

if TYPE_CHECKING:
    from streamops_nb.ops.workspace import Workspace

__all__ = ["newest_output", "newest_rejects"]

Rows = list[dict[str, Any]]


def newest_output(workspace: Workspace, job: str, limit: int) -> tuple[Rows, list[str]]:
    """Give a job's newest output rows, the newest batch first, and their columns.

    Raises
    ------
    Refused
        If there is no such job, it writes elsewhere than to a table, or has not started yet.
    """
    found = workspace.job(job).output.newest(limit)
    return rows_of(found), found.column_names


def newest_rejects(workspace: Workspace, job: str, limit: int) -> tuple[Rows, list[str]]:
    """Give a job's newest rejects and their columns; raises as `newest_output` does."""
    workspace.job(job)
    workspace.output(job)
    table = ident(f"job_{job}", "rejects")
    found = workspace.read(f'FROM {table} ORDER BY batch DESC, "offset" DESC LIMIT {int(limit)}')
    return rows_of(found), found.column_names
