"""A job, as users hold it in their hands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamops_nb.model.lifecycle import Status
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.views import JobView

if TYPE_CHECKING:
    import pandas as pd

    from streamops_nb.ops.workspace import Workspace

__all__ = ["Job", "Output"]


class Job:
    """One job of a workspace; holds nothing itself, every question is asked anew."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self.name = name

    def __repr__(self) -> str:
        return f"Job({self.name!r}, {self.status})"

    @property
    def spec(self) -> JobSpec:
        """The newest version of its specification."""
        return self._workspace.spec(self.name)

    @property
    def status(self) -> Status:
        """Where it stands, as reported last."""
        return self._workspace.state(self.name).observed

    @property
    def view(self) -> JobView:
        """The present picture of it."""
        return self._workspace.view(self.name)

    @property
    def output(self) -> Output:
        """What it wrote to its table."""
        return Output(self._workspace, self.name)

    def start(self, *, at: Any = None, fresh: bool = False) -> None:
        """Start it; see `Workspace.start`."""
        self._workspace.start(self.name, at=at, fresh=fresh)

    def pause(self) -> None:
        """Pause it; see `Workspace.pause`."""
        self._workspace.pause(self.name)

    def stop(self) -> None:
        """Stop it; see `Workspace.stop`."""
        self._workspace.stop(self.name)

    def rejects(self) -> pd.DataFrame:
        """Rows that could not be decoded or evaluated, the newest of each kind first."""
        table = self._workspace.output(self.name).removesuffix('"output"') + '"rejects"'
        rejects: pd.DataFrame = self._workspace.read(
            f"FROM {table} ORDER BY batch DESC"
        ).to_pandas()
        return rejects


class Output:
    """The output table of a job."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self._name = name

    def df(self, rows: int | None = None) -> pd.DataFrame:
        """Give the output as a DataFrame.

        Parameters
        ----------
        rows
            Only so many of the newest rows; default all.
        """
        table = self._workspace.output(self._name)
        newest = "" if rows is None else f" ORDER BY _batch DESC LIMIT {int(rows)}"
        query = f"SELECT * EXCLUDE (_batch) FROM {table}{newest}"
        frame: pd.DataFrame = self._workspace.read(query).to_pandas()
        return frame

    def __len__(self) -> int:
        table = self._workspace.output(self._name)
        return int(self._workspace.read(f"SELECT count(*) AS n FROM {table}")["n"][0].as_py())
