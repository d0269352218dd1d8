"""A workspace served in this process, and its door as a test wants it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

import streamops_nb as so
from streamops_nb.ops.workspace import Workspace
from streamops_nb.server.allowing import Allowed
from streamops_nb.server.guard import Bounds
from streamops_nb.server.public import Public, Wanted
from streamops_nb.server.tokens import add_token
from streamops_nb.wire.role import Role

__all__ = ["House", "served"]


@dataclass
class House:
    """A served workspace: its owner, its address, a token for every role."""

    owner: Workspace
    url: str
    tokens: dict[str, str]
    file: Path
    client: httpx.Client

    def door(self, role: str = "admin", **how: Any) -> Workspace:
        return so.connect(self.url, token=self.tokens[role], **how)

    def ask(self, role: str, path: str, content: Any = None, **headers: str) -> httpx.Response:
        """A request as anybody could make it."""
        own = {"authorization": f"Bearer {self.tokens[role]}"} if role else {}
        sent = {"content-type": "application/json", **own, **headers}
        method = "GET" if content is None else "POST"
        body = {"json": content} if isinstance(content, (dict, list)) else {"content": content}
        return self.client.request(method, f"{self.url}{path}", headers=sent, **body)


@contextmanager
def served(folder: Path, *, bounds: Bounds | None = None, **may: Any) -> Iterator[House]:
    """Serve a workspace for the length of a block."""
    file = folder / "tokens"
    folder.mkdir(exist_ok=True)
    tokens = {str(role): add_token(file, f"the-{role}", str(role)) for role in Role}
    with so.connect(folder / "w", memory="512MB") as owner:
        allowed = Allowed(folder=folder / "w", **may)
        wanted = Wanted(port=0, tokens=file, bounds=bounds or Bounds())
        public = Public(owner, allowed, wanted)
        try:
            with httpx.Client(trust_env=False, timeout=30, verify=False) as client:
                yield House(owner, public.url, tokens, file, client)
        finally:
            public.close()
