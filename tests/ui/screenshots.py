"""Pictures of every screen and state: ``python -m tests.ui.screenshots FOLDER [NAME …]``.

A name alone is 1280 px wide and light; with ``-dark`` 900 and dark, ``-narrow`` 900 and light,
``-night`` 1280 and dark.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Timer
from typing import Any

from playwright.sync_api import Browser, Page

from streamops_nb.ops.workspace import Workspace
from tests.ops.operated import opened, plant
from tests.ui.browsing import browser, opened_page, served
from tests.ui.doors import Line

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


def _many(folder: Path) -> Workspace:
    """As many jobs as a plant has."""
    workspace = opened(folder)
    workspace.resources.request(cu=8)
    names = [f"line_{n // 20:02}_sensor_{n % 20:02}" for n in range(400)]
    for number, name in enumerate(names):
        workspace.save(
            plant(name, owner=f"owner{number % 7}", tags=["plant"], resources={"cu": 0.05})
        )
    workspace.start(names[:40])
    workspace.pause(names[5])
    return workspace


class _Slow(Line):
    """A workspace that does not answer for as long as a picture takes."""

    def views(self) -> Any:
        time.sleep(8)
        return self._workspace.views()


def _plain(page: Page) -> None:
    page.wait_for_timeout(1_500)


def _pressed(*names: str, then: str = "") -> Callable[[Page], None]:
    """Press buttons, one after the other, and wait for a text."""

    def do(page: Page) -> None:
        for name in names:
            page.get_by_role("button", name=name, exact=True).first.click()
        if then:
            page.get_by_text(then).first.wait_for()
        page.wait_for_timeout(900)

    return do


def _all_of(verb: str) -> Callable[[Page], None]:
    def do(page: Page) -> None:
        page.get_by_label("select all jobs of this page").check()
        _pressed(verb)(page)

    return do


def _menu(job: str, item: str) -> Callable[[Page], None]:
    def do(page: Page) -> None:
        page.get_by_label(f"more for {job}", exact=True).click()
        if item:
            page.get_by_role("menuitem", name=item).click()
        page.wait_for_timeout(1_500)

    return do


_PREVIEWED = _pressed("Run preview", then="Input: hot")


def _query(page: Page) -> None:
    page.get_by_label("show more").click()
    page.wait_for_timeout(900)


def _why(page: Page) -> None:
    _PREVIEWED(page)
    page.locator(".grid.clickable tbody tr:visible").first.click()
    page.get_by_text("p.why(0").wait_for()
    page.wait_for_timeout(800)


def _details(page: Page) -> None:
    page.get_by_role("cell", name="TooManyRejects").click()
    page.get_by_role("button", name="Preview these rows").wait_for()
    page.wait_for_timeout(800)


def _wrong(page: Page) -> None:
    page.get_by_label("Specification (YAML)").fill("name: my job\nquery: SELECT * FROM nothing\n")
    page.get_by_text("fault").first.wait_for()
    page.wait_for_timeout(1_500)


def _run(page: Page) -> None:
    page.get_by_role("cell", name="1", exact=True).first.click()
    page.wait_for_timeout(1_500)


_PICTURES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "list": ("", _plain),
    "selected": ("", lambda page: page.get_by_label("select peaks").check()),
    "menu": ("", _menu("hot_minutes", "")),
    "plan": ("", _all_of("Start")),
    "stop": ("", _pressed("stop hot_minutes")),
    "delete": ("", _menu("peaks", "Delete…")),
    "from": ("", _menu("peaks", "Start from…")),
    "request": ("", _pressed("Request…")),
    "import": ("", _pressed("Import")),
    "notices": ("", _pressed("start nightly_report", "pause copy_of_all", "start copy_of_all")),
    "alarms": ("", _pressed("Alarms 1")),
    "new": ("", _pressed("New job", then="The specification is right.")),
    "wrong": ("", lambda page: (_pressed("New job")(page), _wrong(page))[0]),
    "summary": ("?job=hot_minutes", _plain),
    "failed": ("?job=strict", _plain),
    "output": ("?job=copy_of_all&tab=output", _plain),
    "unstarted": ("?job=nightly_report&tab=output", _plain),
    "unstarted-summary": ("?job=nightly_report", _plain),
    "form": ("?job=hot_minutes&tab=preview", _query),
    "preview": ("?job=hot_minutes&tab=preview", _PREVIEWED),
    "why": ("?job=hot_minutes&tab=preview", _why),
    "errors": ("?job=strict&tab=errors", _plain),
    "details": ("?job=strict&tab=errors", _details),
    "no-errors": ("?job=nightly_report&tab=errors", _plain),
    "rejects": ("?job=hot_minutes&tab=errors", _pressed("Rejects")),
    "healed": (
        "?job=hot_minutes&tab=errors",
        _pressed("Rejects", "Try again with these changes", then="This tries the same:"),
    ),
    "runs": ("?job=hot_minutes&tab=runs", _run),
    "configuration": ("?job=hot_minutes&tab=configuration", _plain),
    "history": ("?job=line_quality&tab=history", _plain),
    "no-job": ("?job=nowhere", _plain),
    "empty": ("", _plain),
    "loading": ("", lambda page: page.wait_for_timeout(300)),
    "away": ("", lambda page: page.get_by_text("engine away").wait_for()),
    "many": ("", _plain),
}
_ELSEWHERE = ("empty", "loading", "away", "many")
"""Those of a workspace of their own, by its name."""

_LOOKS = {"-dark": (900, True), "-narrow": (900, False), "-night": (1280, True)}


def _picture(chromium: Browser, address: str, name: str, folder: Path) -> None:
    base, end = _split(name)
    query, do = _PICTURES[base]
    width, dark = _LOOKS.get(end, (1280, False))
    with opened_page(chromium, f"{address}{query}", width=width, dark=dark) as page:
        do(page)
        page.screenshot(path=folder / f"{name}.png")


def _split(name: str) -> tuple[str, str]:
    base, dash, end = name.rpartition("-")
    return (base, dash + end) if dash + end in _LOOKS else (name, "")


def main(folder: Path, names: list[str]) -> None:
    """Take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted: dict[str, list[str]] = {}
    for name in names or _PICTURES:
        base = _split(name)[0]
        wanted.setdefault(base if base in _ELSEWHERE else "plant", []).append(name)
    with tempfile.TemporaryDirectory() as made, ExitStack() as held:
        chromium = held.enter_context(browser())
        for kind, pictures in wanted.items():
            build = {"plant": _built, "many": _many}.get(kind, opened)
            workspace: Any = held.enter_context(build(Path(made) / kind / "plant.streamops"))
            door = {"loading": _Slow, "away": Line}.get(kind, lambda one: one)(workspace)
            address = held.enter_context(served(door))
            if kind == "plant":
                time.sleep(25)  # until windows have closed and the charts have lines
            if kind == "away":  # once the page is seen
                Timer(8, lambda line=door: setattr(line, "cut", True)).start()
            for name in pictures:
                _picture(chromium, address, name, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
