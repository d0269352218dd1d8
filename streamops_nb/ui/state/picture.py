"""The picture of a workspace at one moment: what every open screen shows of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from streamops_nb.model.lifecycle import ACTIVE, LIMITS, Status
from streamops_nb.model.views import JobView

__all__ = ["Door", "Picture", "Reader", "Row"]


class Door(Protocol):
    """What a picture needs of a workspace; `ops.Workspace` has it, and so has a far one."""

    resources: Any

    def views(self) -> list[JobView]:
        """Give the present picture of all jobs."""
        ...

    def table(self) -> Any:
        """List all jobs."""
        ...

    def spec(self, name: str, version: int | None = None) -> Any:
        """Give a job's specification."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One job in the list.

    Parameters
    ----------
    view
        Its present picture.
    owner, tags, cu
        As in its newest version.
    uptime, left
        Seconds that its run has lasted, and that a pause may still last.
    rate_in, rate_out
        Rows per second over the last minute.
    delay
        Seconds from its watermark to now.
    """

    view: JobView
    owner: str = ""
    tags: tuple[str, ...] = ()
    cu: float = 0.0
    uptime: float | None = None
    left: float | None = None
    rate_in: float = 0.0
    rate_out: float = 0.0
    delay: float | None = None

    @property
    def name(self) -> str:
        """The job's name."""
        return self.view.job

    @property
    def status(self) -> Status:
        """Where it stands."""
        return self.view.status

    @property
    def searched(self) -> str:
        """Where a text is searched."""
        return " ".join([self.name, self.owner, *self.tags]).casefold()

    @property
    def pending(self) -> bool:
        """Whether a newer version waits for the next start."""
        return self.status in ACTIVE and self.view.ran != self.view.version


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A workspace at one moment.

    Parameters
    ----------
    at
        When it was looked at, seconds since the epoch; 0 before the first look.
    rows
        Every job by its name.
    resources
        As of `Resources.status`; None before the first look.
    trouble
        Why the workspace does not answer; empty while it does. The rest is as it was last seen.
    """

    at: float = 0.0
    rows: Mapping[str, Row] = field(default_factory=dict)
    resources: Any = None
    trouble: str = ""

    @property
    def rate_in(self) -> float:
        """Rows per second that all jobs read together."""
        return sum(row.rate_in for row in self.rows.values())


class Reader:
    """Looks at a workspace again and again; what rarely changes is asked only when it has.

    Parameters
    ----------
    door
        The workspace.
    now
        The clock, seconds since the epoch.
    """

    def __init__(self, door: Door, now: Callable[[], float]) -> None:
        self._door = door
        self._now = now
        self._known: dict[str, tuple[int, str, tuple[str, ...], float]] = {}
        self._limits: dict[tuple[str, int], float] = {}
        self._rows: dict[str, Row] = {}

    def look(self) -> Picture:
        """Look now."""
        views = self._door.views()
        self._learn(views)
        now = self._now()
        before = self._rows
        self._rows = {view.job: self._row(view, now, before.get(view.job)) for view in views}
        return Picture(at=now, rows=self._rows, resources=self._door.resources.status())

    def _learn(self, views: Iterable[JobView]) -> None:
        """Ask for owners, tags and CU if a job or a version is new."""
        seen = {view.job: view.version for view in views}
        if seen == {name: known[0] for name, known in self._known.items()}:
            return
        table = self._door.table()
        wanted = ("job", "version", "owner", "tags", "cu")
        columns = [table[name].tolist() for name in wanted]
        self._rows = {}
        self._known = {
            name: (version, owner, tuple(filter(None, tags.split(", "))), cu)
            for name, version, owner, tags, cu in zip(*columns, strict=True)
        }
        self._limits = {key: kept for key, kept in self._limits.items() if key[0] in seen}

    def _row(self, view: JobView, now: float, before: Row | None) -> Row:
        moves = view.status in ACTIVE or view.status is Status.PAUSED
        if before is not None and before.view is view and not moves:
            return before
        _, owner, tags, cu = self._known.get(view.job, (0, "", (), 0.0))
        active = view.status in ACTIVE
        paused = view.status is Status.PAUSED
        return Row(
            view=view,
            owner=owner,
            tags=tags,
            cu=cu,
            uptime=view.uptime(now) if active else None,
            left=self._limit(view) - (now - view.since) if paused else None,
            rate_in=view.rate_in(now) if active else 0.0,
            rate_out=view.rate_out(now) if active else 0.0,
            delay=view.watermark_delay(now) if active else None,
        )

    def _limit(self, view: JobView) -> float:
        """How long a job may be paused; its specification is read once per version."""
        key = (view.job, view.version)
        if key not in self._limits:
            limit = self._door.spec(view.job).pause_limit.total_seconds()
            self._limits[key] = min(limit, LIMITS[Status.PAUSED].seconds)
        return self._limits[key]
