"""A workspace for other people: tokens and roles, TLS, a host and a port."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from streamops_nb.model.errors import Refused

__all__ = ["Tls", "is_loopback", "make_server"]

_GRACE = 2
"""Seconds that open answers get at the end."""

_CONNECTIONS = 1_000
"""Open at one time; more are turned away."""

_HEAD = 30.0
"""Seconds in which the head of a request arrives; the guard sees to what comes after it."""


class _HeadInTime(H11Protocol):
    """Hangs up on whoever connects and sends no request, or its head byte by byte."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(transport)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not (self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]):
            self._wait(None)
        elif self._timer is None:
            self._wait(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        super().connection_lost(exc)

    def _wait(self, transport: asyncio.Transport | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        late = None if transport is None else self.loop.call_later(_HEAD, transport.abort)
        self._timer = late


@dataclass(frozen=True, kw_only=True, slots=True)
class Tls:
    """The certificate (PEM, with the chain) and its key; the key's password, if it has one."""

    certificate: Path
    key: Path
    password: str | None = None

    def check(self) -> None:
        """Load them once.

        Raises
        ------
        Refused
            If they cannot be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key, lambda: self.password or "")
        except (OSError, ssl.SSLError, ValueError) as error:
            raise Refused(
                f"{self.certificate} and {self.key} cannot be used for TLS: {error}"
            ) from error


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host."""
    return host in ("localhost", "::1") or host.startswith("127.")


def make_server(app: Callable[..., Any], tls: Tls | None = None, **where: Any) -> uvicorn.Server:
    """Make the server of an application."""
    secure: dict[str, Any] = {}
    if tls is not None:
        tls.check()
        secure = {
            "ssl_certfile": str(tls.certificate),
            "ssl_keyfile": str(tls.key),
            "ssl_keyfile_password": tls.password,
        }
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # ours says who asked, and no query
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="none",
        http=_HeadInTime,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE,
        limit_concurrency=_CONNECTIONS,
        **secure,
        **where,
    )
    return uvicorn.Server(config)
