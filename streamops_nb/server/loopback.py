"""What every owner does: wait on the loopback for other processes of the same user.

Waiting costs a socket and a thread that sleeps; what answers is loaded when somebody calls first.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from streamops_nb.ops.workspace import Workspace
from streamops_nb.wire.address import Address, remove_address, write_address

if TYPE_CHECKING:
    import uvicorn

    from streamops_nb.server.allowing import Allowed

__all__ = ["Loopback", "listen"]

_NO_BOUND = 1e9
"""Requests a second that nobody makes."""


class Loopback:
    """Serves a workspace on the loopback until it is closed."""

    def __init__(
        self,
        workspace: Workspace,
        listening: socket.socket,
        token: str,
        allowed: Allowed | None = None,
    ) -> None:
        self._workspace = workspace
        self._allowed = allowed
        self._socket = listening
        self._token = token
        self._server: uvicorn.Server | None = None
        self._over = threading.Event()
        self._end: Callable[[], None] = lambda: None
        self._wake, self._woken = socket.socketpair()
        port = listening.getsockname()[1]
        self.address = Address(url=f"http://127.0.0.1:{port}", token=token, pid=os.getpid())
        self._thread = threading.Thread(target=self._serve, name="loopback", daemon=True)
        self._thread.start()
        write_address(workspace.folder, self.address)

    def _serve(self) -> None:
        select.select([self._socket, self._woken], [], [])
        if self._over.is_set():
            return
        try:
            self._server = self._make_server()
            if not self._over.is_set():
                self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()  # nobody waits for an answer that does not come

    def _make_server(self) -> uvicorn.Server:
        from streamops_nb.server.allowing import Allowed
        from streamops_nb.server.app import Served, make_app
        from streamops_nb.server.guard import Bounds
        from streamops_nb.server.people import People
        from streamops_nb.server.serving import make_server

        served = Served(
            workspace=self._workspace,
            people=People(self._token),
            allowed=self._allowed or Allowed(folder=self._workspace.folder),
            # all clients of the user are one person here
            bounds=Bounds(rate=_NO_BOUND, burst=_NO_BOUND),
            told=logging.DEBUG,  # pages ask four times a second
        )
        app = make_app(served)
        self._end = app.end
        return make_server(app)

    def close(self) -> None:
        """End serving; who is connected is told by the end of the connection."""
        remove_address(self._workspace.folder, self.address)
        self._over.set()
        self._wake.send(b"x")
        while self._thread.is_alive():
            self._end()
            if self._server is not None:
                self._server.should_exit = True
            self._thread.join(0.05)
        for end in (self._socket, self._wake, self._woken):
            end.close()


def listen(workspace: Workspace, allowed: Allowed | None = None) -> Loopback:
    """Begin to serve an owned workspace to processes of the same user.

    Parameters
    ----------
    allowed
        What those may name for whom such a process asks.
    """
    import secrets

    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    # asyncio does it by itself for sockets that say they are TCP, as these do not: 40 ms a call
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Loopback(workspace, listening, secrets.token_urlsafe(32), allowed)
