"""Opening a workspace, wherever it is: owned here, owned by another process, or served."""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamops_nb.model.errors import Forbidden, Refused, StreamopsError, WorkspaceOwned
from streamops_nb.model.given import refused, text_of
from streamops_nb.ops import workspace as ops
from streamops_nb.ops.workspace import Workspace
from streamops_nb.server.loopback import listen
from streamops_nb.wire.address import read_address

if TYPE_CHECKING:
    from streamops_nb.client.line import Acting
    from streamops_nb.server.allowing import Allowed
    from streamops_nb.server.people import Person
    from streamops_nb.wire.role import Role

__all__ = ["Doors", "connect", "opened", "own"]

LOG = logging.getLogger("streamops_nb.client")

_WHERE = "give a folder, or the address of a served workspace, `https://host:port`"

_YOUNG = 5.0
"""Seconds that an owner which does not say where it is gets to say so, or to end."""

_PAUSE = 0.1
"""Seconds between two looks at such an owner."""

_LOOK = 0.5
"""Seconds between two attempts of an heir to take over."""


def connect(
    where: str | Path,
    *,
    token: str | None = None,
    takeover: bool = False,
    resume: bool = True,
    memory: str | None = None,
    threads: int | None = None,
    now: Callable[[], float] = time.time,
    ca: str | Path | None = None,
    patience: float = 15.0,
) -> Workspace:
    """Open a workspace: own it, or speak to the process that owns it.

    A folder that nobody owns is owned by this process from now on (and created if it is not
    there); one that another process of this user owns is spoken to through that process, with the
    same methods. When the owner ends, a client says so, keeps trying, and goes on with the next.

    Parameters
    ----------
    where
        The workspace's folder, or the address of a served workspace (``https://host:5006``).
    token
        What a served workspace knows this person by.
    takeover
        Whether this process becomes the owner when the owner ends.
    resume
        Whether jobs that were wanted running go on at once; for an owner.
    memory
        Upper bound of the engine's memory, for example ``"2GB"``; default as allocated, 2 GiB
        per CU; for an owner.
    threads
        How many batches may run at once; default two per core; for an owner.
    now
        The clock, seconds since the epoch; for an owner.
    ca
        A file with the authority of a served workspace's certificate.
    patience
        Seconds for which a client waits for an owner that is away.

    Raises
    ------
    WorkspaceOwned
        If another process owns it and cannot be reached: another user's, or one that serves not.
    Unavailable
        If the address does not answer.
    Forbidden
        If the token is not known.
    StorageError
        If the folder holds something else, or a newer version's workspace.
    """
    if isinstance(where, str) and where.startswith(("http://", "https://")):
        return _noted(_served(where.rstrip("/"), token, ca, patience))
    if token is not None:
        raise Refused("a token is for an address, `https://…` - a folder needs none")
    folder = _folder(where)
    owning: dict[str, Any] = {"memory": memory, "threads": threads, "now": now}
    until = time.monotonic() + _YOUNG
    while True:
        try:
            return _noted(own(folder, resume=resume, **owning))
        except WorkspaceOwned:
            if read_address(folder) is None and time.monotonic() < until:
                time.sleep(_PAUSE)  # it begins, or ends: then this process owns it next
                continue
            if read_address(folder) is None:
                raise
        return _noted(_attach(folder, takeover, owning, patience))


def _folder(where: str | Path) -> Path:
    if not isinstance(where, Path) and "://" in text_of(where, "where", _WHERE):
        raise refused("where", where, "no workspace", _WHERE)
    folder = Path(where).resolve()
    if folder.is_file():
        into = f"so.connect({folder.with_suffix('.streamops').name!r}).import_({str(where)!r})"
        raise refused("where", str(where), "a file", f"{_WHERE}; `{into}` saves the job of a file")
    return folder


_OPENED: list[weakref.ref[Workspace]] = []


def opened() -> list[Workspace]:
    """Give the workspaces that `connect` opened and nobody closed, the last one at the end."""
    return [workspace for found in _OPENED if (workspace := found()) is not None]


@atexit.register
def _close_all() -> None:
    """Close what a script left open: a thread within DuckDB when Python ends aborts the process."""
    with ExitStack() as ending:
        for workspace in opened():
            ending.callback(workspace.close)


def _noted(workspace: Workspace) -> Workspace:
    note = weakref.ref(workspace, _forget)
    _OPENED.append(note)
    workspace.before_close(lambda: _forget(note))
    return workspace


