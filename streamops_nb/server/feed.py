"""Events for many clients: looked for once, kept as text for a while, asked for by number.

A client that is slow holds nothing here: it asks for what comes after the number that it has, and
finds it in the catalog when it is no longer kept.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress

from streamops_nb.model.errors import StreamopsError
from streamops_nb.ops.workspace import Workspace
from streamops_nb.store.records import Page
from streamops_nb.wire.values import dump

__all__ = ["Feed", "message"]

_KEPT = 500
"""Pages that are kept."""

_LOOK = 0.1
"""Seconds between two looks while somebody listens."""

_BEAT = 10.0
"""Seconds without an event after which a client is told that all is well."""


def message(page: Page) -> str:
    """Give a page as a message of the stream; its id is where to go on."""
    return f"id: {page.next}\nevent: page\ndata: {json.dumps(dump(page, []))}\n\n"


class Feed:
    """Looks for events while somebody listens, on a thread of its own."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._kept: deque[tuple[int, int, str]] = deque(maxlen=_KEPT)
        self._next = -1
        self._listening: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="feed", daemon=True)
        self._thread.start()

    async def listen(self, since: int | None) -> AsyncIterator[str]:
        """Give messages from a number on; None: from now on."""
        news = asyncio.Event()
        key = (asyncio.get_running_loop(), news)
        at = since if since is not None else (await asyncio.to_thread(self._page, None)).next
        yield f"id: {at}\nevent: begin\ndata: {{}}\n\n"
        with self._lock:
            self._listening.add(key)
            self._wanted.set()
        try:
            while not self._over.is_set():
                news.clear()
                found = self._after(at)
                if found is None:
                    page = await asyncio.to_thread(self._page, at)
                    found = [(page.next, message(page))] if page.events else []
                for after, text in found:
                    yield text
                    at = after
                if not found:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(news.wait(), _BEAT)
                        continue
                    yield f"id: {at}\nevent: beat\ndata: {{}}\n\n"
        finally:
            with self._lock:
                self._listening.discard(key)
                if not self._listening:
                    self._wanted.clear()

    def _page(self, since: int | None) -> Page:
        return self._workspace.news(since=since)

    def _after(self, at: int) -> list[tuple[int, str]] | None:
        """What is kept after a number; None if that is not all there is."""
        with self._lock:
            if at == self._next:
                return []
            found = [(after, text) for before, after, text in self._kept if before >= at]
            whole = any(before == at for before, _, _ in self._kept)
        return found if whole else None

    def _look(self) -> None:
        self._wanted.wait()
        with self._lock:
            self._next = self._page(None).next
        while not self._over.is_set():
            self._wanted.wait()
            # a full disk, for example: what is new is found later
            with suppress(StreamopsError):
                self._find()
            time.sleep(_LOOK)

    def _find(self) -> None:
        page = self._page(self._next)
        if not page.events:
            return
        text = message(page)
        with self._lock:
            self._kept.append((self._next, page.next, text))
            self._next = page.next
            listening = list(self._listening)
        for loop, news in listening:
            with suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(news.set)

    def end(self) -> None:
        """End all streams."""
        self._over.set()
        self._wanted.set()
        with self._lock:
            listening = list(self._listening)
        for loop, news in listening:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(news.set)

    def close(self) -> None:
        """End the thread and all streams."""
        self.end()
        self._thread.join()
