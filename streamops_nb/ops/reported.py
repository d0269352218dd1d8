"""The running results of one job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamops_nb.ops.errorlog import ErrorLog
    from streamops_nb.ops.summary import Summary
    from streamops_nb.ops.workspace import Workspace

__all__ = ["Reported"]


class Reported:
    """What a `streamops_nb.ops.job.Job` tells of itself."""

    _workspace: Workspace
    name: str

    def summary(self) -> Summary:
        """Say what it does now, and why nothing comes out; see `Workspace.summary`."""
        return self._workspace.summary(self.name)

    def errors(self, **which: Any) -> ErrorLog:
        """Give its error log; keywords as of `Workspace.errors`."""
        return self._workspace.errors(self.name, **which)
