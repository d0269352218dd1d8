"""Workspaces and jobs for the tests of the door."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamops_nb as so
from streamops_nb.ops.workspace import Workspace
from streamops_nb.testing import FakeClock

__all__ = ["COUNT", "appended", "opened", "plant", "until"]

COUNT = """
    SELECT window_start, window_end, device, count(*) AS n, sum(temp) AS total
    FROM tumble(r, ts, INTERVAL 10 SECONDS) GROUP BY ALL"""


def plant(name: str, *, cu: float = 0.1, query: str = "SELECT * FROM r", **more: Any) -> dict:
    """A job over a simulated plant, a few records a second."""
    source = {"type": "simulator", "rate": 20, **more.pop("source", {})}
    fields = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
    stream = {"source": source, "schema": fields, "event_time": "ts", "watermark_delay": "2s"}
    return {
        "name": name,
        "streams": {"r": stream},
        "query": query,
        "resources": {"cu": cu},
        **more,
    }


def appended(name: str, *, query: str = COUNT, stream: str = "log", **more: Any) -> dict:
    """A job over rows that the test appends to a stream of the workspace."""
    source = {"type": "table", "stream": stream}
    fields = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
    read = {"source": source, "schema": fields, "event_time": "ts", "max_ahead": None}
    return {"name": name, "streams": {"r": read}, "query": query, **more}


def opened(folder: Path, clock: FakeClock | None = None, **how: Any) -> Workspace:
    """Open a workspace with CU enough for all."""
    if clock is not None:
        how["now"] = clock.now
    workspace = so.connect(folder, memory="512MB", **how)
    workspace.resources.ensure()
    return workspace


def until(true: Callable[[], object], seconds: float = 90.0) -> None:
    """Wait for something that happens on another thread."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
