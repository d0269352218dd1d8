"""A workspace: the folder in which jobs are kept, and the process that owns and runs them."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
from pydantic import ValidationError

from streamops_nb.backends.local import LocalBackend
from streamops_nb.db import Instance, ident, open_instance
from streamops_nb.model.errors import Refused, SpecRefused, StorageError, StreamopsError
from streamops_nb.model.events import Event, JobSaved, RunStarted
from streamops_nb.model.faults import faults_of
from streamops_nb.model.lifecycle import Action, JobState, Status
from streamops_nb.model.spec import JobSpec, Start
from streamops_nb.model.views import JobView
from streamops_nb.model.wording import did_you_mean
from streamops_nb.ops.courier import Courier
from streamops_nb.ops.job import Job
from streamops_nb.ops.log import Log
from streamops_nb.ops.states import States
from streamops_nb.plan import specfile
from streamops_nb.store.catalog import Catalog
from streamops_nb.store.lock import WorkspaceLock
from streamops_nb.store.records import JobRecord

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Workspace", "connect"]


def connect(
    folder: str | Path,
    *,
    resume: bool = True,
    memory: str | None = None,
    threads: int | None = None,
    now: Callable[[], float] = time.time,
) -> Workspace:
    """Open a workspace, creating it if it is not there, and own it.

    Parameters
    ----------
    folder
        Where the workspace lies.
    resume
        Whether jobs that were wanted running go on at once.
    memory
        Upper bound of the engine's memory, for example ``"2GB"``; default 2 GB per core.
    threads
        How many batches may run at once; default two per core.
    now
        The clock, seconds since the epoch.

    Raises
    ------
    WorkspaceOwned
        If another living process owns it.
    StorageError
        If the folder holds something else, or a newer version's workspace.
    """
    return Workspace(Path(folder), resume=resume, memory=memory, threads=threads, now=now)


class Workspace:
    """A workspace that this process owns; made by `connect`.

    Use it as a context manager, or `close` it: jobs that run then go on at the next `connect`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        resume: bool,
        memory: str | None,
        threads: int | None,
        now: Callable[[], float],
    ) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._now = now
        with ExitStack() as opened:
            self._owner = WorkspaceLock(self.folder).acquire(now())
            opened.callback(self._owner.release)
            cores = os.cpu_count() or 1
            bound = memory or f"{2 * cores}GB"
            self._instance: Instance = open_instance(self.folder, memory=bound, threads=cores)
            opened.callback(self._instance.close)
            self._catalog = Catalog(self._instance, self.folder / "catalog.db")
            opened.callback(self._catalog.close)
            self._courier = Courier(self._catalog)
            opened.callback(self._courier.close)
            self._states = States(self._catalog, self._courier, now)
            self._backend = LocalBackend(
                self.folder,
                self._instance,
                self._states,
                now=now,
                delivered=self._courier.delivered,
                threads=threads,
            )
            opened.callback(self._backend.close)
            self._find_jobs(resume=resume)
            # what was opened is closed in reverse order, by `close` or when opening fails
            self._opened = opened.pop_all()

    def _find_jobs(self, *, resume: bool) -> None:
        """Find every job as it last committed, and go on with what was wanted running."""
        for record in self._catalog.jobs():
            damage = self._catch_up(record)
            state = self._states.load(record.name)
            if damage is not None:
                self._damaged(record.name, state, damage)
            elif state.observed is Status.STOPPING:
                self._finish_stop(record.name)
        if resume:
            self.resume()

    def _catch_up(self, record: JobRecord) -> StreamopsError | None:
        """Copy what a job's file holds and the catalog does not; say if the file is damaged."""
        path = self._backend.job_path(record.name)
        try:
            if path.exists():
                with self._backend.job_file(record.name) as file:
                    if self._courier.catch_up(file) or not record.copied:
                        return None
            elif not record.copied:
                return None
        except StreamopsError as error:
            return error
        return StorageError(f"the job's file {path} is missing or empty, though batches were in it")

    def _damaged(self, name: str, state: JobState, damage: StreamopsError) -> None:
        """A job whose file cannot be read does not run; the others do."""
        path = self._backend.job_path(name)
        remedy = f"restore {path} from a copy, or move it away to begin the job anew"
        if state.observed in (Status.STARTING, Status.STOPPING):
            self._states.not_started(name, StorageError(f"{damage} - {remedy}"))

    def resume(self, names: str | Iterable[str] | None = None) -> None:
        """Go on with jobs that were wanted running when their owner ended.

        Parameters
        ----------
        names
            Which ones; default all. Others are left as they are.
        """
        for name in self._states.names if names is None else self._known(names):
            state = self.state(name)
            if state.observed is Status.STARTING and name not in self._backend.running:
                self._go_on(name)

    def _go_on(self, name: str) -> None:
        # the job says that it failed; the others are not kept from going on
        with suppress(StreamopsError):
            self._begin(name, None, fresh=False)

    # jobs

    def save(
        self,
        spec: JobSpec | str | Path | Mapping[str, Any],
        *,
        author: str | None = None,
        comment: str = "",
    ) -> Job:
        """Save a job as a new version; nothing starts.

        Parameters
        ----------
        spec
            A `JobSpec`, the path of a YAML file, YAML text, or a mapping.
        author, comment
            Kept with the version.

        Raises
        ------
        SpecRefused
            With every fault found; nothing is saved then.
        """
        job = specfile.check(spec) if isinstance(spec, JobSpec) else specfile.load(spec)
        who = author or _user()
        now = self._now()
        version = self._catalog.save_job(specfile.dump(job), job.name, who, comment, now)
        self._states.note(
            JobSaved(job=job.name, at=now, version=version, author=who, comment=comment)
        )
        return Job(self, job.name)

    def job(self, name: str) -> Job:
        """Give a job by its name.

        Raises
        ------
        Refused
            If there is none; the message has the nearest name.
        """
        names = self._states.names
        if name not in names:
            near = did_you_mean(name, names) if names else "save one first"
            raise Refused(f"there is no job `{name}` in this workspace - {near}")
        return Job(self, name)

    @property
    def jobs(self) -> dict[str, Job]:
        """All jobs by name."""
        return {name: Job(self, name) for name in self._states.names}

    def spec(self, name: str, version: int | None = None) -> JobSpec:
        """Give a job's specification, the newest version by default."""
        return specfile.load(self._catalog.spec(name, version))

    def view(self, name: str) -> JobView:
        """Give the present picture of a job."""
        return self._states.view(name)

    def views(self) -> list[JobView]:
        """Give the present picture of all jobs, by name."""
        return [self._states.view(name) for name in self._states.names]

    def state(self, name: str) -> JobState:
        """Give what was commanded and reported last."""
        return self._catalog.job(name).state

    def events(self, name: str) -> list[Event]:
        """Give all events of a job that are kept."""
        self._courier.deliver()
        found: list[Event] = []
        page = self._catalog.events(name)
        while page.events:
            found += page.events
            page = self._catalog.events(name, since=page.next)
        return found

    def stream(self, name: str) -> Log:
        """Give the log to which rows of the stream `name` are appended."""
        return Log(self._instance, self._backend, name)

    def sql(self, query: str) -> pd.DataFrame:
        """Query the outputs of all jobs: each is a table ``job_<name>.output``."""
        for name in self._states.names:
            if self._backend.job_path(name).exists():
                self._backend.attach_job(name)
        frame: pd.DataFrame = self.read(query).to_pandas()
        return frame

    def read(self, query: str) -> pa.Table:
        """Run a query in a session of its own."""
        session = self._instance.session()
        try:
            return session.table(query)
        finally:
            session.close()

    # actions

    def start(self, names: str | Iterable[str], *, at: Any = None, fresh: bool = False) -> None:
        """Start jobs.

        Parameters
        ----------
        at
            Where to read from, as ``start.at`` of a specification; given, window state that was
            kept is dropped. Default: go on from the last commit, or as the specification says.
        fresh
            Forget position and state and start as the specification says.

        Raises
        ------
        MoveRefused
            If a job's status does not allow it; no job is started then.
        SpecRefused
            If `at` is not a start point; no job is started then.
        """
        wanted = self._known(names)
        starts = {name: self._start_at(name, at) for name in wanted}
        for name in wanted:
            self.state(name).act(Action.START, self._now())
        for name in wanted:
            self._states.act(name, Action.START, _user())
            self._begin(name, starts[name], fresh=fresh or at is not None)

    def _start_at(self, name: str, at: Any) -> Start | None:
        if at is None:
            return None
        wanted = {**self.spec(name).start.model_dump(), "at": at}
        try:
            return Start.model_validate(wanted)
        except ValidationError as error:
            raise SpecRefused(faults_of(error, wanted, Start)) from None

    def pause(self, names: str | Iterable[str]) -> None:
        """Pause jobs: the batch in flight commits, position and window state are kept."""
        for name in self._known(names):
            self._states.act(name, Action.PAUSE, _user())
            self._backend.halt(name)
            if self.state(name).observed is Status.PAUSING:  # else it finished or failed just now
                self._states.ended(name, Status.PAUSED)

    def stop(self, names: str | Iterable[str]) -> None:
        """Stop jobs: window state is dropped, the stop point remembered, output stays."""
        for name in self._known(names):
            self._states.act(name, Action.STOP, _user())
            self._finish_stop(name)

    def _finish_stop(self, name: str) -> None:
        self._backend.halt(name, clear=True)
        if self.state(name).observed is Status.STOPPING:
            self._states.ended(name, Status.STOPPED)

    def _known(self, names: str | Iterable[str]) -> list[str]:
        wanted = [names] if isinstance(names, str) else list(names)
        return [self.job(name).name for name in wanted]

    def _begin(self, name: str, start: Start | None, *, fresh: bool) -> None:
        """Begin a run; if that fails, the job is FAILED and the error raised."""
        try:
            self._run(name, start, fresh=fresh)
        except StreamopsError as error:
            self._states.not_started(name, error)
            raise
        except Exception as error:
            told = StorageError(f"{type(error).__name__}: {error}")
            self._states.not_started(name, told)
            raise told from error

    def _run(self, name: str, start: Start | None, *, fresh: bool) -> None:
        spec, record = self.spec(name), self._catalog.job(name)
        run, last = self._catalog.new_run(name), self._states.view(name).batch
        said = str(start.at) if start is not None else "last commit, or as specified"
        self._states.note(
            RunStarted(job=name, at=self._now(), run=run, version=record.version, start=said)
        )
        self._backend.start(
            spec,
            version=record.version,
            run=run,
            history=(last, record.copied),
            start=start,
            fresh=fresh,
        )

    # the end

    def output(self, name: str) -> str:
        """Name a job's output table, attached."""
        if not self._backend.job_path(name).exists():
            raise Refused(f"the job `{name}` has no output yet - start it first")
        return ident(self._backend.attach_job(name), "output")

    def close(self) -> None:
        """End all runs after their batches in flight and give the workspace back.

        What was wanted running stays wanted: it goes on at the next `connect`.
        """
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _user() -> str:
    try:
        return getpass.getuser()
    except OSError:
        return "unknown"
