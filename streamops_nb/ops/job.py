"""A job, as users hold it in their hands."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from streamops_nb.model.errors import StorageError
from streamops_nb.model.given import length_of, whole_number
from streamops_nb.model.lifecycle import ACTIVE, Status
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.views import JobView
from streamops_nb.ops.reported import Reported
from streamops_nb.ops.screens import Shown, screen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from streamops_nb.engine.preview.sample import Sample
    from streamops_nb.ops.difference import Difference
    from streamops_nb.ops.fitting import Fit
    from streamops_nb.ops.preview.preview import Preview
    from streamops_nb.ops.preview.sweep import Sweep
    from streamops_nb.ops.workspace import Workspace

__all__ = ["Job"]


_LOOK = 0.02
"""Seconds between two looks at a job that is waited for."""


_INSTEAD = {
    **dict.fromkeys(("resume", "run", "restart"), "`start()` goes on from the last commit"),
    **dict.fromkeys(("delete", "remove"), "`job.workspace.delete(job.name)` deletes it"),
    **dict.fromkeys(("save", "update", "edit"), "`job.workspace.save(spec)` saves a new version"),
    **dict.fromkeys(("cancel", "kill"), "`stop()` ends it, `stop(force=True)` at once"),
    **dict.fromkeys(("logs", "log"), "`errors()` has what went wrong, `history()` what was done"),
}
"""What people of other tools look for."""


class Job(Reported, Shown):
    """One job of a workspace; holds nothing itself, every question is asked anew."""

    _screen = "job"

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self.name = name

    def __repr__(self) -> str:
        try:
            pending = f", {self.pending}" if self.pending else ""
            return f"Job({self.name!r}, {self.status}{pending})"
        except StorageError:
            return f"Job({self.name!r}, its workspace is closed)"

    if not TYPE_CHECKING:  # mypy would take every name for one that is there

        def __getattr__(self, name: str) -> Any:
            """Say what there is instead of a method that is not."""
            hint = _INSTEAD.get(name)
            said = f"a Job has no `{name}`{f' - {hint}' if hint else ''}"
            raise AttributeError(said, name=name, obj=self)

    @property
    def workspace(self) -> Workspace:
        """Where it is kept."""
        return self._workspace

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

    def start(self, **how: Any) -> Any:
        """Start it; keywords as of `Workspace.start`.

        With ``plan=True`` nothing happens, and a `Forecast` says what a start would mean from each
        point.
        """
        if how.get("plan"):
            return self._workspace.forecast(self.name, how.get("at"))
        return self._workspace.start(self.name, **how)

    def pause(self, **how: Any) -> Any:
        """Pause it; keywords as of `Workspace.pause`."""
        return self._workspace.pause(self.name, **how)

    def stop(self, **how: Any) -> Any:
        """Stop it; keywords as of `Workspace.stop`."""
        return self._workspace.stop(self.name, **how)

    def reset(self, at: Any, **how: Any) -> Any:
        """Choose the point from which it starts next; keywords as of `Workspace.reset`."""
        return self._workspace.reset(self.name, at, **how)

    def preview(self, **how: Any) -> Preview:
        """Run its query over a sample of the latest data; keywords as of `Workspace.preview`."""
        return self._workspace.preview(self.name, **how)

    def sweep(
        self,
        values: Mapping[str, Sequence[Any]] | None = None,
        *,
        rows: int = 1_000,
        sample: Sample | None = None,
        **how: Any,
    ) -> Sweep:
        """Run its query with every combination of values of parameters, on one sample.

        ``job.sweep(threshold=[20, 25, 30], size=["10s", "1m"])``

        Parameters
        ----------
        rows, sample
            As of `Workspace.preview`.
        values, how
            As of `Preview.sweep`.
        """
        from streamops_nb.ops.preview.sweep import combinations

        varied = {name: v for name, v in how.items() if name not in ("progress", "work")}
        combinations(self.spec, {**(values or {}), **varied})  # refused before anything is read
        return self.preview(rows=rows, sample=sample).sweep(values, **how)

    def tune(self, **how: Any) -> Any:
        """Change its parameters by sliders and see the result on one sample.

        Parameters
        ----------
        how
            ``rows`` and the other keywords of `Workspace.preview`.

        Raises
        ------
        Refused
            If the toolkit of the screen is not installed.
        """
        return screen("tune", self, **how)

    def config(self, version: int | None = None, **how: Any) -> str:
        """Give its configuration as text; keywords as of `Workspace.config`."""
        return self._workspace.config(self.name, version, **how)

    def export(self, to: str | Path | None = None, **how: Any) -> Any:
        """Export its configuration; keywords as of `Workspace.export`."""
        return self._workspace.export(self.name, to, **how)

    def versions(self) -> pd.DataFrame:
        """Give its versions; see `Workspace.versions`."""
        return self._workspace.versions(self.name)

    def diff(self, before: int | None = None, after: int | None = None) -> Difference:
        """Compare two of its versions; see `Workspace.diff`."""
        return self._workspace.diff(self.name, before, after)

    def roll_back(self, version: int, **how: Any) -> Job:
        """Save an earlier version as its newest; keywords as of `Workspace.roll_back`."""
        return self._workspace.roll_back(self.name, version, **how)

    def fits(self, spec: Any = None) -> Fit:
        """Say whether its kept window state fits; see `Workspace.fits`."""
        return self._workspace.fits(self.name, spec)

    @property
    def pending(self) -> str:
        """What waits for the next start: a newer version; empty if nothing does."""
        view = self.view
        if view.status not in ACTIVE or view.ran == view.version:
            return ""
        return f"version {view.ran} runs until it is started again, version {view.version} waits"

    def history(self) -> pd.DataFrame:
        """Give every action and change of status; see `Workspace.history`."""
        return self._workspace.history(self.name)

    def wait(self, seconds: float | str | None = None, *, rows: int | None = None) -> Status:
        """Wait until its run is over; return where it stands.

        A job whose streams never end runs until somebody ends it.

        Parameters
        ----------
        seconds
            At most so long; a number, or a length of time such as ``"2m"``.
        rows
            Only until the run has written so many rows.
        """
        most = None if rows is None else whole_number(rows, "rows")
        until = None if seconds is None else time.monotonic() + length_of(seconds, "seconds")
        while (status := self.status) in ACTIVE and (until is None or time.monotonic() < until):
            if most is not None and self.view.rows_out >= most:
                break
            time.sleep(_LOOK)
        return status
