"""The catalog of a workspace: jobs, their versions, states and events, and the allocation.

One file, attached to the engine's database instance. Its owner is one process; within it one
transaction writes at a time, and every use has a session of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from streamops_nb.db import Instance, Session
from streamops_nb.model.booking import Booking
from streamops_nb.model.errors import Fault, Refused, StreamopsError
from streamops_nb.model.events import Event
from streamops_nb.model.flow import Done
from streamops_nb.model.given import whole_number
from streamops_nb.model.lifecycle import ACTIVE, JobState, Status
from streamops_nb.model.wording import did_you_mean
from streamops_nb.store.history import History
from streamops_nb.store.layout import DATABASE, attach, prepare
from streamops_nb.store.records import Allocation, JobRecord, Page, Version, record_of
from streamops_nb.store.statements import statement
from streamops_nb.store.tables import METRICS

__all__ = ["Catalog"]

Change = Callable[[JobState], JobState]
Facts = Callable[[str, JobState, JobState], Iterable[Event]]

_PAGE = 10_000


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

    def save_job(
        self,
        spec_text: str,
        name: str,
        author: str,
        comment: str,
        at: float,
        *,
        owner: str = "",
        tags: Sequence[str] = (),
        cu: float = 0.1,
    ) -> int:
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
        owner, tags, cu
            As the specification says; jobs are listed and found by them.
        """
        with self._writing() as session:
            before = self._find(session, name)
            version = before.version + 1 if before else 1
            said = {"name": name, "at": at, "owner": owner, "tags": list(tags), "cu": cu}
            if before is None:
                new = {"desired": Status.PUBLISHED, "observed": Status.PUBLISHED}
                session.run(statement("add job"), said | new | {"author": author})
            else:
                session.run(statement("raise version"), said | {"version": version})
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
            return [record_of(row) for row in session.rows(statement("jobs"))]

    def spec(self, name: str, version: int | None = None) -> str:
        """Give the text of a job's specification, the latest version unless told otherwise."""
        with self._session() as session:
            job = self._known(session, name)
            wanted = job.version if version is None else whole_number(version, "version", 1)
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

    def change(
        self,
        how: Mapping[str, Change],
        facts: Facts | None = None,
        *,
        held: Mapping[str, float] | None = None,
    ) -> dict[str, JobState]:
        """Change the states of jobs, all or none: read, change and write are one.

        Parameters
        ----------
        how
            Per job, what makes the new state of the present one, or raises and nothing changes.
        facts
            Makes the events that tell of it, of the job and its state before and after; they are
            stored in the same transaction.
        held
            The CU that jobs hold from now on while they are active.
        """
        with self._writing() as session:
            before = {name: self._known(session, name).state for name in how}
            after = {name: how[name](state) for name, state in before.items()}
            told: list[Event] = []
            for name, state in after.items():
                if state != before[name]:
                    values = {"name": name, "since": state.since, "reason": state.reason}
                    now = {"desired": state.desired, "observed": state.observed}
                    session.run(statement("set state"), values | now)
                if facts is not None:
                    told += facts(name, before[name], state)
            for name, cu in (held or {}).items():
                session.run(statement("hold"), {"name": name, "held": cu})
            self._history.append(session, told)
        return after

    def new_run(self, name: str) -> int:
        """Give the number of a job's next run, from 1; it runs the latest version."""
        with self._writing() as session:
            self._known(session, name)
            return int(session.rows(statement("raise run"), [name])[0][0])

    def undescribed(self) -> list[str]:
        """Name the jobs of which an older catalog did not say owner, tags and CU."""
        with self._session() as session:
            return [row[0] for row in session.rows(statement("undescribed"))]

    def describe(self, name: str, *, owner: str, tags: Sequence[str], cu: float) -> None:
        """Say what the newest version of a job says."""
        values = {"name": name, "owner": owner, "tags": list(tags), "cu": cu}
        with self._writing() as session:
            session.run(statement("describe"), values)

    def mentioning(self, text: str) -> list[str]:
        """Name the jobs whose newest specification has this text somewhere."""
        with self._session() as session:
            return [row[0] for row in session.rows(statement("mentioning"), [text])]

    def delete_jobs(self, names: Iterable[str], events: Iterable[Event] = ()) -> None:
        """Forget jobs, their versions and their events, all or none.

        `events` are stored in the same transaction. `Refused` if there is none of one's name.
        """
        with self._writing() as session:
            for name in names:
                self._known(session, name)
                for what in ("job", "versions", "events", "view"):
                    session.run(statement(f"delete {what}"), [name])
            self._history.append(session, events)

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

    def all_events(
        self, job: str | None = None, kinds: Iterable[type[Event]] | None = None
    ) -> Iterator[Event]:
        """Give all events of some kinds, of one job or of all, in the order of their arrival."""
        wanted = None if kinds is None else tuple(kinds)
        since = 0
        while (page := self.events(job, since, _PAGE, wanted)).events:
            yield from page.events
            since = page.next

    @property
    def place(self) -> int:
        """The place of the last event that was stored."""
        return self._history.last

    def keep_views(self, place: int, views: Iterable[tuple[str, int, str]]) -> None:
        """Keep views of jobs, so that folding goes on from there; replaces those kept before.

        Parameters
        ----------
        place
            All events up to it are in the views. Nothing was rolled up since it was the last.
        views
            Per job its name, the number of its last fact that is in the view, and the view as
            text.
        """
        with self._writing() as session:
            self._history.keep_views(session, place, views)

    def kept_views(self, jobs: Iterable[str]) -> dict[str, tuple[int, str]]:
        """Give the views that are kept of jobs, and the place up to which events are in each."""
        with self._session() as session:
            rows = session.rows(statement("views"), [list(jobs)])
        return {job: (place, body) for job, place, body in rows}

    def done(self, jobs: Iterable[str]) -> Iterator[tuple[str, int, Done]]:
        """Sum, per job and run, what its batches did."""
        with self._session() as session:
            rows = session.rows(statement("done").format(metrics=METRICS), [list(jobs)])
        for job, run, *counts in rows:
            yield job, run, Done(*counts)

    def recalled(self, places: Mapping[str, int | None]) -> Iterator[Event]:
        """Give the events from which views of jobs are recalled, in the order of their arrival.

        Parameters
        ----------
        places
            Per job, up to where events are in the view that was kept; None if none was.
        """
        with self._session() as session, session.transaction():
            yield from self._history.recalled(session, places)

    def roll_up(self, now: float) -> bool:
        """Roll up some of what is older than the tiers of `streamops_nb.model.rollup` allow.

        Parameters
        ----------
        now
            Wall time, in seconds since the epoch.

        Returns
        -------
        bool
            Whether there may be more: it is called again then.
        """
        with self._writing() as session:
            return self._history.rolling.step(session, now)

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

    def allocate(self, allocation: Allocation | None, events: Iterable[Event] = ()) -> None:
        """Replace the workspace's allocation (None: nothing is allocated any more).

        Parameters
        ----------
        events
            Stored in the same transaction.
        """
        with self._writing() as session:
            session.run(statement("drop allocation"))
            if allocation is not None:
                values = [allocation.cu, allocation.status, allocation.at, allocation.who]
                session.run(statement("allocate"), values)
            self._history.append(session, events)

    def setting(self, key: str) -> str | None:
        """Give a setting of the workspace; None if it was never set."""
        with self._session() as session:
            rows = session.rows(statement("setting"), [key])
        return rows[0][0] if rows else None

    def set(self, key: str, value: str) -> None:
        """Set a setting of the workspace."""
        with self._writing() as session:
            session.run(statement("drop setting"), [key])
            session.run(statement("note setting"), [key, value])

    def booking(self) -> Booking:
        """Give the CU that are allocated, and what each active job holds."""
        with self._session() as session:
            granted = session.rows(statement("allocation"))
            held = dict(session.rows(statement("held"), [sorted(ACTIVE)]))
        allocated = granted[0][0] if granted and granted[0][1] == "ALLOCATED" else 0.0
        return Booking(allocated=allocated, held=held)

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
        return record_of(rows[0]) if rows else None

    def _known(self, session: Session, name: str) -> JobRecord:
        found = self._find(session, name)
        if found is None:
            names = [row[0] for row in session.rows(statement("jobs"))]
            remedy = did_you_mean(name, names) if names else "no job has been saved yet"
            raise Refused([Fault(what=f"there is no job {name!r}", remedy=remedy)])
        return found
