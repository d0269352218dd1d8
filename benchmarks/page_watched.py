"""A workspace of many jobs is served and looked at; one process, so that its cost can be told."""

from __future__ import annotations

import gc
import shutil
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
import psutil
from bokeh.document import Document
from bokeh.io.state import curstate
from playwright.sync_api import Browser, Page, sync_playwright

import streamops_nb as so
from streamops_nb.ui.bridge import watch
from streamops_nb.ui.panel.notebook import PreviewScreen
from streamops_nb.ui.panel.page import Page as Shown
from streamops_nb.ui.panel.page import page

__all__ = ["measure"]

_ARGS = ("--no-sandbox", "--disable-gpu")
_FIRST = "tr[data-key=job_0000]"
_ROW = ".grid tbody tr:visible"
_PAIRS = 3


def measure(part: str, folder: str, **how: int) -> dict[str, Any]:
    """Measure a part of what `benchmarks.screens` tells: ``list``, ``frame`` or ``pages``."""
    shutil.rmtree(folder, ignore_errors=True)
    parts: dict[str, Callable[..., dict[str, Any]]] = {
        "list": _list, "frame": _frame, "pages": _pages,
    }  # fmt: skip
    with so.connect(Path(folder), memory="1GB") as workspace, _browser() as browser:
        return parts[part](workspace, browser, **how)


def _list(
    workspace: Any, browser: Browser, jobs: int, running: int, seconds: int
) -> dict[str, Any]:
    """Look at the list of many jobs."""
    workspace.resources.request(cu=2)
    names = [f"job_{n:04}" for n in range(jobs)]
    for name in names:
        workspace.save(_spec(name))
    workspace.start(names[1 : running + 1])
    with _served(lambda: page(workspace)) as address:
        paints = [_paint(browser, address, _FIRST) for _ in range(_PAIRS)]
        looked = [_looked_at(browser, address, seconds) for _ in range(_PAIRS)]
    found = {key: statistics.median(one[key] for one in looked) for key in looked[0]}
    first, whole = map(statistics.median, zip(*paints, strict=True))
    return {"first": first, "whole": whole, **found, "jobs": jobs, "running": running}


def _frame(workspace: Any, browser: Browser, rows: int) -> dict[str, Any]:
    """Open a preview of many rows, and turn its page."""
    preview = workspace.preview(_spec("frame"), rows=rows, seconds=120)
    assert preview.sample.rows == rows
    opened, turned = [], []
    with _served(lambda: _opener(preview)) as address:
        for _ in range(_PAIRS):
            context = browser.new_context()
            shown = context.new_page()
            shown.goto(address)
            shown.get_by_role("button", name="Open").wait_for()
            shown.wait_for_timeout(1_000)
            begun = time.perf_counter()
            shown.get_by_role("button", name="Open").click()
            shown.wait_for_selector(_ROW)
            opened.append(time.perf_counter() - begun)
            turned += [_turn(shown) for _ in range(5)]
            context.close()
    with _served(lambda: PreviewScreen(preview)) as address:
        alone = [_paint(browser, address, _ROW)[1] for _ in range(_PAIRS)]
    median = statistics.median
    return {"frame": median(opened), "alone": median(alone), "turn": median(turned), "rows": rows}


def _opener(preview: Any) -> Any:
    """A page of a user's own, on which a preview is opened with a button."""
    place = pn.Column()
    return pn.Column(
        pmui.Button(label="Open", on_click=lambda _: place.append(PreviewScreen(preview))), place
    )


def _pages(workspace: Any, browser: Browser, pages: int, settled: int) -> dict[str, Any]:
    """Open pages and close them; say what is left of them."""
    workspace.save(_spec("job_0000"))
    process, at_first, before = psutil.Process(), 0, (0, 0)
    with _served(lambda: page(workspace)) as address:
        for number in range(settled + pages):
            if number == settled:
                _settle(workspace)
                at_first, before = process.memory_info().rss, _held(workspace)
            _paint(browser, address, _FIRST)
        _settle(workspace)
        grown = process.memory_info().rss / at_first - 1
        left = [max(0, now - then) for now, then in zip(_held(workspace), before, strict=True)]
    return {"grown": grown, "left": sum(left), "pages": pages, "settled": settled}


