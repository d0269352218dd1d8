"""The running results of one job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamops_nb.ops.output import Output

if TYPE_CHECKING:
    import pandas as pd

    from streamops_nb.ops.capsule import Capsule
    from streamops_nb.ops.errorlog import ErrorLog
    from streamops_nb.ops.healing import Heal
    from streamops_nb.ops.summary import Summary
    from streamops_nb.ops.workspace import Workspace

__all__ = ["Reported"]


class Reported:
    """What a `streamops_nb.ops.job.Job` tells of itself."""

    _workspace: Workspace
    name: str

    def summary(self) -> Summary:
        """Say what it does now, and why nothing comes out; see `Workspace.summary`."""
        found = self._workspace.summary(self.name)
        found.job = self
        return found

    def errors(self, **which: Any) -> ErrorLog:
        """Give its error log; keywords as of `Workspace.errors`."""
        found = self._workspace.errors(self.name, **which)
        found.job = None if which else self
        return found

    def metrics(self, **when: Any) -> pd.DataFrame:
        """Give what its batches did; keywords as of `Workspace.metrics`."""
        return self._workspace.metrics(self.name, **when)

    def runs(self) -> pd.DataFrame:
        """Give its runs, the newest first; see `Workspace.runs`."""
        return self._workspace.runs(self.name)

    def compare_runs(self, before: int, after: int) -> pd.DataFrame:
        """Compare two of its runs; see `Workspace.compare_runs`."""
        return self._workspace.compare_runs(self.name, before, after)

    def rejects(self, **which: Any) -> pd.DataFrame:
        """Give its rejects, the newest first; keywords as of `Workspace.rejects`."""
        return self._workspace.rejects(self.name, **which)

    def reject_counts(self) -> pd.DataFrame:
        """Say how many rejects there were, and are kept; see `Workspace.reject_counts`."""
        return self._workspace.reject_counts(self.name)

    def heal(self, **how: Any) -> Heal:
        """Try its rejects again under a changed specification; keywords of `Workspace.heal`."""
        return self._workspace.heal(self.name, **how)

    @property
    def failure(self) -> Capsule | None:
        """Everything needed to replay its last failure; None if it has not failed."""
        return self._workspace.failures.of(self.name)

    @property
    def output(self) -> Output:
        """What it wrote to its table."""
        return Output(self._workspace, self.name)
