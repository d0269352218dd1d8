"""Whom a served page lets in: people with a token, under the names that the server has."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from html import escape
from string import Template
from typing import Any
from urllib.parse import urlsplit

import panel as pn
from bokeh.server.auth_provider import AuthProvider
from tornado.web import HTTPError, RequestHandler, decode_signed_value

from streamops_nb.server.buckets import Buckets
from streamops_nb.server.guard import LOOPBACK, Bounds, name_of
from streamops_nb.server.people import People, digest_of
from streamops_nb.ui.panel.look import file_text

__all__ = ["Gate"]

_DAYS = 1.0
"""How long somebody stays logged in."""


class Gate(AuthProvider):
    """Looks at every request for the page before Panel does.

    The cookie names the token by its digest, signed with a secret of this process: who is taken out
    of the file of tokens, or gets another token, has to log in anew.

    Parameters
    ----------
    port
        Of the page: cookies of two pages on a host must differ.
    hosts
        The names under which the page is asked for, besides those of the loopback.
    people
        Who has a token; None: the page is open to this machine.
    secret
        Signs cookies.
    secure
        Whether cookies travel by TLS alone.
    """

    def __init__(
        self,
        *,
        port: int,
        hosts: Collection[str],
        people: People | None,
        secret: str,
        secure: bool,
    ) -> None:
        self._hosts = LOOPBACK | {host.lower() for host in hosts}
        self._port = port
        self._cookie = f"streamops-{port}"
        self._secret = secret
        self._secure = secure
        self._people = people
        most = Bounds().failures
        self.failed = Buckets(rate=most / 60, burst=most)
        super().__init__()

    @property
    def origins(self) -> list[str]:
        """Where the page's socket may be opened from: here, or behind something at port 80 or 443.

        `look` is stricter: it wants the name and port that were asked.
        """
        names = sorted(host for host in self._hosts if ":" not in host)
        return [f"{name}:{port}" for name in names for port in (self._port, 80, 443)]

    # what Bokeh asks

    @property
    def get_user(self) -> Callable[[Any], Any]:
        """Say who asks; None: somebody who has to log in."""
        return self._user

    @property
    def login_url(self) -> str:
        """Where one logs in."""
        return "/login"

    @property
    def login_handler(self) -> type[RequestHandler] | None:
        """What shows the form."""
        return type("Login", (_Login,), {"gate": self}) if self._people else None

    @property
    def logout_url(self) -> str:
        """Where one logs out."""
        return "/logout"

    @property
    def logout_handler(self) -> type[RequestHandler] | None:
        """What forgets who one is."""
        return type("Logout", (_Logout,), {"gate": self}) if self._people else None

    def _user(self, handler: Any) -> str | None:
        self.look(handler)
        if self._people is None:
            return "anybody"
        cookie = handler.get_secure_cookie(self._cookie, max_age_days=_DAYS)
        return self._known(cookie)

    def _known(self, cookie: bytes | None) -> str | None:
        digest = None if cookie is None else cookie.decode("latin-1")
        assert self._people is not None
        return digest if digest and self._people.of_digest(digest) else None

    # what the page and the form ask

    def user_of_session(self) -> str | None:
        """Say to whom the page is shown that is being opened: the digest of their token."""
        cookie = pn.state.cookies.get(self._cookie)
        signed = decode_signed_value(self._secret, self._cookie, cookie, max_age_days=_DAYS)
        return self._known(signed)

    def look(self, handler: RequestHandler) -> None:
        """Refuse a request under another name, or from a page of another origin."""
        host = handler.request.host
        if name_of(host) not in self._hosts:
            raise HTTPError(421, "the server is not known under this name (Host)")
        origin = handler.request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise HTTPError(403, "pages of other sites may not ask here (Origin)")

    def let_in(self, handler: RequestHandler, token: str) -> str:
        """Remember who has a token; give the words of the refusal, or nothing."""
        assert self._people is not None
        address = handler.request.remote_ip or ""
        if self._people.whose(token) is None:
            wait = self.failed.wait(address)
            return f"Too many wrong tokens: wait {math.ceil(wait)} s." if wait else _UNKNOWN
        how: dict[str, Any] = {"httponly": True, "secure": self._secure, "samesite": "Lax"}
        handler.set_secure_cookie(self._cookie, digest_of(token), expires_days=_DAYS, **how)
        return ""

    def forget(self, handler: RequestHandler) -> None:
        """Forget who it was."""
        handler.clear_cookie(self._cookie)


_UNKNOWN = "This token is not known."


class _Door(RequestHandler):
    gate: Gate

    def prepare(self) -> None:
        self.gate.look(self)
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Frame-Options", "DENY")
        self.set_header(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
        )

    def _inside(self) -> str:
        """Where to go then: a page of this server, whatever the address says."""
        wanted = self.get_argument("next", "/")
        parts = urlsplit(wanted)
        own = not parts.scheme and not parts.netloc and "\\" not in wanted
        return wanted if own and wanted.startswith("/") and wanted[1:2] != "/" else "/"


class _Login(_Door):
    def get(self) -> None:
        self._show("")

    def post(self) -> None:
        refusal = self.gate.let_in(self, self.get_body_argument("token", "").strip())
        if refusal:
            self.set_status(401)
            self._show(refusal)
        else:
            self.redirect(self._inside())

    def _show(self, refusal: str) -> None:
        form = Template(file_text("login.html"))
        said = f'<p role="alert">{escape(refusal)}</p>' if refusal else ""
        self.write(form.substitute(refusal=said, inside=escape(self._inside())))


class _Logout(_Door):
    def get(self) -> None:
        self.gate.forget(self)
        self.redirect("login")
