"""Draws samples and runs previews, for a workspace or for nobody in particular."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamops_nb.engine.assembly import Surroundings, open_stream
from streamops_nb.engine.preview.draw import How, draw
from streamops_nb.engine.preview.previewer import Bounds, Previewer
from streamops_nb.engine.preview.sample import Limits, Sample
from streamops_nb.engine.preview.work import Work
from streamops_nb.model.batch import Position
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.receipt import Receipt, Standing
from streamops_nb.plan import specfile

if TYPE_CHECKING:
    from streamops_nb.ops.workspace import Workspace

__all__ = ["GIVEN", "Previews", "checked"]

GIVEN = "given"
"""The source type of streams whose rows are given to a preview; no job can run over them."""


class Previews:
    """What previews need of the place they run in.

    Parameters
    ----------
    around
        Where the sources of a sample are opened.
    standing
        Says how a job stands, for the receipt; None for a name that is no job.

    Attributes
    ----------
    workspace
        Where a preview can be saved and started; None if nowhere.
    """

    workspace: Workspace | None = None

    def __init__(
        self,
        around: Surroundings,
        *,
        standing: Callable[[str], Standing | None] = lambda _: None,
        bounds: Bounds | None = None,
    ) -> None:
        self.around = replace(around, scratch=self._scratch)
        self.standing = standing
        self.previewer = Previewer(around, bounds)
        self._lock = threading.Lock()
        self._removed: weakref.finalize[..., Previews] | None = None
        self._folder = Path()

    def draw(self, spec: JobSpec, how: How, limits: Limits, work: Work | None = None) -> Sample:
        """Draw a sample of a job's streams; nothing else is touched."""
        return draw(spec, how, self.around, limits, work)

    def run(
        self,
        spec: JobSpec,
        sample: Sample,
        *,
        params: Mapping[str, Any] | None = None,
        upto: str | None = None,
        work: Work | None = None,
        before: Standing | None = None,
    ) -> Preview:
        """Run a specification over a sample; see `Previewer.run`.

        Parameters
        ----------
        before
            How the job stood before the sample was drawn, if that was for this preview.
        """
        before = before or self.standing(spec.name)
        result = self.previewer.run(spec, sample, params=params, upto=upto, work=work)
        after = self.standing(spec.name)
        receipt = Receipt(sample=sample, before=before, after=after, seconds=result.seconds)
        return Preview(self, spec, sample, result, receipt, params=params or {}, upto=upto)

    def latest(self, spec: JobSpec, name: str) -> Position:
        """Say how far a stream reaches now."""
        session = self.around.instance.session()
        try:
            stream = open_stream(name, spec.streams[name], self.around, session)
            try:
                return dict(stream.source.ends().latest)
            finally:
                stream.source.close()
        finally:
            session.close()

    @staticmethod
    def given(spec: JobSpec) -> list[str]:
        """Name the streams whose rows were given, which no job can read."""
        return [name for name, stream in spec.streams.items() if stream.source.type == GIVEN]

    @staticmethod
    def changed(
        spec: JobSpec, *, query: str | None = None, changes: Mapping[str, Any] | None = None
    ) -> JobSpec:
        """Give a specification with changes, checked.

        Raises
        ------
        SpecRefused
            With every fault.
        """
        if query is None and not changes:
            return spec
        data = _merged(spec.model_dump(mode="json", exclude_defaults=True), changes or {})
        if query is not None:
            data["query"] = query
        return _loaded(data)

    def relations(self, query: str) -> list[str]:
        """Name the relations that a query reads, its own CTEs left out; see `Planner.relations`."""
        return self.around.planner.relations(query)

    def close(self) -> None:
        """Close the sealed database, and remove what sources kept for previews."""
        self.previewer.close()
        if self._removed is not None:
            self._removed()

    def _scratch(self) -> Path:
        """Make the folder for what sources keep; it goes with this, at the latest at exit."""
        with self._lock:
            if self._removed is None or not self._removed.alive:
                folder = tempfile.mkdtemp(prefix="streamops-preview-")
                self._removed = weakref.finalize(self, shutil.rmtree, folder, True)
                self._folder = Path(folder)
            return self._folder


def checked(spec: JobSpec) -> JobSpec:
    """Check a specification as `specfile.check` does, also one over rows that were given.

    Raises
    ------
    SpecRefused
        With every fault.
    """
    return _loaded(spec.model_dump(mode="json"))


def _loaded(data: Mapping[str, Any]) -> JobSpec:
    given = any(stream["source"]["type"] == GIVEN for stream in data["streams"].values())
    return JobSpec.model_validate(data) if given else specfile.load(data)


def _merged(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(data)
    for key, value in changes.items():
        below = merged.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(below, value) if both else value  # type: ignore[arg-type]
    return merged
