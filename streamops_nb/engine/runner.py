"""One run of one job: a loop, the retries around it, and the facts it leaves."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from streamops_nb.db import Session
from streamops_nb.engine.assembly import Parts, Surroundings, assemble
from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.engine.external import External
from streamops_nb.engine.facts import batch_facts
from streamops_nb.engine.forecast import gone, gone_words
from streamops_nb.engine.kept import Kept, kept_under, state_of, with_cuts, without
from streamops_nb.engine.loop import Done, Loop
from streamops_nb.engine.record import Checkpoint
from streamops_nb.engine.start import first_checkpoint
from streamops_nb.engine.state import prepare
from streamops_nb.model.batch import Span
from streamops_nb.model.errors import Interrupted, SourceError, StorageError, StreamopsError
from streamops_nb.model.secrets import mask
from streamops_nb.model.spec import JobSpec, Start
from streamops_nb.plan.operator import Plan
from streamops_nb.plan.planner import load_macros

__all__ = ["Between", "Runner", "Trouble"]

Facts = list[dict[str, Any]]
Between = Callable[[JobFile, Session], Facts]
_Asked = tuple[Future[Facts], Between]

_TIDY_EVERY = 64
"""Retention and trimming run once in so many batches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """A failure of a batch.

    Parameters
    ----------
    spans
        What the batch reads, per stream; empty if it did not get that far.
    again_in
        Seconds until the next try, or None if the run has failed.
    """

    error: StreamopsError
    batch: int
    spans: Mapping[str, Span]
    attempt: int
    again_in: float | None
    trace: str


