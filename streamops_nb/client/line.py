"""The line to a server: calls are made, errors raised again, an owner that is away waited for."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pyarrow as pa

from streamops_nb.client.patience import in_a_hurry
from streamops_nb.model.errors import Forbidden, Refused, StreamopsError, Unavailable
from streamops_nb.wire.acting import HEADER, to_header
from streamops_nb.wire.faults import from_plain
from streamops_nb.wire.frames import ARROW, from_stream
from streamops_nb.wire.role import Role
from streamops_nb.wire.values import PARTS, pack, parse, unpack

__all__ = ["Acting", "Line", "Reach"]

LOG = logging.getLogger("streamops_nb.client")

Reach = Callable[[], tuple[str, str] | None]
"""Gives where the server is, and the token for it; None while there is none."""

Acting = Callable[[], tuple[str, Role]]
"""Says for whom is asked, and as what; raises `Forbidden` if that may not be any longer."""

_Given = TypeVar("_Given")

_LONGEST = 330.0
"""Seconds that an answer may take: a little more than a server gives itself."""

_FIRST, _MOST = 0.05, 1.0
"""Seconds between two attempts to reach an owner that is away."""

_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusted where no TLS is spoken: to load the well-known authorities takes longer than a call."""

_TOO_MUCH = 429
_UNKNOWN = 401


class Line:
    """A line to the owner of a workspace; thread-safe.

    Parameters
    ----------
    reach
        Says where the owner is, anew after each time that it was away.
    name
        What the workspace is called in messages.
    patience
        Seconds for which an owner that is away is waited for.
    moves
        Whether the next owner has another address and token: one that does not know the token may
        be another by now.
    tls
        Whether the owner is spoken to by TLS.
    ca
        A file with the authority of the server's certificate, if it is not a well-known one.
    acting
        Says anew with each call for whom it is made; None: for the user of this process.
    """

    def __init__(
        self,
        reach: Reach,
        name: str,
        *,
        patience: float = 15.0,
        moves: bool = False,
        tls: bool = False,
        ca: str | Path | None = None,
        acting: Acting | None = None,
    ) -> None:
        self._moves = moves
        self._acting = acting
        self._reach = reach
        self._name = name
        self._patience = patience
        self._lock = threading.Lock()
        self._lost = False
        self._over = False
        self._client = httpx.Client(
            timeout=httpx.Timeout(_LONGEST, connect=5.0),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
            verify=_trusted(ca) if tls else _NOBODY,
            trust_env=False,
        )

    def ask(
        self, name: str, arguments: Mapping[str, Any], *, safe: bool, number: str = ""
    ) -> tuple[Any, list[pa.Table]]:
        """Make a call; give the plain data and the tables of the answer.

        Parameters
        ----------
        safe
            Whether it may be made again when nobody knows if it was done.
        number
            By which it can be cancelled.

        Raises
        ------
        StreamopsError
            What the call raised, as the same class.
        Unavailable
            If the owner is away for longer than the patience.
        """
        media_type, content = pack(arguments)
        headers = {"content-type": media_type} | ({"x-request-id": number} if number else {})

        def send(url: str, own: Mapping[str, str]) -> tuple[Any, list[pa.Table]]:
            answer = self._client.post(
                f"{url}/v1/{name}", content=content, headers={**headers, **own}
            )
            return _read(answer)

        return self._persist(send, safe=safe)

    def about(self) -> Mapping[str, Any]:
        """Ask what is served, and to whom it is."""

        def send(url: str, own: Mapping[str, str]) -> Any:
            return _read(self._client.get(f"{url}/v1/about", headers=own, timeout=10.0))[0]

        found: Mapping[str, Any] = self._persist(send, safe=True)
        return found

    def cancel(self, number: str) -> None:
        """Cancel a call of one's own; one that is over by now is left alone."""
        where = self._reach()
        if where is not None:
            url, token = where
            with suppress(httpx.TransportError):
                self._client.delete(
                    f"{url}/v1/work/{number}", headers=self._own(token), timeout=5.0
                )

    def messages(self, name: str, since: int | None) -> Iterator[tuple[str, int, str]]:
        """Give the messages of a stream: kind, number and text; a broken one goes on by itself."""
        while not self._over:

            def send(
                url: str, own: Mapping[str, str], at: int | None = since
            ) -> Iterator[tuple[str, int, str]]:
                headers = {} if at is None else {"last-event-id": str(at)}
                return self._stream(f"{url}/v1/{name}", {**headers, **own})

            opened = self._persist(send, safe=True)
            try:
                for kind, since, text in opened:
                    yield kind, since, text
            except httpx.TransportError as error:
                self._say_lost(error)

    def _stream(self, url: str, headers: Mapping[str, str]) -> Iterator[tuple[str, int, str]]:
        request = self._client.build_request(
            "GET", url, headers=dict(headers), timeout=httpx.Timeout(30.0, connect=5.0)
        )
        answer = self._client.send(request, stream=True)
        if answer.status_code != 200:
            answer.read()
            _read(answer)
        return _messages(answer)

    def _persist(self, send: Callable[[str, Mapping[str, str]], _Given], *, safe: bool) -> _Given:
        patience = 0.0 if in_a_hurry() else self._patience
        until, pause = time.monotonic() + patience, _FIRST
        while True:
            lost: Exception | None = None
            try:
                where = self._reach()
                if where is not None:
                    given = send(where[0], self._own(where[1]))
                    self._say_back()
                    return given
            except (httpx.ConnectError, httpx.ConnectTimeout, _Later) as error:
                lost = error
            except httpx.TransportError as error:
                lost = error
                if not safe:
                    self._say_lost(error)
                    raise Unavailable(
                        f"the owner of {self._name} went away during the call - `history` tells"
                        " whether it was done"
                    ) from error
            final = isinstance(lost, _Later) and lost.unknown and not self._moves
            if time.monotonic() + pause > until or self._over or final:
                raise self._away(lost, patience) from lost
            if not isinstance(lost, _Later):
                self._say_lost(lost)
            time.sleep(pause)
            pause = min(pause * 2, _MOST)

    def _own(self, token: str) -> dict[str, str]:
        said = {"authorization": f"Bearer {token}"}
        return said if self._acting is None else {**said, HEADER: to_header(*self._acting())}

    def _away(self, lost: Exception | None, patience: float) -> StreamopsError:
        if self._over:
            return Refused(f"this client of {self._name} was closed - connect anew")
        if isinstance(lost, _Later):
            return lost.error
        said = f": {lost}" if lost else ""
        if not patience:
            return Unavailable(f"the owner of {self._name} does not answer{said}")
        return Unavailable(
            f"the owner of {self._name} has not answered for {patience:g} s{said}"
            " - if it has ended, `so.connect` with the folder makes its caller the owner"
        )

    def _say_lost(self, error: Exception | None) -> None:
        with self._lock:
            first, self._lost = not self._lost, True
        if first and not self._over:
            why = error or "it has ended"
            LOG.warning("the owner of %s does not answer, trying again: %s", self._name, why)

    def _say_back(self) -> None:
        with self._lock:
            back, self._lost = self._lost, False
        if back:
            LOG.warning("the owner of %s answers again", self._name)

    @property
    def lost(self) -> bool:
        """Whether the owner did not answer when it was asked last."""
        return self._lost

    def close(self) -> None:
        """Give the line up."""
        self._over = True
        self._client.close()


