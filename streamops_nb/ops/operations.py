"""Starting, pausing, stopping jobs: decided as one, recorded, then carried out job by job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from pydantic import ValidationError

from streamops_nb.engine.start import UNMARKED
from streamops_nb.model.errors import MoveRefused, SpecRefused, StorageError, StreamopsError
from streamops_nb.model.events import ActionTaken, RunStarted
from streamops_nb.model.faults import faults_of
from streamops_nb.model.lifecycle import ACTIVE, LIMITS, Action, Status, TimeLimit
from streamops_nb.model.part import plain
from streamops_nb.model.spec import Positions, Start
from streamops_nb.model.start import BY_SOURCE, LAST_COMMIT, STOP_POINT
from streamops_nb.ops.core import Core, user
from streamops_nb.ops.decision import Candidate, Decision, Outcome, decide
from streamops_nb.ops.fitting import agree, fit_of
from streamops_nb.ops.retaining import Retained, retained
from streamops_nb.ops.retrying import Retrying

__all__ = ["Operations", "Request"]


class Request:
    """What somebody asks of jobs.

    Parameters
    ----------
    names
        The jobs, each once.
    at, cut_off, lookback
        For a start and a reset: the start point, and what becomes of windows that it cuts off;
        None leaves it as it is, or as the specification says.
    fresh
        Start as the specification says, from whatever point: position and state are dropped.
    drop_state
        Agree that kept window state is dropped: with a reset, or where it does not fit a changed
        query.
    who, why
        The person and the reason, for the history.
    """

    def __init__(
        self,
        action: Action,
        names: Iterable[str],
        *,
        at: Any = None,
        cut_off: str | None = None,
        lookback: Any = None,
        fresh: bool = False,
        drop_state: bool = False,
        who: str | None = None,
        why: str = "",
    ) -> None:
        self.action = action
        self.names = list(names)
        self.who = who or user()
        self.why = why
        chosen = {"at": at, "cut_off": cut_off, "lookback": lookback}
        self.chosen = {key: _plain(value) for key, value in chosen.items() if value is not None}
        self.fresh = fresh
        self.drop_state = drop_state

    @property
    def chooses(self) -> bool:
        """Whether a start point is chosen."""
        return bool(self.chosen) or self.fresh

    @property
    def going_on(self) -> list[str]:
        """The jobs that may go on from where they stand."""
        return self.names if self.action is Action.START and not self.chooses else []

    def line(self, name: str) -> str:
        """Write the line of Python that asks the same of one job."""
        verb = {Action.FORCE_STOP: "stop", Action.RESET_POSITION: "reset"}.get(
            self.action, self.action.value
        )
        given = [repr(name), *(f"{key}={value!r}" for key, value in self.chosen.items())]
        given += ["fresh=True"] if self.fresh else []
        given += ["drop_state=True"] if self.drop_state else []
        given += ["force=True"] if self.action is Action.FORCE_STOP else []
        return f"ws.{verb}({', '.join(given)})"

    def taken(self, name: str, at: float, result: str = "done") -> ActionTaken:
        """Give the event that tells of it."""
        return ActionTaken(
            job=name,
            at=at,
            who=self.who,
            action=self.action.value,
            why=self.why,
            result=result,
            line=self.line(name),
        )


class Operations:
    """Changes what jobs do.

    Decisions are taken one at a time; what follows from them (the batch in flight of a pause, the
    opening of a source) is waited for outside of that, so that a forced stop need not wait.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.deciding = threading.RLock()
        self.retrying = Retrying(core, self._begin_again)

    # deciding

    def decide(self, request: Request) -> Decision:
        """Say what would be done to each job; nothing is done.

        Raises
        ------
        SpecRefused
            If the start point is none.
        """
        self.chosen(request)
        return self._decide(request, retained(self._core, request.going_on))

    def _decide(self, request: Request, held: Mapping[str, Retained]) -> Decision:
        core = self._core
        nothing = Retained()
        candidates = [self._candidate(n, request, held.get(n, nothing)) for n in request.names]
        booking = core.catalog.booking()
        return decide(request.action, candidates, booking, self._readers, core.now())

    def _candidate(self, name: str, request: Request, held: Retained) -> Candidate:
        spec = self._core.spec(name)
        return Candidate(
            name=name,
            state=self._core.states.state(name),
            cu=spec.resources.cu,
            pause_limit=spec.pause_limit.total_seconds(),
            obstacle=self._obstacle(name, request) or held.why,
            retained=held.said,
        )

    def _obstacle(self, name: str, request: Request) -> str:
        if request.action is Action.START and name in self._core.backend.leaving:
            return "its last start or run has not ended yet - start it again in a moment"
        if request.action is Action.START and not request.chooses and not request.drop_state:
            return self._misfit(name)
        if request.action is Action.RESET_POSITION and not request.drop_state:
            kept = self._core.states.view(name).state_rows
            status = self._core.states.state(name).observed
            if kept and status is not Status.STOPPED:
                return (
                    f"{kept:,} rows of window state are kept for it and would be dropped"
                    " - agree with drop_state=True"
                )
        return ""

    def _misfit(self, name: str) -> str:
        """Say if kept window state would be dropped, and nobody has agreed to that."""
        try:
            fit = fit_of(self._core, self._core.spec(name))
        except StreamopsError:
            return ""  # the start will say it, and the job is FAILED with it
        return "" if fit or fit.agreed else f"{fit} - agree with drop_state=True"

    def _readers(self, name: str) -> list[str]:
        """The active jobs that read a job's output."""
        active = self._core.states.within(ACTIVE)
        return sorted(other for other in active if name in self._core.inputs(other))

    def chosen(self, request: Request) -> dict[str, Start]:
        """Give the start point chosen for each job; empty if none is."""
        if not request.chooses:
            return {}
        return {name: self._start(name, request.chosen) for name in request.names}

    def _start(self, name: str, chosen: Mapping[str, Any]) -> Start:
        specified = self._core.spec(name).start
        wanted = {**specified.model_dump(), **chosen}
        try:
            start = Start.model_validate(wanted)
        except ValidationError as error:
            raise SpecRefused(faults_of(error, wanted, Start)) from None
        if start.cut_off == "emit" and specified.cut_off != "emit":
            raise SpecRefused([UNMARKED])
        return start

    # doing

    def do(
        self,
        request: Request,
        *,
        best_effort: bool = False,
        alone: bool = False,
        begin: bool = True,
    ) -> list[Outcome]:
        """Do what is asked: to all jobs or none, or to all that allow it.

        Parameters
        ----------
        alone
            One job was asked for by its name: raise the error if its run cannot begin.
        begin
            Begin what is started at once, or leave that to the next owner of the workspace.

        Raises
        ------
        MoveRefused, ResourcesRefused
            If one is refused and it is not `best_effort`; nothing is changed then.
        SpecRefused
            If the start point is none; nothing is changed then.
        """
        core = self._core
        # asked outside of the decision; one alone tells by itself what it lacks
        sound = retained(core, request.going_on if begin and not alone else [])
        with self.deciding:
            starts = self.chosen(request)
            decision = self._decide(request, sound)
            refused = [request.taken(v.job, core.now(), v.why) for v in decision.refused]
            core.states.note(*refused)
            if refused and not best_effort:
                raise decision.refusal()
            for name in decision.jobs:
                if starts:
                    self._choose(name, starts[name])
                elif request.action is Action.START and request.drop_state:
                    agree(core, name)
            stood = {name: core.states.state(name).observed for name in decision.jobs}
            taken = {name: request.taken(name, core.now()) for name in decision.jobs}
            held = {v.job: v.cu for v in decision.verdicts if v.allowed and v.cu > 0}
            core.states.act(taken, held)
        waits = request.action is Action.START and not begin
        errors = {} if waits else self._carry_out(request.action, stood)
        if alone and errors:
            raise next(iter(errors.values()))
        whys = {name: str(error) for name, error in errors.items()}
        return [self._outcome(request, v.job, v.why, whys) for v in decision.verdicts]

    def _choose(self, name: str, start: Start | None) -> None:
        with self._core.backend.job_file(name) as file:
            file.open()
            file.choose_start(start)

    def _outcome(
        self, request: Request, name: str, refusal: str, whys: Mapping[str, str]
    ) -> Outcome:
        why = refusal or whys.get(name, "")
        return Outcome(
            job=name,
            action=request.action.value,
            done=not why,
            status=self._core.states.state(name).observed,
            why=why,
        )

    def _carry_out(self, action: Action, stood: Mapping[str, Status]) -> dict[str, StreamopsError]:
        """Carry an action out; give the errors of jobs with which that failed."""
        if action is Action.START:
            begun = {name: self._begin(name, status) for name, status in stood.items()}
            return {name: error for name, error in begun.items() if error is not None}
        if action is Action.PAUSE:
            self.halt(stood, Status.PAUSING, Status.PAUSED)
        elif action is Action.STOP:
            self.halt(stood, Status.STOPPING, Status.STOPPED)
        elif action is Action.FORCE_STOP:
            for name in stood:
                self.abandon(name, Status.STOPPED, "forced")
        return {}

    def _begin(self, name: str, stood: Status) -> StreamopsError | None:
        """Begin a run; if that fails, the job is FAILED. Return why."""
        return self._tried(name, partial(self._run, name, stopped=stood is Status.STOPPED))

    def _begin_again(self, name: str) -> None:
        self._tried(name, partial(self._open, name, stopped=False), again=True)

    def _tried(
        self, name: str, do: Callable[[], None], *, again: bool = False
    ) -> StreamopsError | None:
        """Try to begin a run; one that nobody waits for is tried again, if that may help."""
        try:
            do()
        except StreamopsError as error:
            told = error
        except Exception as error:  # noqa: BLE001 - a bug must not leave a job STARTING
            told = StorageError(f"{type(error).__name__}: {error}")
            told.__cause__ = error
        else:
            self.retrying.begun(name)
            return None
        if self._core.states.state(name).observed not in (Status.STARTING, Status.RETRYING):
            return MoveRefused("it was paused or stopped while it started")
        if not (again and self.retrying.later(name, told)):
            self._core.states.not_started(name, told)
        return told

    def _run(self, name: str, *, stopped: bool) -> None:
        core = self._core
        run = core.catalog.new_run(name)
        record = core.catalog.job(name)
        with core.backend.job_file(name) as file:
            stands, chosen = file.open(), file.next_start()
        begins = chosen or core.spec(name, record.ran).start
        goes_on = bool(stands.positions) and chosen is None
        kept = goes_on and not (stopped or stands.stopped)
        said = LAST_COMMIT if kept else _start_words(begins, goes_on)
        started = RunStarted(
            job=name, at=core.now(), run=run, version=record.ran, start=said, cu=record.held
        )
        core.states.note(started)
        self._open(name, stopped=stopped)

    def _open(self, name: str, *, stopped: bool) -> None:
        record = self._core.catalog.job(name)
        self._core.backend.start(
            self._core.spec(name, record.ran),
            version=record.ran,
            run=record.run,
            history=(self._core.states.view(name).batch, record.copied),
            stopped=stopped,
        )

    def resume(self, names: Iterable[str]) -> list[str]:
        """Go on with jobs that were wanted running when their owner ended; return which.

        A job that cannot go on says so and is FAILED, or RETRYING if what it lacks may come; the
        others are not kept from going on.
        """
        core = self._core
        found = [
            name
            for name in names
            if core.states.state(name).observed is Status.STARTING
            and name not in core.backend.running
        ]
        core.states.begin_now(found)  # they may have been left for long: the limit counts from here
        for name in found:
            self._tried(name, partial(self._run, name, stopped=False), again=True)
        return found

    def halt(self, names: Iterable[str], via: Status, to: Status) -> None:
        """End the runs of jobs after their batches in flight."""
        core = self._core
        asked = list(names)
        core.backend.let_go(asked)
        for name in asked:
            core.backend.halt(name, clear=to is Status.STOPPED)
            # else it finished, failed or was stopped by force just now
            if core.states.state(name).observed is via:
                with suppress(MoveRefused):
                    core.states.ended(name, to)

    def abandon(self, name: str, status: Status, reason: str) -> None:
        """Give up a run that stands at `status` by now, without waiting for its batch."""
        core = self._core
        core.backend.abandon(name, clear=status is Status.STOPPED)
        core.states.run_over(name, status, reason)

    def expire(self, name: str) -> bool:
        """Apply time limits to a job; say whether one had passed."""
        core = self._core
        with self.deciding:
            before = core.states.state(name)
            after = core.states.expire(name, self.limits(name))
            if after.observed is before.observed:
                return False
            if before.observed is Status.PAUSED:
                core.backend.halt(name, clear=True)
        if before.observed is not Status.PAUSED:
            self.abandon(name, after.observed, after.reason)
        return True

    def limits(self, name: str) -> dict[Status, TimeLimit]:
        """Give a job's time limits: its pause may be shorter than 24 hours."""
        seconds = self._core.spec(name).pause_limit.total_seconds()
        paused = LIMITS[Status.PAUSED]
        if seconds >= paused.seconds:
            return dict(LIMITS)
        reason = f"the pause reached its limit of {seconds / 3600:.6g} hours"
        short = TimeLimit(seconds=seconds, then=paused.then, reason=reason)
        return {**LIMITS, Status.PAUSED: short}


def _start_words(start: Start, stopped: bool) -> str:
    if stopped or start.at == "stopped":
        return STOP_POINT
    if start.at is not None:
        return str(start.at)
    return BY_SOURCE


def _plain(value: Any) -> Any:
    """A value as it is written in a specification, and in a line of Python."""
    return value.model_dump() if isinstance(value, Positions) else plain(value)
