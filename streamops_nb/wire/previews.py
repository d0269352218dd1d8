"""What of the door is not said in one call: previews with their samples, rows for a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from streamops_nb.engine.preview.result import Result
from streamops_nb.engine.preview.sample import Sample
from streamops_nb.model.alarms import Rule
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.receipt import Receipt, Standing
from streamops_nb.ops.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from streamops_nb.engine.preview.work import Work

__all__ = ["UNKNOWN_SAMPLE", "Alarmed", "Carried", "Previewed", "Streams"]

UNKNOWN_SAMPLE = "the sample is not kept any longer"
"""What a server says that is asked to go on with a sample that it has dropped."""


class Streams:
    """Rows that clients append to streams of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def append(
        self,
        name: str,
        rows: pd.DataFrame | pa.Table | list[dict[str, Any]],
        schema: Mapping[str, str] | None = None,
    ) -> int:
        """Append rows to a stream; see `streamops_nb.ops.log.Log.append`."""
        return self._workspace.stream(name).append(rows, schema)


class Alarmed:
    """What the alarms of a workspace say of themselves."""

    def __init__(self, workspace: Workspace) -> None:
        self._alarms = workspace.alarms

    def rules(self) -> dict[str, Rule]:
        """Give the rules by name."""
        return self._alarms.rules

    def df(self) -> pd.DataFrame:
        """Give the rules, and the jobs with which each is raised."""
        return self._alarms.df


class Previewed:
    """Previews of a workspace that go on from samples drawn before."""

    def __init__(self, workspace: Workspace) -> None:
        self._previews = workspace.previews

    def run(
        self,
        spec: JobSpec,
        sample: Sample,
        *,
        params: Mapping[str, Any] | None = None,
        upto: str | None = None,
        work: Work | None = None,
    ) -> Preview:
        """Run a specification over a sample that was drawn before."""
        return self._previews.run(spec, sample, params=params, upto=upto, work=work)

    def latest(self, spec: JobSpec, name: str) -> dict[str, int]:
        """Say how far a stream of a specification reaches now."""
        return dict(self._previews.latest(spec, name))


@dataclass(frozen=True, kw_only=True)
class Carried:
    """A preview on its way; `sample` is only named where the other side has it."""

    spec: JobSpec
    sample: Sample | str
    result: Result
    before: Standing | None
    after: Standing | None
    seconds: Mapping[str, float]
    params: Mapping[str, Any]
    upto: str | None

    @classmethod
    def of(cls, preview: Preview, *, named: bool) -> Carried:
        """Give a preview for its way, with its sample or only the name of it."""
        receipt = preview.receipt
        return cls(
            spec=preview.spec,
            sample=preview.sample.id if named else preview.sample,
            result=preview.result,
            before=receipt.before,
            after=receipt.after,
            seconds=receipt.seconds,
            params=preview.params,
            upto=preview.upto,
        )

    def preview(self, previews: Any, sample: Sample) -> Preview:
        """Give the preview again, for the side that has got it."""
        receipt = Receipt(sample=sample, before=self.before, after=self.after, seconds=self.seconds)
        return Preview(
            previews,
            self.spec,
            sample,
            self.result,
            receipt,
            params=self.params,
            upto=self.upto,
        )
