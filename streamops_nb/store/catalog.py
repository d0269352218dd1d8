"""The catalog of a workspace: jobs, their versions, states and events, and the allocation.

One file, attached to the engine's database instance. Its owner is one process; within it one
transaction writes at a time, and every use has a session of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streamops_nb.db import Instance, Session
from streamops_nb.model.errors import Fault, Refused, StreamopsError
from streamops_nb.model.events import Event
from streamops_nb.model.lifecycle import JobState, Status
from streamops_nb.model.wording import did_you_mean
from streamops_nb.store.history import History
from streamops_nb.store.layout import DATABASE, attach, prepare
from streamops_nb.store.records import Allocation, JobRecord, Page, Version
from streamops_nb.store.statements import statement

__all__ = ["Catalog"]

Change = Callable[[JobState], JobState]
Facts = Callable[[JobState, JobState], Iterable[Event]]


class Catalog:
    """A workspace's catalog; thread-safe.

    Parameters
    ----------
    instance
        The engine's database instance; the file is attached to it as ``catalog``.
    path
        The file, created if it is missing; None for one in memory.

    Raises
    ------
    StorageError
        If the file is damaged, is no catalog, or was written by a newer version.
    WorkspaceOwned
        If another process has it open.
    """

    def __init__(self, instance: Instance, path: Path | None) -> None:
        self._instance = instance
        self._writer = threading.Lock()
        attach(instance, path)
        try:
            with self._session() as session, session.transaction():
                prepare(session, path)
                self._history = History(session)
        except StreamopsError:
            instance.detach(DATABASE)
            raise

    def close(self) -> None:
        """Detach the file."""
        with self._writer:
            self._instance.detach(DATABASE)

    # jobs

    def save_job(self, spec_text: str, name: str, author: str, comment: str, at: float) -> int:
        """Save a specification as the next version of a job; return the version's number.

        Parameters
        ----------
        spec_text
            The specification, as YAML.
        name
            The job; it is created, PUBLISHED, with its first version.
        author, comment
            Who saves, and why.
        at
            Wall time, in seconds since the epoch.
        """
        with self._writing() as session:
            before = self._find(session, name)
            version = before.version + 1 if before else 1
            if before is None:
                values = {"name": name, "author": author, "at": at}
                new = {"desired": Status.PUBLISHED, "observed": Status.PUBLISHED}
                session.run(statement("add job"), values | new)
            else:
                changed = {"name": name, "version": version, "at": at}
                session.run(statement("raise version"), changed)
            values = {"name": name, "version": version, "spec": spec_text, "author": author}
            session.run(statement("add version"), values | {"at": at, "comment": comment})
        return version

    def job(self, name: str) -> JobRecord:
        """Give one job; `Refused` if there is none of that name."""
        with self._session() as session:
            return self._known(session, name)

    def jobs(self) -> list[JobRecord]:
        """Give all jobs, by name."""
        with self._session() as session:
            return [_record(row) for row in session.rows(statement("jobs"))]

    def spec(self, name: str, version: int | None = None) -> str:
        """Give the text of a job's specification, the latest version unless told otherwise."""
        with self._session() as session:
            job = self._known(session, name)
            wanted = job.version if version is None else version
            rows = session.rows(statement("spec"), [name, wanted])
        if not rows:
            remedy = f"it has versions 1 to {job.version}"
            raise Refused([Fault(what=f"job {name} has no version {wanted}", remedy=remedy)])
        return str(rows[0][0])

    def versions(self, name: str) -> list[Version]:
        """Give all versions of a job, oldest first."""
        with self._session() as session:
            self._known(session, name)
            rows = session.rows(statement("versions"), [name])
        return [Version(job=r[0], version=r[1], author=r[2], at=r[3], comment=r[4]) for r in rows]

    def change(self, name: str, how: Change, facts: Facts | None = None) -> JobState:
        """Change a job's state: read, change and write are one.

        Parameters
        ----------
        name
            The job.
        how
            Makes the new state of the present one, or raises and nothing changes.
        facts
            Makes the events that tell of it, of the state before and after; they are stored
            in the same transaction.
        """
        with self._writing() as session:
            before = self._known(session, name).state
            after = how(before)
            values: dict[str, Any] = {"name": name, "since": after.since, "reason": after.reason}
            now = {"desired": after.desired, "observed": after.observed}
            session.run(statement("set state"), values | now)
            if facts is not None:
                self._history.append(session, facts(before, after))
        return after

    def new_run(self, name: str) -> int:
        """Give the number of a job's next run, from 1."""
        with self._writing() as session:
            run = self._known(session, name).run + 1
            session.run(statement("raise run"), {"name": name, "run": run})
        return run

    def delete_job(self, name: str) -> None:
        """Forget a job, its versions and its events; `Refused` if there is none of that name."""
        with self._writing() as session:
            self._known(session, name)
            for what in ("job", "versions", "events"):
                session.run(statement(f"delete {what}"), [name])

    # events

    def append(self, events: Iterable[Event]) -> int:
        """Store events; return how many were new.

        An event with a number (`Event.seq`) that the job has already is left out, so a job's outbox
        may be copied twice. `StorageError` if one is about a job that is not in the catalog.
        """
        with self._writing() as session:
            return self._history.append(session, events)

    def events(
        self,
        job: str | None = None,
        since: int = 0,
        limit: int = 1000,
        kinds: Iterable[type[Event]] | None = None,
        *,
        newest: bool = False,
    ) -> Page:
        """Give events in the order in which they were stored.

        Parameters
        ----------
        job
            Those of one job; None for all.
        since
            Those after this place: `Page.next` of the page before, 0 from the beginning.
        limit
            At most so many.
        kinds
            Only these.
        newest
            The last `limit` of them instead of the first.
        """
        with self._session() as session:
            return self._history.page(session, job, since, limit, kinds, newest=newest)

    # resources

    def allocation(self) -> Allocation | None:
        """Give what was allocated to the workspace; None before anything was requested."""
        with self._session() as session:
            rows = session.rows(statement("allocation"))
        return (
            Allocation(cu=rows[0][0], status=rows[0][1], at=rows[0][2], who=rows[0][3])
            if rows
            else None
        )

    def allocate(self, allocation: Allocation) -> None:
        """Replace the workspace's allocation."""
        values = [allocation.cu, allocation.status, allocation.at, allocation.who]
        with self._writing() as session:
            session.run(statement("drop allocation"))
            session.run(statement("allocate"), values)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        session = self._instance.session()
        try:
            yield session
        finally:
            session.close()

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self._writer, self._session() as session, session.transaction():
            yield session

    def _find(self, session: Session, name: str) -> JobRecord | None:
        rows = session.rows(statement("job"), [name])
        return _record(rows[0]) if rows else None

    def _known(self, session: Session, name: str) -> JobRecord:
        found = self._find(session, name)
        if found is None:
            names = [row[0] for row in session.rows(statement("jobs"))]
            remedy = did_you_mean(name, names) if names else "no job has been saved yet"
            raise Refused([Fault(what=f"there is no job {name!r}", remedy=remedy)])
        return found


def _record(row: tuple[Any, ...]) -> JobRecord:
    name, author, version, created_at, saved_at, desired, observed, since, reason, run, copied = row
    return JobRecord(
        name=name,
        author=author,
        version=version,
        created_at=created_at,
        saved_at=saved_at,
        state=JobState(
            desired=Status(desired), observed=Status(observed), since=since, reason=reason
        ),
        run=run,
        copied=copied,
    )
