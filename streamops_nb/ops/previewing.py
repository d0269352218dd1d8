"""Previews of a workspace's jobs, and of specifications and queries that are no jobs yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamops_nb.engine.preview.draw import Latest
from streamops_nb.engine.preview.sample import Limits, Sample
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.core import Core
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.receipt import Standing
from streamops_nb.plan import specfile

__all__ = ["Previewing", "standing_of"]


class Previewing:
    """What a `streamops_nb.ops.workspace.Workspace` previews."""

    _core: Core

    def preview(
        self,
        what: JobSpec | str | Path | Mapping[str, Any],
        *,
        rows: int = 1_000,
        sample: Sample | None = None,
        params: Mapping[str, Any] | None = None,
        upto: str | None = None,
        seconds: float = 10.0,
    ) -> Preview:
        """Run a job's query once over a sample of the latest data; nothing is saved.

        Works whatever the job's status is, and while no CU are allocated.

        Parameters
        ----------
        what
            A job by its name, or a specification as `save` takes it.
        rows
            At most so many records of each stream.
        sample
            A sample that was drawn before, instead of the latest data.
        params
            Values of parameters that differ from their defaults.
        upto
            The last stage of interest.
        seconds
            The most time that drawing may take.

        Raises
        ------
        Refused
            If the specification, query or parameters are not acceptable.
        SourceError
            If a source cannot be read.
        """
        spec = self._spec_of(what)
        previews = self._core.previews
        if sample is None:
            sample = previews.draw(spec, Latest(rows), Limits(rows=rows, seconds=seconds))
        return previews.run(spec, sample, params=params, upto=upto)

    def _spec_of(self, what: Any) -> JobSpec:
        if isinstance(what, JobSpec):
            return specfile.check(what)
        if isinstance(what, str) and what in self._core.states:
            return self._core.spec(what)
        return specfile.load(what)


def standing_of(core: Core, name: str) -> Standing | None:
    """Say how a job stands, without touching its file."""
    if name not in core.states:
        return None
    path = core.backend.job_path(name)
    files = {}
    for file in (path, path.with_name(f"{path.name}.wal")):
        if file.exists():
            status = file.stat()
            files[file.name] = (status.st_mtime_ns, status.st_size)
    state = core.states.state(name)
    return Standing(status=state.observed.value, batch=core.states.view(name).batch, files=files)
