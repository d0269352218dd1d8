"""What people do to jobs: start, pause, stop, reset."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from streamops_nb.model.lifecycle import Action, Status
from streamops_nb.ops.core import Core, Names
from streamops_nb.ops.decision import Decision, Outcome
from streamops_nb.ops.operations import Operations, Request

__all__ = ["Acting"]

CutOff = Literal["drop", "emit", "lookback"]


class Acting:
    """The actions of a `streamops_nb.ops.workspace.Workspace`."""

    _core: Core
    _operations: Operations

    def start(
        self,
        names: Names = None,
        *,
        tags: str | Collection[str] = (),
        status: Status | str | Collection[Status | str] = (),
        at: Any = None,
        cut_off: CutOff | None = None,
        lookback: Any = None,
        fresh: bool = False,
        drop_state: bool = False,
        begin: bool = True,
        plan: bool = False,
        best_effort: bool = False,
        why: str = "",
    ) -> Any:
        """Start jobs: they go on from their last commit, or as chosen.

        Parameters
        ----------
        names, tags, status
            Which jobs; see `select`.
        at
            Where to read from, as ``start.at`` of a specification; given, window state that was
            kept is dropped. Default: go on from the last commit, or as the specification says.
        cut_off, lookback
            What becomes of windows that the start point cuts off, as in a specification.
        fresh
            Forget position and state and start as the specification says.
        drop_state
            Agree that kept window state is dropped if it does not fit the query, which was changed.
        begin
            Begin at once, or leave that to the next owner of the workspace.
        plan
            Only say what would be done, as a `Decision`.
        best_effort
            Start those that can be started, instead of all or none.
        why
            Kept in the history.

        Returns
        -------
        list of Outcome
            What was done to each job. A job asked for by its one name raises instead if its run
            cannot begin.

        Raises
        ------
        MoveRefused, ResourcesRefused
            If a status does not allow it, or CU are missing; no job is started then.
        SpecRefused
            If `at` is not a start point; no job is started then.
        """
        request = Request(
            Action.START,
            self._core.select(names, tags=tags, status=status),
            at=at,
            cut_off=cut_off,
            lookback=lookback,
            fresh=fresh,
            drop_state=drop_state,
            why=why,
        )
        return self._do(request, names, plan=plan, best_effort=best_effort, begin=begin)

    def pause(
        self,
        names: Names = None,
        *,
        tags: str | Collection[str] = (),
        status: Status | str | Collection[Status | str] = (),
        plan: bool = False,
        best_effort: bool = False,
        why: str = "",
    ) -> Any:
        """Pause jobs: the batch in flight commits, position and window state are kept.

        Parameters as of `start`. After 24 hours (or ``pause_limit``) a paused job is stopped.
        """
        request = Request(Action.PAUSE, self._core.select(names, tags=tags, status=status), why=why)
        return self._do(request, names, plan=plan, best_effort=best_effort)

    def stop(
        self,
        names: Names = None,
        *,
        tags: str | Collection[str] = (),
        status: Status | str | Collection[Status | str] = (),
        force: bool = False,
        plan: bool = False,
        best_effort: bool = False,
        why: str = "",
    ) -> Any:
        """Stop jobs: window state is dropped, the stop point remembered, output stays.

        Parameters as of `start`, and:

        Parameters
        ----------
        force
            Do not wait: the batch that is going on is not committed. For jobs that are just
            starting, pausing, stopping or retrying.
        """
        action = Action.FORCE_STOP if force else Action.STOP
        request = Request(action, self._core.select(names, tags=tags, status=status), why=why)
        return self._do(request, names, plan=plan, best_effort=best_effort)

    def reset(
        self,
        names: Names,
        at: Any,
        *,
        cut_off: CutOff | None = None,
        lookback: Any = None,
        drop_state: bool = False,
        plan: bool = False,
        best_effort: bool = False,
        why: str = "",
    ) -> Any:
        """Choose the point from which jobs start next.

        Parameters as of `start`, and:

        Parameters
        ----------
        drop_state
            Agree that the window state of a paused or failed job is dropped with it.
        """
        request = Request(
            Action.RESET_POSITION,
            self._core.select(names),
            at=at,
            cut_off=cut_off,
            lookback=lookback,
            drop_state=drop_state,
            why=why,
        )
        return self._do(request, names, plan=plan, best_effort=best_effort)

    def _do(
        self,
        request: Request,
        names: Names,
        *,
        plan: bool,
        best_effort: bool,
        begin: bool = True,
    ) -> Decision | list[Outcome]:
        if plan:
            return self._operations.decide(request)
        alone = isinstance(names, str)
        return self._operations.do(request, best_effort=best_effort, alone=alone, begin=begin)

    def resume(self, names: Names = None) -> list[str]:
        """Go on with jobs that were wanted running when their owner ended; return which.

        Parameters
        ----------
        names
            Which ones; default all. Others are left as they are.
        """
        return self._operations.resume(self._core.select(names))
