"""The page of a workspace: ``panel serve streamops_nb/app.py --args plant.streamops``."""

from __future__ import annotations

import argparse
import atexit
import secrets
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import panel as pn

from streamops_nb.connecting import Doors, connect
from streamops_nb.model.errors import Forbidden, StorageError
from streamops_nb.server.people import Person, read_roles
from streamops_nb.server.public import Public
from streamops_nb.ui.panel.gate import Gate
from streamops_nb.ui.panel.look import html_pane, text_html
from streamops_nb.ui.panel.page import page
from streamops_nb.wire.role import Role

__all__ = ["main", "show_page"]

DEFAULT = "plant.streamops"

_LONGEST = 30.0
"""Seconds until the server of the page answers."""

_GUEST = "guest"
"""Whom Panel lets in without a login, if it is told to (``--oauth-optional``)."""


class Logins:
    """The people that `panel serve`'s own login lets in: basic authentication, or OAuth.

    Parameters
    ----------
    roles
        A file with lines of `NAME ROLE`, read anew with each call. Without it those of basic
        authentication may do all, a guest may look, and nobody is let in by OAuth: anybody can
        have an account there.
    """

    def __init__(self, roles: Path | None) -> None:
        self._roles = roles

    def whose(self, name: str) -> Person | None:
        """Say what somebody may."""
        if self._roles is not None:
            role = read_roles(self._roles).get(name)
        elif name == _GUEST:
            role = Role.VIEWER
        else:
            role = None if pn.config.oauth_provider else Role.ADMIN
        return None if role is None or not name else Person(name=name, role=role)


def _opened() -> tuple[Any, Doors]:
    """Give the workspace that this server shows, and the doors of those who logged in.

    Opened once, shared by all sessions; closed at the end of the process, as all of `connect`.
    """
    options = argparse.ArgumentParser(prog="panel serve streamops_nb/app.py --args")
    options.add_argument("workspace", nargs="?", default=DEFAULT)
    options.add_argument("--roles", type=Path, help="lines of NAME ROLE")
    given = options.parse_args(sys.argv[1:])
    folder = Path(given.workspace).resolve()
    key = str(folder)
    found = pn.state.cache.get(key)
    if found is None:
        opened, logins = connect(folder), Logins(given.roles)
        doors = Doors(folder, logins.whose)
        found = pn.state.cache[key] = (opened, doors)
        atexit.register(doors.close)
    return found[0], found[1]


def main() -> None:
    """Show the page to the session that is being opened; who logged in acts under that name."""
    opened, doors = _opened()
    user = pn.state.user
    shown = page(opened) if user is None else _page_of(doors, user)
    shown.servable(title="Stream Operation")


def _page_of(doors: Doors, key: str | None) -> Any:
    try:
        return page(doors.of(key or ""))
    except Forbidden as refused:
        told = f"{text_html(str(refused))}. <a href='logout'>Log out</a>"
        return html_pane(f"<h2>Stream Operation</h2><p role='alert'>{told}</p>", margin=20)


def show_page(
    workspace: Any, port: int, public: Public | None = None
) -> tuple[str, Callable[[], None]]:
    """Show the page of a workspace that this process has.

    Panel's own server is used, beside that of the door: on a thread and a port of its own.

    Parameters
    ----------
    public
        The door as others have it: they log in to the page with the same tokens, and may there
        what they may here. None: the page is shown on this machine alone, to whoever asks.

    Returns
    -------
    tuple
        Its address, and what ends it.
    """
    pn.extension(design=None)
    host = "127.0.0.1" if public is None else public.wanted.host
    port, secret = port or _free_port(host), secrets.token_urlsafe(32)
    tls = None if public is None else public.wanted.tls
    gate = Gate(
        port=port,
        hosts=() if public is None else (host, *public.wanted.names),
        people=None if public is None else public.people,
        secret=secret,
        secure=tls is not None,
    )
    doors = None if public is None else Doors(workspace.folder, public.people.of_digest)

    def shown() -> Any:
        return page(workspace) if doors is None else _page_of(doors, gate.user_of_session())

    server = pn.serve(
        shown,
        port=port,
        address=host,
        title="Stream Operation",
        show=False,
        threaded=True,
        verbose=False,
        websocket_origin=gate.origins,
        auth_provider=gate,
        cookie_secret=secret,
        ssl_certfile=None if tls is None else str(tls.certificate),
        ssl_keyfile=None if tls is None else str(tls.key),
        ssl_password=None if tls is None else tls.password,
    )
    _wait_for(host, port)

    def end() -> None:
        server.stop()
        if doors is not None:
            doors.close()

    return f"http{'s' if tls else ''}://{host}:{port}", end


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as found:
        return int(found.getsockname()[1])


def _wait_for(host: str, port: int) -> None:
    until = time.monotonic() + _LONGEST
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection((host, port), timeout=1):
            return
        time.sleep(0.05)
    raise StorageError(f"the page does not answer at port {port} - is it taken?")


if __name__.startswith("bokeh_app"):
    # Bokeh runs this file once a session and empties what it ran when the session ends. What is
    # shared by all sessions is therefore the module's own.
    from streamops_nb import app  # noqa: PLW0406  # the file is not the module when Bokeh runs it

    pn.extension(design=None)
    app.main()
