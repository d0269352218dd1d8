"""A workspace: the folder in which jobs are kept, and the process that owns and runs them."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from streamops_nb.db import ident
from streamops_nb.model.errors import QueryError, Refused, StorageError
from streamops_nb.model.events import Event
from streamops_nb.model.given import refused, text_of
from streamops_nb.model.lifecycle import JobState, Status
from streamops_nb.model.views import JobView
from streamops_nb.ops.acting import Acting
from streamops_nb.ops.alarms import Alarms
from streamops_nb.ops.configuring import Configuring
from streamops_nb.ops.core import Names
from streamops_nb.ops.failures import Failures
from streamops_nb.ops.following import Following
from streamops_nb.ops.forecasting import Forecasting
from streamops_nb.ops.healing import Healing
from streamops_nb.ops.job import Job
from streamops_nb.ops.jobs import Jobs
from streamops_nb.ops.keeper import Keeper
from streamops_nb.ops.listing import Listing
from streamops_nb.ops.log import Log
from streamops_nb.ops.metering import Metering
from streamops_nb.ops.opening import find_jobs, open_core
from streamops_nb.ops.operations import Operations
from streamops_nb.ops.previewing import Previewing
from streamops_nb.ops.rejecting import Rejecting
from streamops_nb.ops.reporting import Reporting
from streamops_nb.ops.resources import Resources
from streamops_nb.ops.rollup import Rollup
from streamops_nb.ops.screens import Shown
from streamops_nb.ops.telling import Telling
from streamops_nb.ops.tokens import Tokens
from streamops_nb.ops.upkeep import Upkeep
from streamops_nb.store.tables import METRICS

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
        Upper bound of the engine's memory, for example ``"2GB"``; default as allocated, 2 GiB
        per CU.
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


_STREAM = re.compile(r"\w[\w .-]{0,62}")
"""The name of a stream that rows are appended to: it becomes the name of a file."""


class Workspace(
    Acting,
    Configuring,
    Following,
    Forecasting,
    Healing,
    Listing,
    Metering,
    Previewing,
    Rejecting,
    Reporting,
    Shown,
    Telling,
    Upkeep,
):
    """A workspace that this process owns; made by `connect`.

    Use it as a context manager, or `close` it: jobs that run then go on at the next `connect`.

    Attributes
    ----------
    folder
        Where it lies.
    found
        The jobs that were active when the owner before ended, and where they stood.
    resources
        The CU of the workspace: requested, allocated, held by jobs.
    alarms
        What is watched, and whom it is told to.
    failures
        The capsules of jobs that failed.
    tokens
        Who may ask, if it is served to others.
    """

    _screen = "workspace"

    def __init__(
        self,
        folder: Path,
        *,
        resume: bool,
        memory: str | None,
        threads: int | None,
        now: Callable[[], float],
    ) -> None:
        self._closed = False
        with ExitStack() as opened:
            self._core = open_core(folder, opened, memory=memory, threads=threads, now=now)
            self.folder = self._core.folder
            self._core.previews.workspace = self
            self._operations = Operations(self._core)
            opened.callback(self._operations.retrying.close)
            self.resources = Resources(self._core, memory_follows=memory is None)
            self.tokens = Tokens(self._core)
            self.resources.workspace = self
            self.found = find_jobs(self._core)
            self._operations.halt(
                self._core.states.within({Status.STOPPING}), Status.STOPPING, Status.STOPPED
            )
            if resume:
                self.resume()
            self.failures = Failures(self._core)
            self.alarms = Alarms(self._core, self._operations)
            opened.callback(self.alarms.close)
            looks = [self.resources.look, self.alarms.look, self.failures.look]
            looks += [Rollup(self._core).look, self._operations.retrying.look]
            self._keeper = Keeper(self._core, self._operations, looks)
            opened.callback(self._keeper.close)
            # what was opened is closed in reverse order, by `close` or when opening fails
            self._opened = opened.pop_all()

    # jobs

    def job(self, name: str) -> Job:
        """Give a job by its name.

        Raises
        ------
        Refused
            If there is none; the message has the nearest name.
        """
        return Job(self, *self.select([name]))

    @property
    def jobs(self) -> Jobs:
        """All jobs by name."""
        return Jobs(self, self.select())

    def select(
        self,
        names: Names = None,
        *,
        tags: str | Collection[str] = (),
        status: Status | str | Collection[Status | str] = (),
        owner: str | None = None,
    ) -> list[str]:
        """Give the names of jobs: those named (default all), with the tags, at a status."""
        return self._core.select(names, tags=tags, status=status, owner=owner)

    def view(self, name: str) -> JobView:
        """Give the present picture of a job."""
        return self._core.states.view(self._core.known(name))

    def views(self) -> list[JobView]:
        """Give the present picture of all jobs, by name."""
        return self._core.states.views()

    def state(self, name: str) -> JobState:
        """Give what was commanded and reported last."""
        if self._closed:
            raise StorageError(f"{self.folder} is closed - so.connect opens it again")
        return self._core.states.state(self._core.known(name))

    def events(self, name: str) -> list[Event]:
        """Give all events of a job that are kept."""
        self._core.courier.deliver()
        found: list[Event] = []
        page = self._core.catalog.events(self._core.known(name))
        while page.events:
            found += page.events
            page = self._core.catalog.events(name, since=page.next)
        return found

    # data

    def stream(self, name: str) -> Log:
        """Give the log to which rows of the stream `name` are appended.

        Raises
        ------
        Refused
            If it cannot be the name of a stream.
        """
        remedy = "letters, digits, _, - and blanks, for example `clicks`"
        if not _STREAM.fullmatch(text_of(name, "name", remedy)):
            raise refused("name", name, "no name of a stream", remedy)
        return Log(self._core.instance, self._core.backend, name)

    def sql(self, query: str) -> pd.DataFrame:
        """Query the outputs of all jobs: each is a table ``job_<name>.output``.

        The table ``metrics`` has a row per batch; see `metrics`.
        """
        frame: pd.DataFrame = self.read(query, outputs=True).to_pandas()
        return frame

    def read(self, query: str, *, outputs: bool = False, **shown: str) -> pa.Table:
        """Run a query in a session of its own.

        Parameters
        ----------
        outputs
            Whether the outputs and metrics of all jobs can be read, or only the outputs that were
            named by `output` before.
        shown
            Queries that it may read as tables, by name.
        """
        if outputs:
            self._core.courier.deliver()
            shown = {"metrics": METRICS, **shown}
        for name in self._core.states.names if outputs else ():
            if self._core.backend.job_path(name).exists():
                self._core.backend.attach_job(name)
        return self._core.read(query, **shown)

    def now(self) -> float:
        """The clock, seconds since the epoch."""
        return self._core.now()

    def output(self, name: str) -> str:
        """Name a job's output table, attached."""
        if self._core.backend.job_path(self._core.known(name)).exists():
            table = ident(self._core.backend.attach_job(name), "output")
            with suppress(QueryError):  # its first start may have failed before it was made
                self._core.read(f"SELECT 1 FROM {table} LIMIT 0")
                return table
        raise Refused(f"the job `{name}` has no output yet - start it first")

    # the end

    def __repr__(self) -> str:
        if self._closed:
            return f"Workspace({str(self.folder)!r}: closed)"
        counts = Counter(self._core.states.state(name).observed for name in self._core.states.names)
        jobs = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
        return f"Workspace({str(self.folder)!r}: {jobs or 'no jobs'})"

    def before_close(self, do: Callable[[], None]) -> None:
        """Have something done first when this workspace is closed."""
        self._opened.callback(do)

    def close(self) -> None:
        """End all runs after their batches in flight and give the workspace back.

        What was wanted running stays wanted: it goes on at the next `connect`.
        """
        self._opened.close()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
