"""Runs the steps of many tasks on few threads, fair by weight."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol, Self

from streamops_nb.engine.clock import Clock
from streamops_nb.engine.meter import Meter
from streamops_nb.engine.turns import Turn, Turns

__all__ = ["Scheduler", "Task"]

_log = logging.getLogger(__name__)


class Task(Protocol):
    """Something that is done step by step."""

    @property
    def aside(self) -> float:
        """CPU seconds of work that was done for it so far beside its steps: reading ahead, say."""
        ...

    def step(self) -> float | None:
        """Do one batch; never called by two threads at once.

        Returns
        -------
        float or None
            After how many seconds it wants to be called again: 0 if there is a backlog, None if
            the task is finished.
        """
        ...


def _report(name: str, error: BaseException) -> None:
    _log.error("task %s failed", name, exc_info=error)


class _Worker:
    """A thread and the event that calls it."""

    def __init__(self, work: Callable[[_Worker], None], name: str) -> None:
        self.called = threading.Event()
        # a daemon: an interpreter that ends does not wait for steps; owners call `close`
        self.thread = threading.Thread(target=work, args=(self,), name=name, daemon=True)


class Scheduler:
    """Gives tasks their turns.

    Saturated tasks progress in proportion to their weights, also if there are as many threads as
    tasks; a task that has nothing to do costs nothing but being asked. Progress is measured as the
    work that steps take, and what the task says was done aside. No thread runs before the first
    task is added.

    Parameters
    ----------
    threads
        How many steps may run at once.
    clock
        What time it is.
    meter
        Measures what steps take.
    on_error
        Called with name and error of a task whose step raised, after the task was removed, on the
        thread that ran it. The default logs it.
    """

    def __init__(
        self,
        threads: int,
        clock: Clock,
        *,
        meter: Meter | None = None,
        on_error: Callable[[str, BaseException], None] = _report,
    ) -> None:
        if threads < 1:
            raise ValueError(f"a scheduler needs at least one thread, not {threads}")
        self._threads = threads
        self._clock = clock
        self._meter = meter or Meter()
        self._on_error = on_error
        self._turns = Turns()
        self._tasks: dict[str, Task] = {}
        self._lock = threading.Lock()
        self._left = threading.Condition(self._lock)
        self._mine = threading.local()  # the turn that this thread is running
        self._workers: list[_Worker] = []
        self._idle: list[_Worker] = []
        # the one idle thread that looks after what falls due, and when it will look
        self._watch: _Worker | None = None
        self._watch_at = 0.0
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, name: str, task: Task, weight: float = 1.0) -> None:
        """Add a task; its first step is due at once.

        Raises
        ------
        ValueError
            If there is a task of that name (one that was removed counts until its step has
            ended), or the weight is not positive.
        RuntimeError
            If the scheduler is closed.
        """
        _check(weight)
        with self._lock:
            if self._closed:
                raise RuntimeError(f"task {name} cannot be added: the scheduler is closed")
            if name in self._turns:
                raise ValueError(f"there is already a task {name}")
            self._tasks[name] = task
            self._turns.add(name, weight, self._clock.monotonic())
            self._call_one()
            if len(self._workers) < min(self._threads, len(self._tasks)):
                self._hire()

    def remove(self, name: str, wait: bool = True) -> None:
        """Take a task out: no step of it begins any more. Harmless if there is none.

        Parameters
        ----------
        name
            The task.
        wait
            Whether to return only when the step that is going on has ended. A step that removes
            its own task does not wait for itself.
        """
        with self._lock:
            turn = self._turns.remove(name)
            if turn is None:
                self._tasks.pop(name, None)
                return
            if wait and getattr(self._mine, "turn", None) is not turn:
                self._left.wait_for(lambda: not turn.running)

    def wake(self, name: str) -> None:
        """Make a task's next step due now; during a step, right after it."""
        with self._lock:
            self._turns.wake(name, self._clock.monotonic())
            self._call_one()

    def set_weight(self, name: str, weight: float) -> None:
        """Change a task's weight; `KeyError` if there is none of that name."""
        _check(weight)
        with self._lock:
            self._turns.set_weight(name, weight)
            self._call_one()

    def close(self) -> None:
        """Let the steps that are going on end, and end the threads; harmless when called twice."""
        with self._lock:
            self._closed = True
            for worker in self._workers:
                worker.called.set()
        for worker in self._workers:
            if worker.thread is not threading.current_thread():
                worker.thread.join()

    def _hire(self) -> None:
        worker = _Worker(self._work, f"scheduler-{len(self._workers)}")
        self._workers.append(worker)
        worker.thread.start()

    def _call_one(self) -> None:
        """Make an idle thread look again."""
        if self._idle:
            self._idle.pop().called.set()

    def _work(self, me: _Worker) -> None:
        while (turn := self._next(me)) is not None:
            self._mine.turn = turn
            task = self._tasks[turn.name]
            before = task.aside
            with self._meter.measure() as work:
                after, error = _step(task)
            aside = task.aside - before
            with self._lock:
                self._turns.done(turn, self._clock.monotonic(), after, work.seconds, aside)
                if turn.name not in self._turns:
                    del self._tasks[turn.name]
                    self._left.notify_all()
            if error is not None:
                self._tell(turn.name, error)

    def _next(self, me: _Worker) -> Turn | None:
        """Wait for a turn; None when the scheduler was closed."""
        while True:
            with self._lock:
                self._rise(me)
                if self._closed:
                    return None
                now = self._clock.monotonic()
                turn = self._turns.pick(now)
                if turn is not None:
                    self._hand_over(now)
                    return turn
                seconds = self._rest(me, now)
            self._clock.wait(me.called, seconds)

    def _rise(self, me: _Worker) -> None:
        """Be no longer idle."""
        if me in self._idle:
            self._idle.remove(me)
        if self._watch is me:
            self._watch = None

    def _rest(self, me: _Worker, now: float) -> float | None:
        """Become idle; the thread that has to look earliest watches, the others sleep."""
        me.called.clear()
        self._idle.append(me)
        seconds = self._turns.wait(now)
        if seconds is None or (self._watch is not None and self._watch_at <= now + seconds):
            return None
        self._watch, self._watch_at = me, now + seconds
        return seconds

    def _hand_over(self, now: float) -> None:
        """See to it that somebody runs what else can run, and watches what falls due."""
        if self._idle and (
            self._turns.pickable(now) or (self._watch is None and self._turns.wait(now) is not None)
        ):
            self._call_one()

    def _tell(self, name: str, error: BaseException) -> None:
        try:
            self._on_error(name, error)
        except Exception:  # noqa: BLE001 - other tasks need this thread
            _log.exception("the error of task %s could not be reported: %s", name, error)


def _step(task: Task) -> tuple[float | None, BaseException | None]:
    try:
        return task.step(), None
    except BaseException as error:  # noqa: BLE001 - whatever it is, the owner must hear of it
        return None, error


def _check(weight: float) -> None:
    if not weight > 0:
        raise ValueError(f"a weight is a positive number, not {weight}")
