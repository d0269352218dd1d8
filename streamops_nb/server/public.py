"""An owned workspace served to other people, at a host and a port, on a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streamops_nb.model.errors import Refused, StorageError
from streamops_nb.ops.workspace import Workspace
from streamops_nb.server.allowing import Allowed
from streamops_nb.server.app import Served, make_app
from streamops_nb.server.guard import Bounds
from streamops_nb.server.people import People
from streamops_nb.server.serving import Tls, is_loopback, make_server
from streamops_nb.server.tokens import TokenFile, new_token
from streamops_nb.wire.role import Role

__all__ = ["Public", "Wanted", "check_host"]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How a workspace is to be served.

    Parameters
    ----------
    host, port
        Where; port 0 takes a free one.
    tokens
        The file of tokens.
    roles
        Roles by name, before those that stand with the tokens.
    names
        Names under which the server is asked for, besides `host`.
    insecure
        Whether others than this machine may ask without TLS, because something in front has it.
    """

    host: str = "127.0.0.1"
    port: int = 5006
    tokens: Path
    roles: Mapping[str, Role] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    tls: Tls | None = None
    insecure: bool = False
    bounds: Bounds = field(default_factory=Bounds)


def check_host(wanted: Wanted) -> None:
    """Refuse to be asked by others in the clear."""
    if not is_loopback(wanted.host) and wanted.tls is None and not wanted.insecure:
        raise Refused(
            f"{wanted.host} can be asked by others: tokens would travel in the clear - give"
            " --certificate and --key, or say --insecure if something in front has TLS"
        )


class Public:
    """Serves until it is closed.

    Attributes
    ----------
    wanted, people, url
        How it is served, who may ask, and where.

    Raises
    ------
    Refused
        If the host needs TLS, or the files of tokens or TLS cannot be used.
    StorageError
        If the port is taken.
    """

    def __init__(self, workspace: Workspace, allowed: Allowed, wanted: Wanted) -> None:
        check_host(wanted)
        self.wanted = wanted
        # who runs the owner asks at the loopback; no token of theirs is known here
        self.people = People(new_token(), wanted.tokens, wanted.roles)
        workspace.tokens.kept_in(TokenFile(wanted.tokens, wanted.roles))
        served = Served(
            workspace=workspace,
            people=self.people,
            allowed=allowed,
            bounds=wanted.bounds,
            hosts=(wanted.host, *wanted.names),
        )
        app = make_app(served)
        self._end = app.end
        self._server = make_server(app, wanted.tls)
        try:
            self._socket = socket.create_server((wanted.host, wanted.port), backlog=256)
        except OSError as error:
            raise StorageError(f"{wanted.host}:{wanted.port} cannot be used: {error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        scheme = "http" if wanted.tls is None else "https"
        self.url = f"{scheme}://{wanted.host}:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="public", daemon=True
        )
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.01)

    def close(self) -> None:
        """End serving."""
        self._end()
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
