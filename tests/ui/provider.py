"""An OpenID Connect provider with a login form: authorization code, ID token, user information."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

__all__ = ["Provider", "provider"]


@dataclass
class Provider:
    """What a provider knows: one client, whoever types a name, and the codes and tokens given."""

    client: str = "streamops"
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    url: str = ""
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What Panel's `generic` provider is told by its environment."""
        places = {"AUTHORIZE": "authorize", "TOKEN": "token", "USER": "userinfo"}
        return {f"PANEL_OAUTH_{key}_URL": f"{self.url}/{path}" for key, path in places.items()}

    def claims(self, email: str) -> dict[str, object]:
        now = int(time.time())
        return {
            "iss": self.url, "aud": self.client, "sub": email, "email": email, "iat": now,
            "exp": now + 600,
        }  # fmt: skip

    def signed(self, claims: dict[str, object]) -> str:
        head = {"alg": "HS256", "typ": "JWT"}
        text = b".".join(_encoded(json.dumps(part).encode()) for part in (head, claims))
        mark = hmac.digest(self.secret.encode(), text, hashlib.sha256)
        return (text + b"." + _encoded(mark)).decode()

    def answer_token(self, given: dict[str, str]) -> dict[str, object] | None:
        """Give tokens for a code, once, to the client it was made for."""
        email, redirect = self.codes.pop(given.get("code", ""), ("", ""))
        asked = (given.get("client_id"), given.get("client_secret"), given.get("redirect_uri"))
        if not email or asked != (self.client, self.secret, redirect):
            return None
        token = secrets.token_urlsafe(16)
        self.tokens[token] = email
        id_token = self.signed(self.claims(email))
        return {"access_token": token, "token_type": "Bearer", "id_token": id_token}


def _encoded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


_FORM = """<!doctype html><title>Provider</title><form action="/login">
<input type="hidden" name="asked" value="{}"><label>Email <input name="email"></label>
<button>Go on</button></form>"""


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider for the length of a block."""
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def say(self, status: int, content: str, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(content.encode())

        def do_GET(self) -> None:
            found = urlsplit(self.path)
            given = {name: values[0] for name, values in parse_qs(found.query).items()}
            if found.path == "/authorize":
                self.say(200, _FORM.format(escape(found.query)), Content_Type="text/html")
            elif found.path == "/login":
                asked = {k: v[0] for k, v in parse_qs(given["asked"]).items()}
                assert (asked["client_id"], asked["response_type"]) == (made.client, "code")
                code = secrets.token_urlsafe(16)
                made.codes[code] = (given["email"], asked["redirect_uri"])
                back = urlencode({"code": code, "state": asked["state"]})
                self.say(302, "", Location=f"{asked['redirect_uri']}?{back}")
            else:
                token = self.headers.get("authorization", "").removeprefix("Bearer ")
                email = made.tokens.get(token)
                said = {"error": "invalid_token"} if email is None else made.claims(email)
                self.say(401 if email is None else 200, json.dumps(said))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            found = made.answer_token({k: v[0] for k, v in parse_qs(body).items()})
            refused = {"error": "invalid_grant"}
            self.say(400 if found is None else 200, json.dumps(found or refused))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
