"""The loop of one job: choose what the next batch reads, run it, say when to come again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from streamops_nb.db import Session
from streamops_nb.engine.attempt import Batch, Target
from streamops_nb.engine.batch import Outcome, Policy, run_batch
from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.engine.inflow import Inflow
from streamops_nb.engine.inlet import Inlet
from streamops_nb.engine.look import Looker
from streamops_nb.engine.meter import Meter, Work
from streamops_nb.engine.reading import Load, Pace, Reading, backlog
from streamops_nb.engine.record import Record
from streamops_nb.engine.references import Note, References
from streamops_nb.engine.unfilled import Unfilled
from streamops_nb.engine.watermark import FOREVER, NEVER, StreamClock
from streamops_nb.model.batch import Ends, Span, advance
from streamops_nb.model.flow import Holder
from streamops_nb.plan.operator import Operator, Plan

__all__ = ["Done", "Loop"]

_SECOND = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A batch that is being committed, as its facts are made from it.

    Parameters
    ----------
    watermarks, holders
        The streams' watermarks after the batch, and the partitions that they wait for.
    last_commit
        How long the commit of the batch before took, seconds; this one's is not known yet.
    notes
        What was noticed of references since the last batch, and of fields without values.
    """

    record: Record
    outcome: Outcome
    load: Load
    watermarks: Mapping[str, int] = field(default_factory=dict)
    holders: Mapping[str, Holder] = field(default_factory=dict)
    last_commit: float = 0.0
    notes: tuple[Note, ...] = ()


