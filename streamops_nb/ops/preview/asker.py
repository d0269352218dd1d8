"""The one way to ask for a preview, in a workspace and outside of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamops_nb.engine.preview.sample import Sample
from streamops_nb.engine.preview.work import Work
from streamops_nb.model.errors import Fault, Refused, SpecRefused
from streamops_nb.model.given import refused
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.wording import did_you_mean, shown
from streamops_nb.ops.preview.asking import Asked, Known, asked_limits, asked_way
from streamops_nb.ops.preview.bare import is_query, spec_of_query
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.previews import Previews, checked
from streamops_nb.plan import specfile

__all__ = ["Asker"]


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Turns what users say into a specification, a sample and a preview.

    Parameters
    ----------
    kept
        Gives a sample by the name that users know it by.
    jobs
        Gives the saved jobs' specifications.
    known
        Says what is known of a saved job.
    """

    previews: Previews
    kept: Callable[[str], Sample]
    jobs: Callable[[], Mapping[str, JobSpec]] = dict
    known: Callable[[str], Known | None] = lambda _: None

    def preview(
        self,
        what: Any,
        asked: Asked,
        *,
        sample: Sample | str | None,
        params: Mapping[str, Any] | None,
        upto: str | None,
        seconds: float,
        nbytes: str | int,
        event_time: str | Mapping[str, str] | None,
        work: Work | None = None,
    ) -> Preview:
        """See `Workspace.preview`."""
        _check_known(asked)
        _check_kinds(sample, params)
        if isinstance(sample, str):
            sample = self.kept(sample)
        if is_query(what):
            pinned = {} if sample is None else sample.streams
            spec, named = spec_of_query(
                what,
                self.previews,
                self.jobs(),
                pinned={name: d.stream for name, d in pinned.items() if d.stream is not None},
                data=asked.get("data"),
                event_time=event_time,
                params=params,
            )
            if named is not None:
                asked = {**asked, "data": named}
        else:
            spec = self._spec_of(what)
            if event_time is not None:
                told = "a specification says itself which column is its event time"
                remedy = "write it there; `event_time` is for bare queries over given rows"
                raise SpecRefused([Fault(where="event_time", what=told, remedy=remedy)])
        before = self.previews.standing(spec.name)
        if sample is None:
            limits = asked_limits(asked, nbytes, seconds)
            way = asked_way(spec, asked, self.known(spec.name))
            sample = self.previews.draw(spec, way, limits, work)
        elif asked:
            told = f"a sample and `{next(iter(asked))}` are two ways to choose rows"
            raise SpecRefused([Fault(where="sample", what=told, remedy="give one of them")])
        return self.previews.run(spec, sample, params=params, upto=upto, work=work, before=before)

    def _spec_of(self, what: Any) -> JobSpec:
        if isinstance(what, JobSpec):
            return checked(what)
        if isinstance(what, str) and what.isidentifier():
            jobs = self.jobs()
            if what in jobs:
                return jobs[what]
            if jobs and not Path(what).exists():
                told = f"there is no job {shown(what)}"
                raise Refused([Fault(what=told, remedy=did_you_mean(what, jobs))])
        return specfile.load(what)


def _check_kinds(sample: Any, params: Any) -> None:
    if not isinstance(sample, Sample | str | None):
        raise refused("sample", sample, "no sample", "give `p.sample` of a preview, or a name")
    if not isinstance(params, Mapping | None):
        raise refused("params", params, "no values", "give a mapping, {'threshold': 30}")


def _check_known(asked: Mapping[str, Any]) -> None:
    for name in asked:
        if name not in Asked.__annotations__:
            remedy = did_you_mean(name, Asked.__annotations__)
            raise Refused([Fault(where=name, what="a preview has no such keyword", remedy=remedy)])
