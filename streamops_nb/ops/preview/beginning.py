"""From a preview to a job: what was previewed is saved as a version and started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from streamops_nb.engine.preview.result import Result
from streamops_nb.engine.preview.sample import Drawn, Sample, origin_of
from streamops_nb.model.errors import Fault, QueryRefused, Refused, ResourcesRefused
from streamops_nb.model.spec import JobSpec

if TYPE_CHECKING:
    from streamops_nb.ops.job import Job
    from streamops_nb.ops.preview.previews import Previews
    from streamops_nb.ops.workspace import Workspace

__all__ = ["Beginning"]

Positions = dict[str, dict[str, int]]


class Beginning:
    """How a `streamops_nb.ops.preview.preview.Preview` becomes a job."""

    _previews: Previews
    spec: JobSpec
    sample: Sample
    result: Result
    params: dict[str, Any]

    @property
    def tuned(self) -> JobSpec:
        """The specification that was run, with the parameters' values as their defaults."""
        values = {name: {"default": value} for name, value in self.params.items()}
        return self._previews.changed(self.spec, changes={"params": values} if values else None)

    @property
    def positions(self) -> Positions:
        """Per stream and partition, the first record of the sample.

        Of a partition of which the sample has none, what came after it was drawn.

        Raises
        ------
        Refused
            If the sample was not read from the streams' sources.
        """
        return {
            name: _first_of(name, self.sample.streams[name], origin_of(stream))
            for name, stream in self.spec.streams.items()
        }

    @property
    def given(self) -> list[str]:
        """The streams whose rows were given instead of declared, which no job can read."""
        return self._previews.given(self.spec)

    def save(self, *, name: str | None = None, comment: str = "", drop_state: bool = False) -> Job:
        """Save what was previewed as a job's newest version, unless it is that already.

        Parameters
        ----------
        name
            The job, if not the one that was previewed.
        comment, drop_state
            As of `Workspace.save`.

        Raises
        ------
        Refused
            If the query has faults, this preview belongs to no workspace, or kept window state
            does not fit; nothing is saved then.
        """
        workspace = self._workspace()
        spec = self._named(name)
        if spec.name in workspace.jobs and workspace.spec(spec.name) == spec:
            return workspace.job(spec.name)
        said = comment or f"from a preview on the {self.sample.how}"
        return workspace.save(spec, comment=said, drop_state=drop_state)

    def start(
        self,
        at: Any = None,
        *,
        name: str | None = None,
        comment: str = "",
        drop_state: bool = False,
        **how: Any,
    ) -> Job:
        """Save what was previewed as a version, if it is none yet, and start it.

        Parameters
        ----------
        at
            ``sample`` begins with the first record of the sample; anything else, such as
            ``latest``, as of `Workspace.start`. Default: as the job's next start would.
        name, comment, drop_state
            As of `save`.
        how
            More keywords of `Workspace.start`.

        Raises
        ------
        Refused
            If it cannot be saved or started now; nothing is changed then.
        """
        workspace = self._workspace()
        spec = self._named(name)
        point = {"positions": self._from(workspace)} if at == "sample" else at
        _check_start(workspace, spec, point)
        job = self.save(name=name, comment=comment, drop_state=drop_state)
        job.start(at=point, drop_state=drop_state, **how)
        return job

    def _named(self, name: str | None) -> JobSpec:
        if self.result.faults:
            raise QueryRefused(self.result.faults)
        for given in self.given:
            what = f"the rows of `{given}` were given to the preview, a job has no source for them"
            raise Refused([Fault(where=f"streams.{given}", what=what, remedy="declare a stream")])
        return self._previews.changed(self.tuned, changes=None if name is None else {"name": name})

    def _workspace(self) -> Workspace:
        workspace = self._previews.workspace
        if workspace is None:
            what = "this preview belongs to no workspace, so there is no place for a job"
            raise Refused([Fault(what=what, remedy="connect to one and save it: ws.save(p.tuned)")])
        return workspace

    def _from(self, workspace: Workspace) -> Positions:
        """Where to begin; a partition that the sample does not tell of starts at its latest."""
        return {
            name: {**self._previews.latest(self.spec, name), **first}
            for name, first in self.positions.items()
        }


def _check_start(workspace: Workspace, spec: JobSpec, at: Any) -> None:
    """Refuse what could not be started, before anything is saved."""
    if spec.name in workspace.jobs:
        decision = workspace.start(spec.name, at=at, drop_state=True, plan=True)
        if decision.refused:
            raise decision.refusal()
        return
    booking = workspace.resources.status().booking
    if not booking.fits(spec.resources.cu):
        raise ResourcesRefused(booking.shortage(spec.resources.cu))


def _first_of(name: str, drawn: Drawn, origin: str) -> dict[str, int]:
    if drawn.origin != origin:
        what = f"the sample of `{name}` was not read from its source"
        raise Refused([Fault(where="at", what=what, remedy="start at `latest`")])
    raw = pa.table({"p": drawn.raw["_partition"].cast(pa.string()), "o": drawn.raw["_offset"]})
    found = raw.group_by("p").aggregate([("o", "min")])
    first = dict(zip(found["p"].to_pylist(), found["o_min"].to_pylist(), strict=True))
    read = {part.partition: part.start for part in reversed(tuple(drawn.span))}
    return {**drawn.reach, **first, **read}
