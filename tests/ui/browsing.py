"""A page that is served, and a Chromium that looks at it."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import panel as pn
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from streamops_nb.ui.panel.page import page

__all__ = [
    "CHROMIUM", "EITHER", "EXPECTED", "OTHERS", "browser", "faults_of", "looked_at", "opened_page",
    "served", "until", "write",
]  # fmt: skip

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
_QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)

EXPECTED = 30_000.0
"""Milliseconds in which what is expected is seen, on a busy machine, too."""

EITHER = pytest.mark.parametrize(("width", "dark"), [(1280, False), (900, True)])
"""Each width and each theme once."""

OTHERS = pytest.mark.parametrize(("width", "dark"), [(1280, True), (900, False)])
"""Each once, the other way round."""


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET.split())
        yield found
        found.close()


@contextmanager
def served(workspace: Any, made: Callable[[Any], Any] = page) -> Iterator[str]:
    """Serve the page of a workspace from this process; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = pn.serve(
        {"app": lambda: made(workspace)},
        port=port,
        address="127.0.0.1",
        threaded=True,
        show=False,
        start=True,
        title="Stream Operation",
        # a page that was closed is forgotten soon, not after half a minute
        check_unused_sessions_milliseconds=200,
        unused_session_lifetime_milliseconds=5_000,
    )
    try:
        yield f"http://127.0.0.1:{port}/app"
    finally:
        server.stop()
        server.join(10)
        assert not [t for t in threading.enumerate() if t is server and t.is_alive()]


@contextmanager
def looked_at(
    browser: Browser,
    address: str,
    *,
    width: int = 1280,
    height: int = 800,
    dark: bool = False,
    borne: str = "nothing",
) -> Iterator[Page]:
    """Give an empty page; it must ask no other host than this, and write no error but `borne`."""
    scheme = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    shown = context.new_page()
    shown.set_default_timeout(30_000)
    hosts: set[str] = set()
    wrong: list[str] = []
    shown.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    shown.on("pageerror", lambda error: wrong.append(str(error)))
    shown.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    try:
        yield shown
    finally:
        context.close()
    seen = (hosts - {""}, [error for error in wrong if borne not in error])
    assert seen == ({urlsplit(address).netloc}, []), seen


@contextmanager
def opened_page(
    browser: Browser, address: str, *, width: int = 1280, dark: bool = False
) -> Iterator[Page]:
    """Open a page; it must ask no other host, and write no error to the console."""
    with looked_at(browser, address, width=width, dark=dark) as shown:
        shown.goto(address)
        shown.wait_for_selector(".jobs:visible, h2:visible")
        if dark:
            shown.get_by_label("Toggle theme").click()
            shown.mouse.move(5, 700)
        yield shown


def write(field: Locator, text: str) -> None:
    """Type over what a field holds, as by hand."""
    field.press("Control+a")
    field.press_sequentially(text)
    field.press("Tab")


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something holds."""
    over = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < over
        time.sleep(0.05)


def faults_of(page: Page, within: str | None = None) -> dict[str, list[str]]:
    """Give what axe finds that is serious: per rule, where."""
    options = {"resultTypes": ["violations"]}
    found = Axe().run(page, context=within, options=options).response["violations"]
    return {
        fault["id"]: [str(node["target"]) for node in fault["nodes"]]
        for fault in found
        if fault["impact"] in ("serious", "critical")
    }
