"""Who owns a workspace: one process at a time, by a lock of the operating system.

The kernel gives the lock up when its process ends, however it ends, so there are no stale locks.
The file beside it says who holds it, for people; nothing is decided by what it says.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from streamops_nb.model.errors import StorageError, WorkspaceOwned

__all__ = ["Owner", "WorkspaceLock"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """The process that holds a workspace, and since when (seconds since the epoch)."""

    pid: int
    host: str
    since: float

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since, UTC).isoformat(sep=" ", timespec="seconds")
        return f"process {self.pid} on {self.host} since {since}"


class WorkspaceLock:
    """The lock on a workspace's folder; nothing is locked before `acquire`.

    Parameters
    ----------
    folder
        The workspace.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._about = folder / "owner.json"
        # a soft lock, as a stand-in where flock is missing, would outlive its process
        self._lock = FileLock(
            folder / "owner.lock", timeout=0, thread_local=False, fallback_to_soft=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def acquire(self, at: float) -> Self:
        """Take the lock and note who holds it.

        Parameters
        ----------
        at
            Wall time, in seconds since the epoch.

        Raises
        ------
        WorkspaceOwned
            If a living process holds it, be it this one; the message names it.
        StorageError
            If the folder cannot be written, or its file system has no locks.
        """
        if self._lock.is_locked:
            raise self._owned()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            self._note(Owner(pid=os.getpid(), host=socket.gethostname(), since=at))
        except Timeout:
            raise self._owned() from None
        except OSError as error:
            self._lock.release()
            raise StorageError(
                f"the workspace {self._folder} cannot be locked: {error}"
                " - use a folder that can be written, on a file system that has locks"
            ) from error
        return self

    def release(self) -> None:
        """Give the lock up; harmless without it."""
        if self._lock.is_locked:
            self._about.unlink(missing_ok=True)
            self._lock.release()

    def noted(self) -> Owner | None:
        """Say who took the lock last and has not given it up; it may have died since."""
        try:
            return Owner(**json.loads(self._about.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None  # nobody, or one that is just writing it down

    def _note(self, owner: Owner) -> None:
        aside = self._about.with_suffix(".new")
        aside.write_text(json.dumps(asdict(owner)), encoding="utf-8")
        aside.replace(self._about)

    def _owned(self) -> WorkspaceOwned:
        owner = self.noted() or "another process"
        return WorkspaceOwned(
            f"the workspace {self._folder} is owned by {owner}"
            " - connect to that process, or end it first"
        )
