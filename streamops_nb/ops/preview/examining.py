"""What can be asked of a preview: what differs from another one, and why a row is there or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from streamops_nb.db import Session
from streamops_nb.engine.preview.difference import compare
from streamops_nb.engine.preview.result import Result
from streamops_nb.engine.preview.sample import Sample
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.preview.diff import Diff, StageDiff
from streamops_nb.plan.keys import keys_of
from streamops_nb.plan.outline import Outline

if TYPE_CHECKING:
    from streamops_nb.ops.preview.previews import Previews

__all__ = ["Examining"]


class Examining:
    """What a `streamops_nb.ops.preview.preview.Preview` answers."""

    _previews: Previews
    spec: JobSpec
    sample: Sample
    result: Result
    params: dict[str, Any]
    upto: str | None

    @property
    def output(self) -> str:
        """The last stage of the preview."""
        raise NotImplementedError

    def _outline(self, of: Examining, session: Session) -> Outline:
        """How the query of a preview was planned; known already as a rule."""
        previewer = self._previews.previewer
        references = previewer.references(of.spec)
        return previewer.outline(of.spec, of.sample, of.params, references, session)

    def diff(
        self, other: Examining, *, key: Sequence[str] | Mapping[str, Sequence[str]] = ()
    ) -> Diff:
        """Say what `other` has added, removed and changed, stage by stage.

        Rows are told apart by a key: the given one, that of the sink, else the windows and GROUP
        BY keys of the stage. Where there is none, or it is not unique, whole rows are compared.
        Floating-point values are equal up to a relative 1e-9.

        Parameters
        ----------
        other
            The second preview, such as ``p.run(params={"threshold": 30})``.
        key
            Columns that tell the rows of the output apart, or per stage the columns that do.

        Raises
        ------
        Interrupted
            If it took too long.
        """
        given = dict(key) if isinstance(key, Mapping) else {other.output: key}

        def compared(session: Session) -> Diff:
            inferred = [keys_of(self._outline(p, session).stages) for p in (self, other)]
            stages = {}
            for name, after in other.result.stages.items():
                before = self.result.stages.get(name)
                if before is None:
                    continue
                sink = _sink_key(other.spec) if name == other.result.output else ()
                keys = [tuple(given.get(name, ())), sink, *(k.get(name, ()) for k in inferred)]
                found = compare(before.table, after.table, keys, session)
                stages[name] = StageDiff(name, found)
            return Diff(
                stages,
                only=_only(self.result, other.result),
                output=other.output,
                same_sample=self.sample.id == other.sample.id,
            )

        return self._previews.previewer.within(compared, what="the comparison")


def _only(before: Result, after: Result) -> dict[str, str]:
    removed = {name: "removed" for name in before.stages if name not in after.stages}
    return removed | {name: "added" for name in after.stages if name not in before.stages}


def _sink_key(spec: JobSpec) -> tuple[str, ...]:
    """The columns by which the sink tells rows apart, if it does."""
    key = spec.sink.settings.get("key") or ()
    return (key,) if isinstance(key, str) else tuple(key)
