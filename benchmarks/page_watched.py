"""A workspace of many jobs is served and looked at; one process, so that its cost can be told."""

from __future__ import annotations

import shutil
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import panel as pn
import psutil
import pyarrow as pa
from playwright.sync_api import Browser, Page, sync_playwright

import streamops_nb as so
from streamops_nb.ui.bridge import watch
from streamops_nb.ui.panel.grid import Grid
from streamops_nb.ui.panel.page import page
from streamops_nb.ui.state.pages import sheet_of

__all__ = ["measure"]

_ARGS = ("--no-sandbox", "--disable-gpu")
_FIRST = "tr[data-key=job_0000]"


def measure(
    folder: str, jobs: int, running: int, seconds: int, pages: int, rows: int
) -> dict[str, Any]:
    """Give what `benchmarks.screens` tells."""
    shutil.rmtree(folder, ignore_errors=True)
    with so.connect(Path(folder), memory="1GB") as workspace:
        workspace.resources.request(cu=2)
        names = [f"job_{n:04}" for n in range(jobs)]
        for name in names:
            workspace.save(_spec(name))
        workspace.start(names[1 : running + 1])
        with _served(workspace) as address, _browser() as browser:
            idle = _cpu(seconds)
            found = {
                "paint": statistics.median(_paint(browser, address) for _ in range(3)),
                **_looked_at(browser, address, seconds),
                **_closed(browser, address, pages, workspace),
            }
        found["share"] = max(0.0, found.pop("cpu") - idle)
    return {**found, "jobs": jobs, "running": running, "rows": rows, "frame": _frame(rows)}


def _spec(name: str) -> dict[str, Any]:
    fields = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
    stream = {"source": {"type": "simulator", "rate": 2}, "schema": fields, "event_time": "ts"}
    cu = {"cu": 0.01}
    return {"name": name, "streams": {"r": stream}, "query": "SELECT * FROM r", "resources": cu}


@contextmanager
def _served(workspace: Any) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = pn.serve(
        {"app": lambda: page(workspace)},
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


def _paint(browser: Browser, address: str) -> float:
    context = browser.new_context()
    shown = context.new_page()
    begun = time.perf_counter()
    shown.goto(address, wait_until="commit")
    shown.wait_for_selector(_FIRST)
    took = time.perf_counter() - begun
    context.close()
    return took


def _looked_at(browser: Browser, address: str, seconds: int) -> dict[str, float]:
    received: list[int] = []
    context = browser.new_context()
    shown = context.new_page()
    shown.on(
        "websocket",
        lambda line: line.on("framereceived", lambda frame: received.append(len(frame))),
    )
    shown.goto(address)
    shown.wait_for_selector(_FIRST)
    time.sleep(3)
    received.clear()
    cpu = _cpu(seconds)
    shown.wait_for_timeout(1)  # lets what was received be counted
    sent = sum(received) / (2 * seconds)
    click = _click(shown)
    context.close()
    return {"cpu": cpu, "bytes": sent, "click": click}


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


def _closed(browser: Browser, address: str, pages: int, workspace: Any) -> dict[str, Any]:
    process, at_first = psutil.Process(), 0
    threads = threading.active_count()
    for number in range(pages):
        _paint(browser, address)
        if number == min(4, pages - 1):
            _settle(workspace)
            at_first = process.memory_info().rss
    _settle(workspace)
    grown = process.memory_info().rss / at_first - 1
    left = max(0, threading.active_count() - threads) + watch(workspace).screens
    return {"grown": grown, "left": left, "pages": pages}


def _settle(workspace: Any) -> None:
    import gc

    over = time.monotonic() + 30
    while watch(workspace).screens and time.monotonic() < over:
        time.sleep(0.1)
    time.sleep(1)
    gc.collect()


def _frame(rows: int) -> float:
    table = pa.table({"number": range(rows), "text": [f"row {n}" for n in range(rows)]})
    begun = time.perf_counter()
    grid = Grid()
    grid.fill(sheet_of(table))
    assert len(grid.rows) == min(rows, grid.page_size)
    return time.perf_counter() - begun
