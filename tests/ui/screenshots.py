"""The pictures of the documents: ``python -m tests.ui.screenshots docs/img``."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from streamops_nb.ops.workspace import Workspace
from tests.ops.operated import opened
from tests.ui.browsing import browser, opened_page, served

__all__ = ["main"]

_FIELDS = {
    "ts": "TIMESTAMPTZ",
    "device": "VARCHAR",
    "line": "VARCHAR",
    "temp": "DOUBLE",
    "energy": "DOUBLE",
}
_HOT = """WITH hot AS (SELECT * FROM readings WHERE temp > $threshold)
SELECT window_start, line, count(*) AS n, round(avg(temp), 1) AS mean, max(temp) AS peak
FROM tumble(hot, ts, INTERVAL 10 SECONDS)
GROUP BY window_start, line
"""
_JOBS: dict[str, tuple[str, float, str]] = {
    "hot_minutes": (_HOT, 0.5, "amira"),
    "energy_by_line": (
        """SELECT window_start, line, round(sum(energy), 2) AS energy
FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY window_start, line
""",
        0.25,
        "amira",
    ),
    "copy_of_all": ("SELECT * FROM readings\n", 0.1, "jo"),
    "peaks": ("SELECT ts, device, temp FROM readings WHERE temp > 60\n", 0.1, "jo"),
    "line_quality": (
        """SELECT window_start, line, count(*) AS n
FROM hop(readings, ts, INTERVAL 5 SECONDS, INTERVAL 20 SECONDS) GROUP BY window_start, line
""",
        0.25,
        "sven",
    ),
    "nightly_report": ("SELECT device, temp FROM readings\n", 4.0, "sven"),
    "strict": ("SELECT ts, device, temp FROM readings\n", 0.1, "jo"),
}


def _built(folder: Path) -> Workspace:
    workspace = opened(folder)
    workspace.resources.request(cu=2)
    for name, (query, cu, owner) in _JOBS.items():
        source = {"type": "simulator", "devices": 60, "rate": 400, "late": 0.01}
        stream = {"source": source, "schema": _FIELDS, "event_time": "ts", "watermark_delay": "2s"}
        spec: dict[str, Any] = {
            "name": name,
            "owner": owner,
            "tags": ["plant", "night"] if name == "nightly_report" else ["plant"],
            "streams": {"readings": stream},
            "query": query,
            "resources": {"cu": cu},
        }
        if "$threshold" in query:
            spec["params"] = {"threshold": 30.0}
        if name == "strict":
            spec["errors"] = {"policy": "fail"}
            source["broken"] = 0.05
        workspace.save(spec)
    workspace.save(
        {**workspace.spec("hot_minutes").model_dump(mode="json"), "params": {"threshold": 35.0}},
        comment="fewer false alarms",
    )
    workspace.start([name for name in _JOBS if name != "nightly_report"])
    workspace.pause("line_quality", why="maintenance of line 3")
    workspace.stop("peaks")
    return workspace


def _plain(page: Page) -> None:
    page.wait_for_timeout(1_500)


def _plan(page: Page) -> None:
    page.get_by_label("select all jobs of this page").check()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("dialog").wait_for()
    page.wait_for_timeout(800)


def _previewed(page: Page) -> None:
    page.get_by_role("button", name="Run preview").click()
    page.get_by_text("Input: hot").wait_for()
    page.wait_for_timeout(800)


def _why(page: Page) -> None:
    _previewed(page)
    page.locator(".grid.clickable tbody tr:visible").first.click()
    page.get_by_text("p.why(0").wait_for()
    page.wait_for_timeout(800)


def _rejects(page: Page) -> None:
    page.get_by_role("button", name="Rejects").click()
    page.get_by_role("button", name="Try again with these changes").click()
    page.get_by_text("This tries the same:").wait_for()
    page.wait_for_timeout(800)


def _alarms(page: Page) -> None:
    page.get_by_role("button", name="Alarms").click()
    page.get_by_role("button", name="Set alarm").wait_for()
    page.wait_for_timeout(800)


def _new(page: Page) -> None:
    page.get_by_role("button", name="New job").click()
    page.get_by_text("The specification is right.").wait_for()
    page.wait_for_timeout(800)


_PICTURES: dict[str, tuple[str, int, bool, Callable[[Page], None]]] = {
    "list": ("", 1280, False, _plain),
    "list-dark": ("", 900, True, _plain),
    "plan": ("", 1280, False, _plan),
    "summary": ("?job=hot_minutes", 1280, False, _plain),
    "summary-dark": ("?job=hot_minutes", 900, True, _plain),
    "preview": ("?job=hot_minutes&tab=preview", 1280, False, _previewed),
    "preview-dark": ("?job=hot_minutes&tab=preview", 900, True, _previewed),
    "errors": ("?job=strict&tab=errors", 1280, False, _plain),
    "why": ("?job=hot_minutes&tab=preview", 1280, False, _why),
    "rejects": ("?job=hot_minutes&tab=errors", 1280, False, _rejects),
    "runs": ("?job=hot_minutes&tab=runs", 1280, False, _plain),
    "runs-dark": ("?job=hot_minutes&tab=runs", 900, True, _plain),
    "alarms": ("", 1280, False, _alarms),
    "configuration": ("?job=hot_minutes&tab=configuration", 1280, False, _plain),
    "history": ("?job=line_quality&tab=history", 1280, False, _plain),
    "new": ("", 1280, False, _new),
}


def _picture(chromium: Browser, address: str, name: str, folder: Path) -> None:
    query, width, dark, do = _PICTURES[name]
    with opened_page(chromium, f"{address}{query}", width=width) as page:
        if dark:
            page.get_by_label("Toggle theme").click()
            page.mouse.move(5, 700)
        do(page)
        page.screenshot(path=folder / f"{name}.png")


def main(folder: Path, names: list[str]) -> None:
    """Take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        workspace = _built(Path(made) / "plant.streamops")
        with workspace, served(workspace) as address, browser() as chromium:
            time.sleep(25)  # until windows have closed and the charts have lines
            for name in names or _PICTURES:
                _picture(chromium, address, name, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