class Runner:
    """A task for the scheduler: each `step` runs one batch of the job.

    Parameters
    ----------
    database
        The name under which the job's file is attached.
    start
        Where to start if there is no position to go on from; None as the specification says.
    fresh
        Start anew from `start` even if there is a position; window state is dropped.
    stopped
        The job was stopped: its file is as after a stop, or is made so (a stop may have been
        forced while a batch was still going on).
    run
        The number of this run.
    on_trouble, on_facts
        Told of every failure; given the facts of every batch once it is committed.
    delivered
        Up to which batch the facts have been copied; the file forgets them now and then.
    """

    def __init__(
        self,
        spec: JobSpec,
        around: Surroundings,
        *,
        database: str,
        version: int = 0,
        run: int = 1,
        start: Start | None = None,
        fresh: bool = False,
        stopped: bool = False,
        ahead: Executor | None = None,
        on_trouble: Callable[[Trouble], None] = lambda _: None,
        on_facts: Callable[[list[dict[str, Any]]], None] = lambda _: None,
        delivered: Callable[[], int] = lambda: 0,
        trace: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.spec = spec
        self._around = around
        self._run = run
        self._on_trouble = on_trouble
        self._on_facts = on_facts
        self._delivered = delivered
        self._made: list[dict[str, Any]] = []
        self._attempt = 0
        self._asked: SimpleQueue[_Asked] = SimpleQueue()
        self._cancelled = False
        self._trace = trace
        self._session: Session = around.instance.session()
        self.file = JobFile(self._session, database)
        with ExitStack() as opened:
            # a run that cannot begin leaves nothing open, and no secret in its message
            opened.callback(self._session.close)
            opened.push(self._mask)
            self.parts: Parts = assemble(spec, around, database=database)
            self._external = not self.parts.sink.transactional
            for inlet in self.parts.inlets.values():
                opened.callback(inlet.close)
            self._settle(start, fresh=fresh, stopped=stopped)
            opened.pop_all()
        self.loop = Loop(
            self.parts.plan,
            self.parts.inlets,
            file=self.file,
            session=self._session,
            sink=External(self.parts.sink) if self._external else self.parts.sink,
            external=self._external,
            pace=self.parts.pace,
            policy=self.parts.policy,
            now=around.now,
            facts=self._facts,
            version=version,
            references=self.parts.references,
            ahead=ahead,
            meter=around.meter,
            trace=self._step_done,
        )

    def _settle(self, start: Start | None, *, fresh: bool, stopped: bool) -> None:
        """Find where to go on or to start, and get file, session and sink ready for it."""
        load_macros(self._session)
        plan, file = self.parts.plan, self.file
        before = file.open()
        chosen = file.next_start()
        if chosen is not None:
            start, fresh = chosen, True
        lasts = bool(before.positions) and not (fresh or before.ended or before.stopped or stopped)
        kept = self._kept(before) if lasts else Kept()
        # a sink that refuses what the query makes does so before anything is dropped
        if self._external:
            self.parts.sink.open()
        else:
            self.parts.sink.open(self._session)
        # what has come since the end is read as after a stop
        if before.ended or (stopped and not before.stopped) or (kept.anew and not kept.stays):
            file.clear()
            before = file.open()
        elif not fresh:
            self._check_retained(before)
        if fresh or before.stopped or not before.positions:
            wanted = start or self.spec.start
            # one that was stopped before it began has no stop point
            if before.stopped and before.positions and not fresh:
                wanted = self.spec.start.model_copy(update={"at": "stopped"})
            file.begin_at(first_checkpoint(wanted, plan, self.parts.inlets, before), state_of(plan))
        else:
            self._go_on(before, kept)
        prepare(
            plan,
            file=file,
            session=self._session,
            inlets=self.parts.inlets,
            references=self.parts.references,
        )

    def _kept(self, before: Checkpoint) -> Kept:
        """Say what of the window state goes on; see that somebody agreed if not all does."""
        reads_back = self.spec.start.cut_off == "lookback"
        kept = kept_under(self.parts.plan, self.file, before, reads_back=reads_back)
        if kept.goes and not self.file.may_drop:
            raise StorageError(
                f"the window state kept in {', '.join(kept.goes)} belongs to an earlier "
                "version of the query, or of streamops_nb - agree that it is dropped: "
                "start(drop_state=True)"
            )
        return kept

    def _go_on(self, before: Checkpoint, kept: Kept) -> None:
        """Go on behind the last commit, with what is kept of the window state."""
        plan, first = self.parts.plan, before
        changed = bool(kept.goes or kept.anew)
        if changed:
            emits = self.spec.start.cut_off == "emit"
            first = without(kept, before, emits_cut_off=emits)
        first = with_cuts(plan, self.parts.inlets, first, kept.anew)
        state = state_of(plan)
        if first != before or self.file.state() != state or self.file.may_drop:
            self.file.go_on_at(first, state, kept.drops, again=not changed)

    def _check_retained(self, stands: Checkpoint) -> None:
        """Say what is lost before a run goes on behind it."""
        for name, inlet in self.parts.inlets.items():
            try:
                lost = gone(inlet, stands.positions.get(name, {}))
            except SourceError as error:
                if not error.retryable:
                    raise
                continue  # the run waits until the source answers; `cut` then says the same
            if lost:
                raise SourceError(gone_words(inlet, lost), retryable=False)

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the job stands."""
        return self.loop.checkpoint

    @property
    def plan(self) -> Plan:
        """The compiled query."""
        return self.parts.plan

    def cancel(self) -> None:
        """Let the batch that is going on end without being committed; it may be anywhere in it."""
        self._cancelled = True
        self._session.interrupt()

    @property
    def cancelled(self) -> bool:
        """Whether the run was cancelled: what its step raises is of no interest."""
        return self._cancelled

    def _step_done(self, step: str) -> None:
        # the last step before the commit is one of them
        if self._cancelled and step != "committed":
            raise Interrupted("the run was cancelled")
        self._trace(step)

    def step(self) -> float | None:
        """Run one batch; see `Loop.step`. A failure that may pass is tried again with back-off."""
        self._do_asked()
        before = self.loop.checkpoint.n
        try:
            wait = self.loop.step()
        except StreamopsError as error:
            return self._fail(error)
        self._attempt = 0
        n = self.loop.checkpoint.n
        if n != before:
            self._on_facts(self._made)
            if n % _TIDY_EVERY == 0:
                self.tidy()
        return wait

    def ask(self, do: Between) -> Future[Facts]:
        """Have something committed as a batch of its own, before the next one.

        Parameters
        ----------
        do
            Is given the job's file and session, on the thread that runs the batches; it commits a
            batch that reads nothing, and returns the batch's facts.
        """
        future: Future[Facts] = Future()
        self._asked.put((future, do))
        return future

    def _do_asked(self) -> None:
        while not self._asked.empty():
            future, do = self._asked.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                made = do(self.file, self._session)
            except Exception as error:  # noqa: BLE001 - who asked is told; the job goes on
                future.set_exception(error)
                continue
            try:
                self.loop.checkpoint = self.file.open()
                self._on_facts(made)
            except BaseException as error:
                future.set_exception(error)
                raise  # without knowing where it stands it must not go on
            future.set_result(made)

    def _masked(self, text: str) -> str:
        """A message without the values of secrets."""
        return mask(text, self.spec.model_dump(mode="json"), self._around.environ)

    def _mask(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, StreamopsError):
            error.args = (self._masked(str(error)),)

    def _fail(self, error: StreamopsError) -> float | None:
        if self._cancelled:
            raise error
        self._attempt += 1
        error.args = (self._masked(str(error)),)
        wait = self.spec.errors.retries.wait(self._attempt) if error.retryable else None
        self._on_trouble(
            Trouble(
                error=error,
                batch=self.loop.checkpoint.n + 1,
                spans=self.loop.spans,
                attempt=self._attempt,
                again_in=wait,
                trace=self._masked("".join(traceback.format_exception(error))),
            )
        )
        if wait is None:
            raise error
        return wait

    def _facts(self, done: Done) -> list[dict[str, Any]]:
        self._made = batch_facts(self.spec.name, self._run, self._around.now(), done)
        return self._made

    def tidy(self) -> None:
        """Apply retention, trim what is kept of rejects, forget facts that were copied."""
        self.file.forget(self._delivered())
        self.file.keep_rejects(self.spec.errors.keep)
        if self._external:
            self.parts.sink.tidy()
        else:
            self.parts.sink.tidy(self._session)

    def close(self) -> None:
        """Close streams, sink and session; what was asked for and not done is not done."""
        while not self._asked.empty():
            self._asked.get()[0].cancel()
        self.loop.close()
        if self._external:
            self.parts.sink.close()
        self._session.close()