def _held(workspace: Any) -> tuple[int, int]:
    """Threads and DuckDB sessions; pages, documents and screens."""
    own = curstate().document  # Bokeh's, one for ever
    kinds = Shown | Document
    alive = sum(isinstance(each, kinds) and each is not own for each in gc.get_objects())
    sessions = len(workspace._core.instance._sessions)  # noqa: SLF001 - what nobody else counts
    return threading.active_count() + sessions, alive + watch(workspace).screens


def _spec(name: str) -> dict[str, Any]:
    fields = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
    stream = {"source": {"type": "simulator", "rate": 2}, "schema": fields, "event_time": "ts"}
    cu = {"cu": 0.01}
    return {"name": name, "streams": {"r": stream}, "query": "SELECT * FROM r", "resources": cu}


@contextmanager
def _served(made: Callable[[], Any]) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = pn.serve(
        {"app": made},
        port=port,
        address="127.0.0.1",
        threaded=True,
        show=False,
        check_unused_sessions_milliseconds=200,
        unused_session_lifetime_milliseconds=2_000,
    )
    try:
        yield f"http://127.0.0.1:{port}/app"
    finally:
        server.stop()


@contextmanager
def _browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(_ARGS))
        yield browser
        browser.close()


def _cpu(seconds: float) -> float:
    """Cores that this process takes."""
    process = psutil.Process()
    before, begun = sum(process.cpu_times()[:2]), time.perf_counter()
    time.sleep(seconds)
    return (sum(process.cpu_times()[:2]) - before) / (time.perf_counter() - begun)


def _paint(browser: Browser, address: str, selector: str) -> tuple[float, float]:
    """Seconds until a browser that has nothing of the page yet shows something of it, and all."""
    context = browser.new_context()
    shown = context.new_page()
    begun = time.perf_counter()
    shown.goto(address, wait_until="commit")
    shown.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    first = time.perf_counter() - begun
    shown.wait_for_selector(selector)
    whole = time.perf_counter() - begun
    context.close()
    return first, whole


def _looked_at(browser: Browser, address: str, seconds: int) -> dict[str, float]:
    """What a page costs: processor with it less without it, bytes of a refresh, a click."""
    time.sleep(4)  # until nothing of the page before is left
    without = _cpu(seconds)
    received: list[int] = []
    context = browser.new_context()
    shown = context.new_page()
    shown.on(
        "websocket",
        lambda line: line.on("framereceived", lambda frame: received.append(len(frame))),
    )
    shown.goto(address)
    shown.wait_for_selector(_FIRST)
    shown.wait_for_timeout(3_000)
    received.clear()
    share = _cpu(seconds) - without
    shown.wait_for_timeout(1)  # lets what was received be counted
    sent = sum(received) / (2 * seconds)
    click = _click(shown)
    shown.locator(_FIRST).get_by_label("stop job_0000").click()
    shown.get_by_role("dialog").get_by_role("button", name="Stop", exact=True).click()
    shown.locator(f"{_FIRST} .chip.quiet").wait_for()
    context.close()
    return {"share": share, "bytes": sent, "click": click}


def _click(shown: Page) -> float:
    """Seconds from a click on Start to a status that says so, measured in the page."""
    took = shown.locator(_FIRST).evaluate(
        """row => new Promise(done => {
            const begun = performance.now()
            new MutationObserver((_, me) => {
                if (row.querySelector('.chip.busy, .chip.good')) {
                    me.disconnect()
                    done(performance.now() - begun)
                }
            }).observe(row, {subtree: true, childList: true, attributes: true})
            row.querySelector('.act.start').click()
        })"""
    )
    return float(took) / 1000


def _turn(shown: Page) -> float:
    """Seconds from a click on the next page of a frame to its first row, measured in the page."""
    took = shown.locator(".grid:visible").last.evaluate(
        """grid => new Promise(done => {
            const begun = performance.now()
            const body = grid.querySelector('tbody')
            new MutationObserver((_, me) => { me.disconnect(); done(performance.now() - begun) })
                .observe(body, {childList: true})
            grid.querySelector('[aria-label="next page"]').click()
        })"""
    )
    return float(took) / 1000


def _settle(workspace: Any) -> None:
    over = time.monotonic() + 30
    while watch(workspace).screens and time.monotonic() < over:
        time.sleep(0.1)
    time.sleep(6)  # Panel collects garbage five seconds after a document has ended
    gc.collect()
    time.sleep(1)
    gc.collect()