def _forget(note: weakref.ref[Workspace]) -> None:
    if note in _OPENED:
        _OPENED.remove(note)


def own(folder: str | Path, *, allowed: Allowed | None = None, **how: Any) -> Workspace:
    """Own a workspace, and serve it to other processes of this user.

    Other parameters, and errors, as of `streamops_nb.ops.workspace.connect`.

    Parameters
    ----------
    allowed
        What those may name for whom a process of this user asks, such as a page that they have
        logged in to; None: files of the workspace.
    """
    workspace = ops.connect(folder, **how)
    try:
        workspace.before_close(listen(workspace, allowed).close)
    except (OSError, StreamopsError) as error:
        # without a loopback, say, it works as well, for this process alone
        LOG.warning("other processes cannot reach this owner of %s: %s", folder, error)
    return workspace


def _served(url: str, token: str | None, ca: str | Path | None, patience: float) -> Workspace:
    from streamops_nb.client.line import Line
    from streamops_nb.client.workspace import RemoteWorkspace

    if not token:
        raise Refused(f"{url} wants a token - so.connect({url!r}, token=…)")
    if "@" in url or "?" in url:
        raise Refused("an address is `https://host:port` - name, password and token are not in it")
    tls = url.startswith("https:")
    line = Line(lambda: (url, token), url, patience=patience, tls=tls, ca=ca)
    try:
        return RemoteWorkspace(line, folder=None, place=url)
    except BaseException:
        line.close()
        raise


class Doors:
    """The doors of a workspace of this user for other people: each may do what their role may.

    They lead through the owner, whichever process it is, so that it is the owner who refuses.

    Parameters
    ----------
    folder
        The workspace; a process of this user owns it.
    whose
        Says whom a key belongs to, asked anew with each call; None: to nobody, or no longer.
    """

    def __init__(self, folder: Path, whose: Callable[[str], Person | None]) -> None:
        self._folder = folder
        self._whose = whose
        self._lock = threading.Lock()
        self._opened: dict[tuple[str, Person], Workspace] = {}

    def of(self, key: str) -> Workspace:
        """Give somebody's door; all of their pages share it.

        Raises
        ------
        Forbidden
            If the key belongs to nobody.
        """
        person = self._person(key)
        with self._lock:
            found = self._opened.get((key, person))
            if found is None:
                found = self._opened[key, person] = _through_owner(
                    self._folder, 15.0, lambda: _as_acting(self._person(key))
                )
            return found

    def _person(self, key: str) -> Person:
        person = self._whose(key)
        if person is None:
            raise Forbidden("you may not ask here, or no longer - log in again")
        return person

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            while self._opened:
                self._opened.popitem()[1].close()


def _as_acting(person: Person) -> tuple[str, Role]:
    return person.name, person.role


def _attach(folder: Path, takeover: bool, owning: dict[str, Any], patience: float) -> Workspace:
    workspace = _through_owner(folder, patience)
    if takeover:
        workspace.before_close(Heir(folder, owning).close)
    return workspace


def _through_owner(folder: Path, patience: float, acting: Acting | None = None) -> Workspace:
    from streamops_nb.client.line import Line
    from streamops_nb.client.workspace import RemoteWorkspace

    def reach() -> tuple[str, str] | None:
        address = read_address(folder)
        return None if address is None else (address.url, address.token)

    line = Line(reach, str(folder), patience=patience, moves=True, acting=acting)
    try:
        return RemoteWorkspace(line, folder=folder, place="its owner")
    except BaseException:
        line.close()
        raise


class Heir:
    """Waits for the owner of a workspace to end, and then owns it, on a thread of its own."""

    def __init__(self, folder: Path, owning: dict[str, Any]) -> None:
        self._folder = folder
        self._owning = owning
        self._over = threading.Event()
        self._owned: Workspace | None = None
        self._thread = threading.Thread(target=self._wait, name="heir", daemon=True)
        self._thread.start()

    def _wait(self) -> None:
        while not self._over.wait(_LOOK):
            try:
                self._owned = own(self._folder, **self._owning, resume=True)
            except WorkspaceOwned:
                continue
            except StreamopsError as error:
                LOG.warning("%s cannot be taken over, trying again: %s", self._folder, error)
                continue
            LOG.warning("this process owns %s from now on: its owner ended", self._folder)
            return

    def close(self) -> None:
        """Wait no longer; what is owned by now is given back."""
        self._over.set()
        self._thread.join()
        if self._owned is not None:
            self._owned.close()
