"""Runs jobs in this process: one DuckDB instance, a scheduler, a file per job."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from streamops_nb.db import Instance, ident
from streamops_nb.engine.assembly import Surroundings
from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.engine.clock import SystemClock
from streamops_nb.engine.meter import Meter
from streamops_nb.engine.record import Checkpoint
from streamops_nb.engine.runner import Between, Runner, Trouble
from streamops_nb.engine.scheduler import Scheduler
from streamops_nb.model.errors import SourceError, StorageError, StreamopsError
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan.planner import Planner, load_macros

__all__ = ["THREADS_PER_CORE", "Listener", "LocalBackend"]

THREADS_PER_CORE = 2
"""Batches that may run at once, per core: commits wait for the disk (389 small transactions a
second on 2 cores with 2 threads, 468 with 4)."""


_GRACE = 1.0
"""Seconds for which a forced stop waits for the batch after all: it mostly ends at once."""


class Listener(Protocol):
    """Who is told what happens to jobs; called from the engine's threads."""

    def started(self, job: str) -> None:
        """The job is put together, its first batch is next."""
        ...

    def committed(self, job: str, facts: list[dict[str, Any]]) -> None:
        """A batch was committed; these are its facts."""
        ...

    def troubled(self, job: str, trouble: Trouble) -> None:
        """A batch failed; it is tried again or the run has failed, as `trouble` says."""
        ...

    def finished(self, job: str) -> None:
        """All streams of the job have ended and everything is committed."""
        ...

    def failed(self, job: str, error: BaseException) -> None:
        """The run is over because of `error`."""
        ...