def _trusted(ca: str | Path | None) -> ssl.SSLContext | bool:
    return True if ca is None else ssl.create_default_context(cafile=str(ca))


class _Later(Exception):
    """The server did not take the call; it may be made again."""

    def __init__(self, error: StreamopsError) -> None:
        super().__init__(str(error))
        self.error = error
        self.unknown = isinstance(error, Forbidden)


def _read(answer: httpx.Response) -> tuple[Any, list[pa.Table]]:
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if answer.status_code != 200:
        raise _error(answer, kind)
    if kind == ARROW:
        return None, [from_stream(answer.content, trusted=True)]
    if kind == PARTS:
        return unpack(answer.content)
    return parse(answer.content), []


def _error(answer: httpx.Response, kind: str) -> Exception:
    if kind != "application/json":
        text = answer.text.strip()[:200]
        error: StreamopsError = Unavailable(f"the server said {answer.status_code}: {text}")
        return _Later(error) if answer.status_code == 503 else error
    error = from_plain(parse(answer.content))
    if answer.status_code == _TOO_MUCH:
        return _Later(error)
    if answer.status_code == _UNKNOWN and isinstance(error, Forbidden):
        return _Later(error)  # another owner may be there by now, with another token
    return error


def _messages(answer: httpx.Response) -> Iterator[tuple[str, int, str]]:
    found: dict[str, str] = {}
    try:
        for line in answer.iter_lines():
            if line:
                key, _, value = line.partition(": ")
                found[key] = value
            elif found:
                yield found.get("event", ""), int(found["id"]), found.get("data", "")
                found = {}
    finally:
        answer.close()
