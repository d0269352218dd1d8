"""What a request has to pass before it reaches the door: host, origin, person, rate, size, time."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import dataclass
from typing import Any

from streamops_nb.model.errors import Forbidden, Refused, StreamopsError, Unavailable
from streamops_nb.server.buckets import Buckets
from streamops_nb.server.people import People, Person
from streamops_nb.wire.acting import HEADER, from_header
from streamops_nb.wire.faults import to_plain

__all__ = ["LOG", "LOOPBACK", "Bounds", "Guard", "name_of"]

LOG = logging.getLogger("streamops_nb.server")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_OPEN = frozenset({"/live", "/ready"})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """The most that a request may be, take, or come with.

    Parameters
    ----------
    body
        Bytes of a request.
    receive, call, send
        Seconds until a request has arrived; until it is answered; until a piece of the answer is
        taken.
    rate, burst
        Requests a second of one person, and so many at once.
    failures
        Wrong tokens of one address in a minute.
    streams
        Streams of events that are open at one time.
    """

    body: int = 64 * 2**20
    receive: float = 30.0
    call: float = 300.0
    send: float = 60.0
    rate: float = 200.0
    burst: float = 400.0
    failures: int = 20
    streams: int = 200


class Guard:
    """Looks at every request first.

    Parameters
    ----------
    hosts
        The names under which the server is asked for, besides those of the loopback.
    told
        The level at which requests are logged; those that are refused are always told.

    Attributes
    ----------
    end
        To be called when an end is wanted, before the server waits for answers that are under way.
    """

    def __init__(
        self,
        app: App,
        people: People,
        bounds: Bounds,
        hosts: Collection[str] = (),
        told: int = logging.INFO,
    ) -> None:
        self._app = app
        self.end: Callable[[], None] = lambda: None
        self._people = people
        self._bounds = bounds
        self._told = told
        self._hosts = LOOPBACK | {host.lower() for host in hosts}
        self._asked = Buckets(rate=bounds.rate, burst=bounds.burst)
        self._failed = Buckets(rate=bounds.failures / 60, burst=bounds.failures)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        sending = _Sending(send, self._bounds.send)
        begun, person = time.monotonic(), None
        try:
            person = self._admit(scope)
            scope.setdefault("state", {})["person"] = person
            body = await self._body(scope, receive)
            await self._app(scope, _once(body, receive), sending)
        except _Turned as turned:
            await sending.refuse(turned)
        except (TimeoutError, OSError):
            # uvicorn closes the connection of an answer that was begun and not ended
            LOG.info("a client was too slow or went away: %r", scope["path"])
        finally:
            level = self._told if sending.status < 400 else logging.INFO
            _note(level, scope, sending.status, person, begun)

    def _admit(self, scope: MutableMapping[str, Any]) -> Person | None:
        headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
        host = headers.get("host", b"").decode("latin-1")
        if name_of(host) not in self._hosts:
            raise _Turned(421, Refused("the server is not known under this name (Host)"))
        origin = headers.get("origin")
        if origin is not None and origin.decode("latin-1").partition("://")[2] != host:
            raise _Turned(403, Forbidden("pages of other sites may not ask here (Origin)"))
        if b"token=" in scope.get("query_string", b"").lower():
            text = "a token does not belong into an address - send it as `Authorization: Bearer …`"
            raise _Turned(400, Refused(text))
        if scope["path"] in _OPEN:
            return None
        return self._known(scope, headers)

    def _known(self, scope: MutableMapping[str, Any], headers: dict[str, bytes]) -> Person:
        address = (scope.get("client") or ("",))[0]
        kind, _, token = headers.get("authorization", b"").decode("latin-1").partition(" ")
        known = kind.lower() == "bearer" and self._people.whose(token.strip())
        if not known:
            wait = self._failed.wait(address)
            if wait:
                raise _Turned(429, Unavailable(f"too many wrong tokens - wait {math.ceil(wait)} s"))
            raise _Turned(401, Forbidden("the token is missing or not known"))
        person = _acting(known, headers)
        wait = self._asked.wait(person.name)
        if wait:
            raise _Turned(429, Unavailable(f"too many requests - wait {wait:.2g} s"))
        return person

    async def _body(self, scope: MutableMapping[str, Any], receive: Receive) -> bytes:
        most = self._bounds.body
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if not told.isdigit() or int(told) > most:
            raise _Turned(413, Refused(f"the request is larger than {most:,} bytes"))
        pieces, size, more = [], 0, True
        try:
            async with asyncio.timeout(self._bounds.receive):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise OSError("gone")
                    pieces.append(message.get("body", b""))
                    size += len(pieces[-1])
                    if size > most:
                        raise _Turned(413, Refused(f"the request is larger than {most:,} bytes"))
                    more = message.get("more_body", False)
        except TimeoutError:
            text = f"the request did not arrive within {self._bounds.receive:g} s"
            raise _Turned(408, Unavailable(text)) from None
        return b"".join(pieces)


class _Turned(Exception):
    """A request that is turned away."""

    def __init__(self, status: int, error: StreamopsError) -> None:
        super().__init__(str(error))
        self.status = status
        self.error = error


class _Sending:
    """Sends an answer, and gives up where nobody takes it."""

    def __init__(self, send: Send, seconds: float) -> None:
        self._send = send
        self._seconds = seconds
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [
                *message.get("headers", ()),
                (b"cache-control", b"no-store"),
                (b"x-content-type-options", b"nosniff"),
            ]
        async with asyncio.timeout(self._seconds):
            await self._send(message)

    async def refuse(self, turned: _Turned) -> None:
        body = json.dumps(to_plain(turned.error)).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        if turned.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if turned.status == 429:
            headers.append((b"retry-after", b"1"))
        await self({"type": "http.response.start", "status": turned.status, "headers": headers})
        await self({"type": "http.response.body", "body": body})


def _acting(known: Person, headers: dict[str, bytes]) -> Person:
    """Who is asked for: whoever runs the owner may ask for somebody else, as a page does."""
    told = headers.get(HEADER)
    if told is None:
        return known
    if not known.same_user:
        raise _Turned(403, Forbidden("nobody may ask for somebody else here"))
    try:
        name, role = from_header(told.decode("latin-1"))
    except Refused as refused:
        raise _Turned(400, refused) from None
    return Person(name=name, role=role)


def _once(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def name_of(host: str) -> str:
    """Give the name in a header `Host`, without its port."""
    name = host.lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]


def _note(level: int, scope: Message, status: int, person: Person | None, begun: float) -> None:
    if LOG.isEnabledFor(level):
        who = "-" if person is None else person.name or "owner"
        seconds = time.monotonic() - begun
        LOG.log(level, "%s %s %r %d %.3fs", who, scope["method"], scope["path"], status, seconds)