class Loop:
    """One job's loop; `step` is called again and again, by one thread at a time.

    Parameters
    ----------
    inlets
        The streams that the plan reads.
    sink
        Where output goes.
    external
        Whether the sink lies outside the job's file, so that a batch's record must be durable
        before the sink is written.
    now
        The clock, seconds since the epoch.
    facts
        Makes the events that are committed with a batch.
    ahead
        Where the next batch is read while the present one runs; None reads in `step` itself.
    meter
        Measures what reading ahead takes.
    trace
        Called with the name of each step of the recipe when it has been done.

    Attributes
    ----------
    spans
        What the batch that is being worked on reads, or the last one read.
    aside
        CPU seconds of work that reading ahead has taken so far.
    """

    def __init__(
        self,
        plan: Plan,
        inlets: Mapping[str, Inlet],
        *,
        file: JobFile,
        session: Session,
        sink: Target,
        external: bool,
        pace: Pace,
        policy: Policy,
        now: Callable[[], float],
        facts: Callable[[Done], list[dict[str, Any]]],
        version: int = 0,
        references: References | None = None,
        ahead: Executor | None = None,
        meter: Meter | None = None,
        trace: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._plan = plan
        self._inlets = inlets
        self._file = file
        self._session = session
        self._sink = sink
        self._external = external
        self._pace = pace
        self._policy = policy
        self._now = now
        self._facts = facts
        self._version = version
        self._references = references or References({}, Path())
        self._ahead = ahead
        self._trace = trace
        self._looker = Looker(plan, session)
        self._unfilled = Unfilled.of({name: inlet.columns for name, inlet in inlets.items()})
        self._last_commit = 0.0
        self._meter = meter or Meter()
        self._next: Future[tuple[Load, Work]] | None = None
        self._reading = Reading(inlets, pace, now)
        self.spans: Mapping[str, Span] = {}
        self.aside = 0.0
        self.checkpoint = file.open()
        self._clocks = self._wound(self.checkpoint.clocks)

    def step(self) -> float | None:
        """Run one batch if there is something to do.

        Returns
        -------
        float or None
            After how many seconds to come again (0 with backlog); None when all streams have
            ended and everything is committed.
        """
        if self._over():
            return None
        begun = time.perf_counter()
        self.spans = {}
        try:
            load, record = self._replayed() or self._planned()
            if record is None:
                return self._pace.interval
            self.spans = record.spans
            self._clocks = self._run(load, record)
        except BaseException:
            # what was read ahead follows a batch that was not committed
            self._drop_ahead()
            raise
        if self._over():
            return None
        if self._behind(load.ends) or self._due(load.ends):
            return 0.0
        return max(0.0, self._pace.interval - (time.perf_counter() - begun))

    def close(self) -> None:
        """Wait for what is being read ahead, then close the streams."""
        self._drop_ahead()
        for inlet in self._inlets.values():
            inlet.close()

    def _over(self) -> bool:
        return self.checkpoint.ended

    def _drop_ahead(self) -> None:
        if self._next is not None and not self._next.cancel():
            self._next.exception()
        self._next = None

    # choosing

    def _replayed(self) -> tuple[Load, Record] | None:
        """The batch that was begun and not committed before the last crash, if there is one."""
        if not self._external:
            return None
        record = self._file.begun(self.checkpoint.n + 1)
        operators = {operator.name for operator in self._plan.operators}
        if record is None or record.frontiers.keys() != operators:
            return None  # begun by a query of other stages: what is planned anew takes its place
        if not self._references.compare(record.references, record.n):
            record = replace(record, references=self._references.versions)
            self._file.begin(record)
        inflows, seconds = self._reading.read(record.spans)
        ends = {name: inlet.ends() for name, inlet in self._inlets.items()}
        return Load(ends=ends, spans=record.spans, inflows=inflows, seconds=seconds), record

    def _planned(self) -> tuple[Load, Record | None]:
        """Read what is there and decide what closes; no record if there is nothing to do."""
        load = self._take()
        self._read_ahead(load)
        now = int(self._now() * _SECOND)
        self._meet(load, now)
        watermarks = {name: self._advanced(name, load, now) for name in self._inlets}
        frontiers = {
            operator.name: (
                self.checkpoint.frontiers.get(operator.name, NEVER),
                self._frontier(operator, watermarks),
            )
            for operator in self._plan.operators
        }
        ended = all(mark == FOREVER for mark in watermarks.values())
        if not any(load.spans.values()) and not ended and not self._closing(frontiers):
            return load, None
        record = Record(
            n=self.checkpoint.n + 1,
            spans={name: span for name, span in load.spans.items() if span},
            watermarks=watermarks,
            frontiers=frontiers,
            now=now,
            cut=self.checkpoint.cut,
            since=self.checkpoint.since,
            cuts=self.checkpoint.cuts,
            version=self._version,
            references=self._references.refresh(self._session),
        )
        if self._external:
            self._file.begin(record)
            self._trace("begun")
        return load, record

    def _meet(self, load: Load, now: int) -> None:
        for name, clock in self._clocks.items():
            clock.meet(load.ends[name].latest, now)

    def _advanced(self, name: str, load: Load, now: int) -> int:
        """The stream's watermark; a stream that has ended has none to wait for."""
        ends, position = load.ends[name], self.checkpoint.positions.get(name, {})
        if ends.closed and not load.spans[name] and not backlog(ends, position):
            if name in self._clocks:
                self._clocks[name].end()
            return FOREVER
        if name not in self._clocks:
            return NEVER
        return self._clocks[name].advance(now, backlog(ends, position))

    def _frontier(self, operator: Operator, watermarks: Mapping[str, int]) -> int:
        """How far an operator has everything: the slowest of its streams, never backwards."""
        before = self.checkpoint.frontiers.get(operator.name, NEVER)
        marks = [
            mark if mark in (NEVER, FOREVER) else mark - trail
            for name, trail in operator.frontier.items()
            for mark in (watermarks[name],)
        ]
        return max(before, min(marks))

    def _closing(self, frontiers: Mapping[str, tuple[int, int]]) -> bool:
        held = self.checkpoint.state_rows
        return any(
            operator.window.closes(*frontiers[operator.name])
            and any(held.get(table.name, 0) for table in operator.tables)
            for operator in self._plan.operators
        )

    def _due(self, ends: Mapping[str, Ends]) -> bool:
        """Whether the batch just committed moved a watermark past the end of a window."""
        now, positions = int(self._now() * _SECOND), self.checkpoint.positions
        marks = {
            name: clock.advance(now, backlog(ends[name], positions.get(name, {})))
            for name, clock in self._clocks.items()
        }
        return self._closing(
            {
                operator.name: (
                    self.checkpoint.frontiers[operator.name],
                    self._frontier(operator, marks),
                )
                for operator in self._plan.operators
            }
        )

    def _behind(self, ends: Mapping[str, Ends]) -> bool:
        """Whether the source reached further than the batch did when it was chosen."""
        return any(
            ends[name].closed or backlog(ends[name], self.checkpoint.positions.get(name, {}))
            for name in self._inlets
        )

    # reading

    def _take(self) -> Load:
        if self._next is not None:
            future, self._next = self._next, None
            load, work = future.result()
            self.aside += work.seconds
            return load
        return self._reading.load(self.checkpoint.positions, self._reach())

    def _reach(self) -> dict[str, int]:
        """Per stream, the largest event time seen so far."""
        return {name: clock.reach for name, clock in self._clocks.items()}

    # running

    def _run(self, load: Load, record: Record) -> dict[str, StreamClock]:
        clocks = self._wound({name: clock.to_json() for name, clock in self._clocks.items()})
        inflows: dict[str, Inflow] = {}
        for name, inlet in self._inlets.items():
            inflow = load.inflows[name]
            if inlet.timing is not None:
                inflow = self._timed(inflow, inlet, clocks[name], record)
            inflows[name] = inflow
        self._trace("read")
        # event times are looked at, too: rows without one are not among the inflows any more
        lacking = self._unfilled.after({n: flow.table for n, flow in load.inflows.items()})
        ended = all(mark == FOREVER for mark in record.watermarks.values())
        before = replace(self.checkpoint, ended=ended)
        outcome = run_batch(
            self._plan,
            Batch(record=record, inflows=inflows),
            before,
            file=self._file,
            session=self._session,
            target=self._sink,
            policy=self._policy,
            clocks={name: clock.to_json() for name, clock in clocks.items()},
            facts=lambda made: self._facts(self._done(load, record, made, clocks, lacking)),
            looker=self._looker,
            step=self._trace,
        )
        self.checkpoint = outcome.checkpoint
        self._last_commit = outcome.seconds["commit"]
        self._references.forget_notes()
        self._unfilled = lacking
        return clocks

    def _done(
        self,
        load: Load,
        record: Record,
        made: Outcome,
        clocks: Mapping[str, StreamClock],
        lacking: Unfilled,
    ) -> Done:
        positions = made.checkpoint.positions
        marks, holders = dict(record.watermarks), {}
        for name, clock in clocks.items():
            behind = backlog(load.ends[name], positions.get(name, {}))
            marks[name] = max(marks[name], clock.ahead(record.now, behind))
            holder = clock.holder(record.now, behind)
            if holder is not None and marks[name] < FOREVER:
                holders[name] = holder
        return Done(
            record=record,
            outcome=made,
            load=load,
            watermarks=marks,
            holders=holders,
            last_commit=self._last_commit,
            notes=(*self._references.notes, *lacking.notes),
        )

    def _timed(self, inflow: Inflow, inlet: Inlet, clock: StreamClock, record: Record) -> Inflow:
        """Check the event times of an inflow and move the stream's clock on."""
        timing = inlet.timing
        if timing is None or not inflow.table.num_rows:
            return inflow
        allowed = None if timing.ahead is None else record.now + timing.ahead
        inflow = inflow.timed(timing.column, allowed)
        for partition, latest in inflow.latest.items():
            clock.observe(partition, latest, record.now)
        return inflow

    def _read_ahead(self, load: Load) -> None:
        """Begin to read what follows `load`, if more is known to be there."""
        positions = {
            name: advance(self.checkpoint.positions.get(name, {}), load.spans[name])
            for name in self._inlets
        }
        more = any(backlog(load.ends[name], positions[name]) for name in self._inlets)
        if self._ahead is not None and more and any(load.spans.values()):
            self._next = self._ahead.submit(self._load, positions, self._reach())

    def _load(
        self, positions: Mapping[str, Mapping[str, int]], reach: Mapping[str, int]
    ) -> tuple[Load, Work]:
        with self._meter.measure() as work:
            load = self._reading.load(positions, reach)
        return load, work

    def _wound(self, kept: Mapping[str, Any]) -> dict[str, StreamClock]:
        """The streams' clocks as a checkpoint keeps them, or new ones."""
        clocks: dict[str, StreamClock] = {}
        for name, inlet in self._inlets.items():
            timing, apart = inlet.timing, inlet.source.traits.apart
            if timing is None:
                continue
            fresh = StreamClock(timing.delay, timing.idle, apart).to_json()
            known = {key: kept.get(name, fresh)[key] for key in ("watermark", "partitions")}
            clocks[name] = StreamClock.from_json(fresh | known)
        return clocks
