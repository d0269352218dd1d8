"""What can be asked of a preview: what differs from another one, and why a row is there or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.db import Session
from streamops_nb.engine.preview.asked import Key
from streamops_nb.engine.preview.difference import compare
from streamops_nb.engine.preview.keying import key_of
from streamops_nb.engine.preview.losses import Followed, follow
from streamops_nb.engine.preview.matching import check_columns, matching
from streamops_nb.engine.preview.missing import Finding, Search
from streamops_nb.engine.preview.profile import PROFILE, profile
from streamops_nb.engine.preview.result import Result
from streamops_nb.engine.preview.sample import Sample
from streamops_nb.engine.preview.trace import Trace, Tracing
from streamops_nb.model.errors import Refused
from streamops_nb.model.given import refused
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.wording import did_you_mean, number_of, shown
from streamops_nb.ops.preview.cells import head
from streamops_nb.ops.preview.diff import Diff, StageDiff
from streamops_nb.ops.preview.why import Why
from streamops_nb.ops.preview.why_not import WhyNot, found_in, of_finding, rejected
from streamops_nb.plan.keys import keys_of
from streamops_nb.plan.outline import Outline

if TYPE_CHECKING:
    import pandas as pd

    from streamops_nb.ops.preview.previews import Previews

__all__ = ["Examining"]

_PROFILE = 10.0
"""Seconds that a profile may take."""


class Examining:
    """What a `streamops_nb.ops.preview.preview.Preview` answers."""

    _previews: Previews
    spec: JobSpec
    sample: Sample
    result: Result
    params: dict[str, Any]
    upto: str | None
    _followed: Followed | None = None

    @property
    def output(self) -> str:
        """The last stage of the preview."""
        raise NotImplementedError

    def _outline(self, of: Examining, session: Session) -> Outline:
        """How the query of a preview was planned; known already as a rule."""
        previewer = self._previews.previewer
        references = previewer.references(of.spec)
        return previewer.outline(of.spec, of.sample, of.params, references, session)

    def _tracing(self, session: Session) -> Tracing:
        outline = self._outline(self, session)
        stages = tuple(stage for stage in outline.stages if stage.name in self.result.stages)
        previewer = self._previews.previewer
        return Tracing(
            replace(outline, stages=stages),
            previewer.flows(self.spec, self.sample, session),
            previewer.references(self.spec),
            now=int(self.sample.at * 1_000_000),
            session=session,
        )

    def follow(self, seconds: float | None = None) -> Followed:
        """Follow the rows through the stages; the query runs once more, when it is first asked.

        Parameters
        ----------
        seconds
            The most that it may take; default as long as a preview.
        """
        if self._followed is None:
            self._followed = self._previews.previewer.within(
                lambda session: follow(self._tracing(session), self.spec.query),
                what="following the rows",
                seconds=seconds,
            )
        return self._followed

    @property
    def trace(self) -> Trace:
        """Which rows each row was made of."""
        return self.follow().trace

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The columns that tell the rows of the output apart, windows apart; empty if none do."""

        def found(session: Session) -> tuple[str, ...]:
            outline = self._outline(self, session)
            stage = outline.by_name[self.output]
            keys = keys_of(outline.stages).get(self.output, ())
            return tuple(name for name in keys if name not in stage.relation.marks)

        return self._previews.previewer.within(found)

    def profiled(self, table: pa.Table) -> pd.DataFrame:
        """Profile a table of this preview; within a time of its own."""
        import pandas as pd

        rows = self._previews.previewer.within(
            lambda session: profile(table, session), what="the profile", seconds=_PROFILE
        )
        counts = {"rows": "int64", "nulls": "int64", "distinct": "int64"}
        return pd.DataFrame(rows, columns=list(PROFILE), dtype=object).astype(counts)

    @cached_property
    def profile(self) -> pd.DataFrame:
        """Per column of the output: nulls, distinct values, bounds and quantiles."""
        return self.profiled(self.result.stages[self.output].table)

    def why(self, row: int | Mapping[str, Any] | Any, *, stage: str | None = None) -> Why:
        """Say which rows a row was made of, stage by stage down to the records of the streams.

        Parameters
        ----------
        row
            The index of a row of `df`, such a row, or values of some of its columns.
        stage
            A row of this stage instead of the output.

        Raises
        ------
        Refused
            If there is no such row, or several.
        """
        name = self._stage_named(stage)
        table = self.result.stages[name].table
        place = _place_of(row, table)
        row_values = head(table.slice(place, 1), 1, table.num_columns)
        values = dict(zip(table.column_names, (column[0] for column in row_values), strict=True))
        return Why(self.trace, name, self.number(name, table, place), values)

    def why_not(
        self, key: Mapping[str, Any] | None = None, *, stage: str | None = None, **values: Any
    ) -> WhyNot:
        """Say which stage and predicate dropped a row that is not there.

        Parameters
        ----------
        key
            Values by column, of the output, a stage or a stream: ``p.why_not(device="d17")``.
        stage
            Asks why it is not in this stage, instead of the output.

        Raises
        ------
        Refused
            If there is no such stage or column, or a value does not fit.
        """
        if not isinstance(key, Mapping | None):
            raise refused("key", key, "no key", "write p.why_not(column=value)")
        wanted = {**(key or {}), **values}
        name = self._stage_named(stage)
        tables = [s.table for s in self.result.stages.values()]
        tables += [flow.inflow.table for flow in self.result.flows.values()]
        if not wanted:
            raise Refused("no key is given - write p.why_not(column=value)")
        check_columns(wanted, list(dict.fromkeys(c for t in tables for c in t.column_names)))
        table = self.result.stages[name].table
        if wanted.keys() <= set(table.column_names):
            places = matching(table, wanted)
            if len(places):
                late = self._late_stage(name, places)
                return found_in(name, wanted, table.take(pa.array(places)), late)
        finding = self._previews.previewer.within(
            lambda session: self._search(name, Key(values=wanted), session),
            what="looking for the row",
        )
        if finding.reason in ("absent", "window", "values"):
            reject = rejected(wanted, finding, self.result)
            if reject is not None:
                return reject
        return of_finding(wanted, finding, self.spec.param_values(self.params))

    def _search(self, stage: str, key: Key, session: Session) -> Finding:
        tracing = self._tracing(session)
        return Search(tracing, tracing.run(), self.spec.query).look(stage, key)

    def _late_stage(self, stage: str, places: np.ndarray) -> str | None:
        """The stage for whose windows all records of some rows would have come late."""
        late = self.result.late.filter(pc.equal(self.result.late["late"], "late"))
        if not late.num_rows:
            return None
        table = self.result.stages[stage].table
        numbers = np.array([self.number(stage, table, int(place)) for place in places])
        found = self.trace.back({stage: numbers})
        records = {
            (name, *place)
            for name in found.keys() & self.trace.flows.keys()
            for place in self.trace.records(name, found[name])
        }
        names = ("stream", "partition", "offset")
        came_late = set(zip(*(late[n].to_pylist() for n in names), strict=True))
        return str(late["stage"][0]) if records and records <= came_late else None

    def _stage_named(self, stage: str | None) -> str:
        name = self.output if stage is None else stage
        if name not in self.result.stages:
            raise Refused(f"there is no stage `{name}` - {did_you_mean(name, self.result.stages)}")
        return name

    def number(self, stage: str, table: pa.Table, place: int) -> int:
        """The number in the trace of a row of the preview: of equal rows the n-th."""
        traced = self.trace.table(stage)
        row = {column: table[column][place] for column in traced.column_names}
        equal = matching(table.select(traced.column_names), row)
        found = matching(traced, row)
        if not len(found):  # an aggregate that depends on the order of its rows
            return int(min(place, traced.num_rows - 1))
        nth = int(np.searchsorted(equal, place))
        return int(found[min(nth, len(found) - 1)])

    def diff(
        self, other: Examining, *, key: Sequence[str] | Mapping[str, Sequence[str]] = ()
    ) -> Diff:
        """Say what `other` has added, removed and changed, stage by stage.

        Rows are told apart by a key: the given one, that of the sink, the windows and GROUP BY keys
        of the stage, or columns it hands on that tell the sample's records apart. Where there is
        none, or it is not unique, whole rows are compared.
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
        if not isinstance(other, Examining):
            raise refused("other", other, "no preview", "give one, such as p.run(params={…})")
        given = dict(key) if isinstance(key, Mapping) else {other.output: key}

        def compared(session: Session) -> Diff:
            flows = {id(f): f for p in (self, other) for f in p.result.flows.values()}
            known = {number: key_of(flow) for number, flow in flows.items()}
            inferred = [
                keys_of(
                    self._outline(p, session).stages,
                    {name: known[id(flow)] for name, flow in p.result.flows.items()},
                )
                for p in (self, other)
            ]
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


def _place_of(row: Any, table: pa.Table) -> int:
    if isinstance(row, (int, np.integer)):
        if not -table.num_rows <= row < table.num_rows:
            raise Refused(f"there is no row {row}: the stage has {number_of(table.num_rows)}")
        return int(row % table.num_rows)
    values = row if isinstance(row, Mapping) else getattr(row, "to_dict", lambda: None)()
    if not isinstance(values, Mapping):
        raise Refused(f"a row is an index, a dict or a row of `p.df`, not {shown(row)}")
    found = matching(table, values)
    if len(found) == 1:
        return int(found[0])
    if not len(found):
        raise Refused("no row has these values - p.why_not(key=...) says what became of it")
    remedy = f"give more columns, or the index of one: {', '.join(map(str, found[:5]))}"
    raise Refused(f"{len(found):,} rows have these values - {remedy}")


def _only(before: Result, after: Result) -> dict[str, str]:
    removed = {name: "removed" for name in before.stages if name not in after.stages}
    return removed | {name: "added" for name in after.stages if name not in before.stages}


def _sink_key(spec: JobSpec) -> tuple[str, ...]:
    """The columns by which the sink tells rows apart, if it does."""
    key = spec.sink.settings.get("key") or ()
    return (key,) if isinstance(key, str) else tuple(key)
