"""Previews of a workspace's jobs, and of specifications and queries that are no jobs yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

import pyarrow as pa

from streamops_nb.db import ident
from streamops_nb.engine.inflow import REJECTS
from streamops_nb.engine.preview.sample import Sample
from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.core import Core
from streamops_nb.ops.preview.asking import Asked, Known, asked_limits, asked_way
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.receipt import Standing
from streamops_nb.ops.preview.samples import Samples
from streamops_nb.plan import specfile

__all__ = ["Previewing", "standing_of"]


class Previewing:
    """What a `streamops_nb.ops.workspace.Workspace` previews."""

    _core: Core

    @property
    def samples(self) -> Samples:
        """The samples that are kept in the workspace, by name."""
        return Samples(self._core.folder / "samples")

    def preview(
        self,
        what: JobSpec | str | Path | Mapping[str, Any],
        *,
        sample: Sample | str | None = None,
        params: Mapping[str, Any] | None = None,
        upto: str | None = None,
        seconds: float = 10.0,
        nbytes: str | int = "32MiB",
        **rows: Unpack[Asked],
    ) -> Preview:
        """Run a job's query once over a sample of its streams; nothing is saved.

        Works whatever the job's status is, and while no CU are allocated.

        Parameters
        ----------
        what
            A job by its name, or a specification as `save` takes it.
        sample
            A sample that was drawn before, or the name of one in `samples`, instead of drawing one.
        params
            Values of parameters that differ from their defaults.
        upto
            The last stage of interest.
        seconds
            The most time that drawing may take.
        nbytes
            The most that is drawn of each stream, for example ``"32MB"``.
        **rows
            Which rows to draw, the latest 1,000 by default; see
            `streamops_nb.ops.preview.asking.Asked`.

        Raises
        ------
        Refused
            If the specification, query, parameters or rows are not acceptable.
        SourceError
            If a source cannot be read.
        """
        spec = self._spec_of(what)
        before = self._core.previews.standing(spec.name)
        if isinstance(sample, str):
            sample = self.samples.load(sample)
        if sample is None:
            sample = self._draw(spec, rows, seconds, nbytes)
        elif rows:
            given = f"a sample and `{next(iter(rows))}` are two ways to choose rows"
            raise SpecRefused([Fault(where="sample", what=given, remedy="give one of them")])
        return self._core.previews.run(spec, sample, params=params, upto=upto, before=before)

    def _draw(self, spec: JobSpec, rows: Asked, seconds: float, nbytes: str | int) -> Sample:
        limits = asked_limits(rows, nbytes, seconds)
        return self._core.previews.draw(spec, asked_way(spec, rows, self._known(spec.name)), limits)

    def _known(self, name: str) -> Known | None:
        if name not in self._core.states:
            return None
        return Known(lambda: self._facts(name), lambda: self._rejects(name))

    def _facts(self, name: str) -> list[Any]:
        core = self._core
        core.courier.deliver()
        found: list[Any] = []
        page = core.catalog.events(name)
        while page.events:
            found += page.events
            page = core.catalog.events(name, since=page.next)
        return found

    def _rejects(self, name: str) -> pa.Table:
        backend = self._core.backend
        if not backend.job_path(name).exists():
            return REJECTS.empty_table()
        return self._core.read(f"FROM {ident(backend.attach_job(name), 'rejects')}")

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