class LocalBackend:
    """The embedded engine of a workspace.

    Parameters
    ----------
    folder
        The workspace.
    instance
        Its DuckDB.
    delivered
        Up to which batch a job's facts have been copied out of its file.
    """

    def __init__(
        self,
        folder: Path,
        instance: Instance,
        listener: Listener,
        *,
        now: Callable[[], float],
        delivered: Callable[[str], int],
        threads: int | None = None,
    ) -> None:
        cores = os.cpu_count() or 1
        self._folder = folder
        self._instance = instance
        self._listener = listener
        self._now = now
        self._delivered = delivered
        self._meter = Meter()
        self._scheduler = Scheduler(
            threads or THREADS_PER_CORE * cores,
            SystemClock(),
            meter=self._meter,
            on_error=self._raised,
        )
        self._ahead = ThreadPoolExecutor(cores, thread_name_prefix="ahead")
        self._planner = Planner()
        self._tasks: dict[str, _Task] = {}
        self._leaving: set[str] = set()
        self._starting: set[str] = set()
        self._attached: set[str] = set()
        self._lock = threading.RLock()
        session = instance.session()
        load_macros(session)
        session.close()

    @property
    def planner(self) -> Planner:
        """The planner that all jobs share."""
        return self._planner

    @property
    def surroundings(self) -> Surroundings:
        """What a job finds around it here."""
        return Surroundings(
            instance=self._instance,
            folder=self._folder,
            now=self._now,
            planner=self._planner,
            tables=self.table_of,
            meter=self._meter,
        )

    @property
    def running(self) -> tuple[str, ...]:
        """The jobs that have a run going on."""
        return tuple(self._tasks)

    def start(
        self,
        spec: JobSpec,
        *,
        version: int,
        run: int,
        history: tuple[int, int] = (0, 0),
        stopped: bool = False,
        trace: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Begin a run of a job.

        Parameters
        ----------
        history
            The numbers of the job's last batch and fact: a file that is made anew goes on there.
        stopped
            The job was stopped before; see `Runner`.

        Raises
        ------
        StreamopsError
            If the job cannot be put together; nothing runs then.
        """
        name = spec.name
        with self._lock:
            if name in self.leaving:
                raise StorageError(
                    f"the run of {name} before has not ended yet - start it again later"
                )
            self._starting.add(name)
        try:
            self.forget(name)
            runner = self._runner(spec, version, run, history, stopped=stopped, trace=trace)
            try:
                self._listener.started(name)
            except StreamopsError:  # it was paused or stopped while it started
                runner.close()
                raise
            task = _Task(runner, lambda: self._finished(name))
            self._tasks[name] = task
            self._scheduler.add(name, task, spec.resources.cu)
        finally:
            self._starting.discard(name)

    def _runner(
        self,
        spec: JobSpec,
        version: int,
        run: int,
        history: tuple[int, int],
        *,
        stopped: bool,
        trace: Callable[[str], None],
    ) -> Runner:
        name = spec.name
        database = self.attach_job(name)
        with self.job_file(name) as file:
            if any(history) and not file.open().seq:
                file.put(Checkpoint(n=history[0], seq=history[1]))
        return Runner(
            spec,
            self.surroundings,
            database=database,
            version=version,
            run=run,
            stopped=stopped,
            ahead=self._ahead,
            on_trouble=lambda trouble: self._listener.troubled(name, trouble),
            on_facts=lambda facts: self._listener.committed(name, facts),
            delivered=lambda: self._delivered(name),
            trace=trace,
        )

    def halt(self, name: str, *, clear: bool = False) -> None:
        """End a job's run after the batch in flight.

        Parameters
        ----------
        clear
            Drop window state too (a stop); the stop point is remembered.
        """
        self.forget(name)
        # what cannot be cleared now is cleared by the next start
        if clear and name not in self.leaving and self.job_path(name).exists():
            self._clear(name)

    def let_go(self, names: Iterable[str]) -> None:
        """Let no batch of these jobs begin any more; `halt` then waits for those in flight."""
        for name in names:
            self._scheduler.remove(name, wait=False)

    def forget(self, name: str) -> None:
        """Close what a run that is over has left open."""
        self._scheduler.remove(name, wait=True)
        task = self._tasks.pop(name, None)
        if task is not None:
            task.runner.close()

    def _clear(self, name: str) -> None:
        with self.job_file(name) as file:
            file.clear()

    def abandon(self, name: str, *, clear: bool = False) -> None:
        """End a job's run without waiting for its batch, which is not committed any more.

        Parameters
        ----------
        clear
            Drop window state too, as soon as the batch has ended.
        """
        with self._lock:
            task = self._tasks.pop(name, None)
            if task is None:
                return
            self._leaving.add(name)
        task.runner.cancel()
        self._scheduler.remove(name, wait=False)
        leaver = threading.Thread(
            target=self._leave, args=(name, task, clear), name=f"leaving {name}", daemon=True
        )
        leaver.start()
        leaver.join(_GRACE)

    def _leave(self, name: str, task: _Task, clear: bool) -> None:
        try:
            self._scheduler.remove(name, wait=True)
            task.runner.close()
            # what cannot be cleared now is cleared by the next start
            with suppress(StreamopsError):
                if clear:
                    self._clear(name)
        finally:
            self._leaving.discard(name)

    @property
    def leaving(self) -> frozenset[str]:
        """The jobs that are just being put together, or whose run was given up and goes on."""
        return frozenset(self._leaving | self._starting)

    @contextmanager
    def job_file(self, name: str) -> Iterator[JobFile]:
        """Read or change the file of a job that has no run going on."""
        session = self._instance.session()
        try:
            yield JobFile(session, self.attach_job(name))
        finally:
            session.close()

    def between(self, name: str, do: Between) -> Future[list[dict[str, Any]]] | None:
        """Have something done between two batches of a run; see `Runner.ask`.

        None if no run of the job goes on. Cancelled if it ends first.
        """
        task = self._tasks.get(name)
        if task is None:
            return None
        future = task.runner.ask(do)
        if self._tasks.get(name) is not task:  # it ended meanwhile, and may not look any more
            future.cancel()
        self._scheduler.wake(name)
        return future

    def wake(self, name: str) -> None:
        """Look at once whether a job has something to do."""
        self._scheduler.wake(name)

    def close(self) -> None:
        """End all runs after their batches in flight, and all threads."""
        for name in list(self._tasks):
            self._scheduler.remove(name, wait=False)
        for name in list(self._tasks):
            self.forget(name)
        self._scheduler.close()
        self._ahead.shutdown(wait=True)
        self._planner.close()

    # files

    def job_path(self, name: str) -> Path:
        """Where a job's file lies."""
        return self._folder / "jobs" / f"{name}.db"

    def attach_job(self, name: str) -> str:
        """Attach a job's file, creating it if missing; return its database name."""
        return self._attach("job", name)

    def attach_stream(self, name: str) -> str:
        """Attach the log of an appended stream, creating it if missing."""
        return self._attach("stream", name)

    def _attach(self, kind: str, name: str) -> str:
        database = f"{kind}_{name}"
        with self._lock:
            if database not in self._attached:
                folder = self._folder / f"{kind}s"
                folder.mkdir(exist_ok=True)
                path = folder / f"{name}.db"
                try:
                    self._instance.attach(path, database)
                except StorageError as error:
                    remedy = f"restore {path} from a copy, or move it away to begin anew"
                    raise StorageError(f"{error} - {remedy}", retryable=error.retryable) from error
                self._attached.add(database)
        return database

    def detach_job(self, name: str) -> None:
        """Detach a job's file, if it is attached; it is whole on disk then."""
        with self._lock:
            if f"job_{name}" in self._attached:
                self._instance.detach(f"job_{name}")
                self._attached.discard(f"job_{name}")

    @property
    def attached(self) -> frozenset[str]:
        """The databases that are attached: ``job_<name>`` and ``stream_<name>``."""
        return frozenset(self._attached)

    def table_of(self, what: str) -> str:
        """Name the table behind ``stream:<name>`` or ``job:<name>``; see `sources.base.Context`."""
        kind, _, name = what.partition(":")
        path = self._folder / f"{kind}s" / f"{name}.db"
        if not path.exists():
            raise SourceError(f"this workspace has no {kind} `{name}`", retryable=False)
        table = "output" if kind == "job" else "log"
        return ident(self._attach(kind, name), "main", table)

    def _finished(self, name: str) -> None:
        self.forget(name)
        self._listener.finished(name)

    def _raised(self, name: str, error: BaseException) -> None:
        if name in self._leaving:  # given up: what it raises is of no interest
            return
        self.forget(name)
        if not isinstance(error, StreamopsError):
            trace = StorageError(f"{type(error).__name__}: {error}")
            trace.__cause__ = error
            error = trace
        self._listener.failed(name, error)


class _Task:
    """A runner as the scheduler sees it."""

    def __init__(self, runner: Runner, finished: Callable[[], None]) -> None:
        self.runner = runner
        self._finished = finished

    @property
    def aside(self) -> float:
        return self.runner.loop.aside

    def step(self) -> float | None:
        wait = self.runner.step()
        if wait is None:
            self._finished()
        return wait
