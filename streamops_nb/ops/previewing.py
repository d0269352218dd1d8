"""Previews of a workspace's jobs, and of specifications and queries that are no jobs yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

import pyarrow as pa

from streamops_nb.db import ident
from streamops_nb.engine.inflow import REJECTS
from streamops_nb.engine.preview.sample import Sample
from streamops_nb.engine.preview.work import Work
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.core import Core
from streamops_nb.ops.preview.asker import Asker
from streamops_nb.ops.preview.asking import Asked, Known
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.previews import Previews
from streamops_nb.ops.preview.receipt import Standing
from streamops_nb.ops.preview.samples import Samples

__all__ = ["Previewing", "standing_of"]


class Previewing:
    """What a `streamops_nb.ops.workspace.Workspace` previews."""

    _core: Core

    @property
    def samples(self) -> Samples:
        """The samples that are kept in the workspace, by name."""
        return Samples(self._core.folder / "samples")

    @property
    def previews(self) -> Previews:
        """What draws samples and runs previews over them."""
        return self._core.previews

    def preview(
        self,
        what: JobSpec | str | Path | Mapping[str, Any],
        *,
        sample: Sample | str | None = None,
        params: Mapping[str, Any] | None = None,
        upto: str | None = None,
        seconds: float = 10.0,
        nbytes: str | int = "32MiB",
        event_time: str | Mapping[str, str] | None = None,
        work: Work | None = None,
        **rows: Unpack[Asked],
    ) -> Preview:
        """Run a query once over a sample of its streams; nothing is saved.

        Works whatever the job's status is, and while no CU are allocated.

        Parameters
        ----------
        what
            A job by its name, a specification as `save` takes it, or a query: its relations are
            then the streams and references of the workspace's jobs, and what `data` gives.
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
        event_time
            For a query over `data`: the event-time column, by stream if there are several; default
            the only column of times.
        work
            Lets another thread cancel it.
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
        core = self._core
        asker = Asker(
            previews=core.previews,
            kept=self.samples.load,
            jobs=lambda: {name: core.spec(name) for name in core.states.names},
            known=self._known,
        )
        return asker.preview(
            what,
            rows,
            sample=sample,
            params=params,
            upto=upto,
            seconds=seconds,
            nbytes=nbytes,
            event_time=event_time,
            work=work,
        )

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
