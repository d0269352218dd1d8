"""What the parts of the door share: the catalog, the engine, and what is known of the jobs."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from streamops_nb.backends.local import LocalBackend
from streamops_nb.db import Instance, ident
from streamops_nb.model.errors import Refused
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.wording import cut, did_you_mean
from streamops_nb.ops.courier import Courier
from streamops_nb.ops.preview.previews import Previews
from streamops_nb.ops.states import States
from streamops_nb.plan import specfile
from streamops_nb.store.catalog import Catalog

__all__ = ["Core", "Names", "acting_as", "user"]

Names = str | Iterable[str] | None
"""Which jobs: one by its name, several, or all."""


@dataclass(frozen=True, kw_only=True)
class Core:
    """A workspace that is open.

    Parameters
    ----------
    folder
        Where it lies.
    now
        The clock, seconds since the epoch.
    """

    folder: Path
    instance: Instance
    catalog: Catalog
    courier: Courier
    states: States
    backend: LocalBackend
    now: Callable[[], float]
    previews: Previews
    _specs: dict[tuple[str, int], JobSpec] = field(default_factory=dict)

    def spec(self, name: str, version: int | None = None) -> JobSpec:
        """Give a job's specification, the newest version by default."""
        wanted = self.catalog.job(name).version if version is None else version
        found = self._specs.get((name, wanted))
        if found is None:
            found = specfile.load(self.catalog.spec(name, wanted))
            self._specs[name, wanted] = found
        return found

    def forget(self, name: str) -> None:
        """Forget a job that was deleted: another one may get its name."""
        self.states.forget(name)
        self.courier.forget(name)
        for known in [key for key in self._specs if key[0] == name]:
            del self._specs[known]

    def inputs(self, name: str) -> set[str]:
        """Give the jobs whose output a job reads."""
        sources = (stream.source for stream in self.spec(name).streams.values())
        return {str(s.settings.get("job", "")) for s in sources if s.type == "job"}

    def known(self, name: str) -> str:
        """Give the name back if there is such a job.

        Raises
        ------
        Refused
            If there is none; the message has the nearest name.
        """
        if name not in self.states:
            names = self.states.names
            near = did_you_mean(cut(str(name)), names) if names else "save one first"
            raise Refused(f"there is no job `{cut(str(name))}` in this workspace - {near}")
        return name

    def select(
        self,
        names: Names = None,
        *,
        tags: str | Collection[str] = (),
        status: Status | str | Collection[Status | str] = (),
        owner: str | None = None,
    ) -> list[str]:
        """Give the names of jobs, each once.

        Parameters
        ----------
        names
            Those asked for by name, in that order; None for all, by name.
        tags, status
            Of these only those that have all the tags, and stand at one of the statuses.
        owner
            Of these only those that belong to this person.

        Raises
        ------
        Refused
            If a name is unknown, or a status is none.
        """
        if names is None:
            found = self.states.names
        else:
            asked = [names] if isinstance(names, str) or not isinstance(names, Iterable) else names
            found = list(dict.fromkeys(self.known(name) for name in asked))
        if status:
            wanted = _statuses(status)
            found = [name for name in found if self.states.state(name).observed in wanted]
        if tags or owner is not None:
            records = {record.name: record for record in self.catalog.jobs()}
            found = [name for name in found if records[name].carries(tags, owner)]
        return found

    def read(self, query: str, **shown: str) -> pa.Table:
        """Run a query in a session of its own.

        Parameters
        ----------
        shown
            Queries that it may read as tables, by name.
        """
        session = self.instance.session()
        try:
            for name, below in shown.items():
                session.rows(f"CREATE TEMP VIEW {ident(name)} AS {below}")
            return session.table(query)
        finally:
            session.close()


def _statuses(status: Status | str | Collection[Status | str]) -> set[Status]:
    given = [status] if isinstance(status, str) else list(status)
    try:
        return {Status(one.upper()) for one in given}
    except ValueError as error:
        names = ", ".join(Status)
        raise Refused(f"{error}: the statuses are {names}") from None


_actor: ContextVar[str] = ContextVar("actor", default="")


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """Let what is done in the block be done by somebody else than who runs this process."""
    before = _actor.set(name)
    try:
        yield
    finally:
        _actor.reset(before)


def user() -> str:
    """Say who acts: who runs this process, or for whom it acts."""
    if name := _actor.get():
        return name
    try:
        return getpass.getuser()
    except OSError:
        return "unknown"
