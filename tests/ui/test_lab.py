"""In a real JupyterLab: what cells show can be seen, and used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Page, expect

from tests.ui.browsing import EITHER, EXPECTED, OTHERS, faults_of, looked_at, until, write
from tests.ui.lab import asked, lab, notebook, run, run_all

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

_PATIENCE = 90_000.0
"""Milliseconds: one kernel serves all that is shown, and a notebook of 9 MB is loaded anew."""

MADE = """
import streamops_nb as so
from tests.ops.operated import plant
from streamops_nb.ui.ipywidgets.board import Board, preview_widget
ws = so.connect("NAME", memory="512MB")
ws.resources.request(cu=1)
params = {"least": {"type": "DOUBLE", "default": 20, "min": 0, "max": 60}}
job = ws.save(plant("a", query="SELECT device, temp FROM r WHERE temp > $least", params=params))
"""
CELLS = [
    "ws", "job", "ws.jobs", "ws.resources", "job.summary()", "job.errors()",
    "job.preview(rows=20).show()", "job.tune()", "Board(ws, job='a').widget",
    "preview_widget(job.preview(rows=20))",
]  # fmt: skip
MORE = """ws.save(plant("b"))
ws.save(plant("c", query="SELECT CAST(device AS INTEGER) AS n FROM r", errors={"policy": "fail"}))
"""


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("lab")
    expect.set_options(timeout=_PATIENCE)
    with lab(folder) as address:
        yield folder, address
    expect.set_options(timeout=EXPECTED)


def opened(
    page: Page, jupyter: tuple[Path, str], name: str, cells: list[str], *, dark: bool = False
) -> list[Any]:
    """Run a notebook whose first cell makes a workspace; give what the others show."""
    folder, address = jupyter
    notebook(folder, f"{name}.ipynb", [MADE.replace("NAME", name), *cells])
    page.set_default_timeout(_PATIENCE)
    run_all(page, address, f"{name}.ipynb", dark=dark)
    found = page.locator(".jp-Notebook .jp-CodeCell")
    return [found.nth(n).locator(".jp-OutputArea") for n in range(1, len(cells) + 1)]


def test_every_component_is_shown_and_follows_the_others(
    jupyter: tuple[Path, str], chromium: Any
) -> None:
    with looked_at(chromium, jupyter[1], height=3_600) as page:
        shown = opened(page, jupyter, "parts", CELLS)
        workspace, job, jobs, resources, summary, errors, preview, tune, board, rows = shown
        workspace.get_by_label("start a", exact=True).click()
        expect(workspace.locator("tr[data-key=a]")).to_contain_text("RUNNING")
        expect(job.get_by_role("button", name="Pause a", exact=True)).to_be_enabled()
        job.get_by_role("tab", name="History").click()
        expect(job.get_by_text("ws.start('a')")).to_be_visible()
        expect(jobs.locator("tr[data-key=a]")).to_contain_text("RUNNING")
        expect(resources.get_by_text("0.1 / 1 CU used")).to_be_visible()
        expect(summary.locator(".tile", has_text="Batches").locator("b")).not_to_have_text("0")
        errors.get_by_role("button", name="Rejects").click()
        expect(errors.get_by_role("columnheader", name="reason")).to_be_visible()
        expect(preview.get_by_text("Output: result")).to_be_visible()
        expect(tune.get_by_text("no difference from the start")).to_be_visible()
        expect(rows.get_by_role("tab", name="result")).to_be_visible()
        expect(board.get_by_text("RUNNING")).to_be_visible()
        board.get_by_role("button", name="Pause").click()
        for one in (workspace, jobs):
            expect(one.locator("tr[data-key=a]")).to_contain_text("PAUSED")
        expect(resources.get_by_text("0 / 1 CU used")).to_be_visible()
        # an icon that did not load shows its name instead
        assert page.get_by_text("play_arrow").count() == 0


@EITHER
def test_the_page_is_used_in_a_cell(
    jupyter: tuple[Path, str], chromium: Any, width: int, dark: bool
) -> None:
    with looked_at(chromium, jupyter[1], width=width, height=1_600) as page:
        (shown,) = opened(page, jupyter, f"page{width}", [f"{MORE}ws"], dark=dark)
        a, b, c = (shown.locator(f"tr[data-key={name}]") for name in "abc")

        def press(name: str, within: Any = shown) -> None:
            within.get_by_role("button", name=name, exact=True).click()

        dialog = page.get_by_role("dialog")
        press("Request…")
        write(dialog.get_by_label("CU for this workspace"), "2")
        press("Request", dialog)
        expect(shown.get_by_text("0 / 2 CU used")).to_be_visible()
        # several, of which one is refused
        shown.get_by_label("start b", exact=True).click()
        expect(b).to_contain_text("RUNNING")
        shown.get_by_label("select all jobs of this page").check()
        press("Pause")
        expect(dialog).to_contain_text("no pause while it is PUBLISHED")
        press("Pause 1 of 3", dialog)
        expect(b).to_contain_text("PAUSED")
        expect(a).to_contain_text("PUBLISHED")
        # one fails: the rows of its error are previewed, and it is stopped
        shown.get_by_label("start c", exact=True).click()
        expect(c).to_contain_text("FAILED")
        shown.get_by_label("open c", exact=True).click()
        shown.get_by_role("tab", name="Errors").click()
        shown.get_by_role("cell", name="TooManyRejects").click()
        press("Preview these rows")
        expect(shown.get_by_role("heading", name="Input: r")).to_be_visible()
        press("Stop c")
        expect(dialog).to_contain_text("Window state is dropped")
        press("Stop", dialog)
        expect(shown.locator(".chip:visible", has_text="STOPPED")).to_be_visible()
        press("Back")
        # a preview is changed, compared and started
        shown.get_by_label("open a", exact=True).click()
        shown.get_by_role("tab", name="Preview").click()
        press("Run preview")
        expect(shown.get_by_role("heading", name="Input: r")).to_be_visible()
        write(shown.get_by_label("$least"), "40")
        press("Run with changes")
        expect(shown.get_by_role("button", name="Save and start")).to_be_visible()
        press("Compare with before")
        expect(shown.get_by_role("button", name="Compared")).to_be_visible()
        press("Save and start")
        expect(shown.locator(".chip:visible", has_text="RUNNING")).to_be_visible()
        shown.get_by_role("tab", name="Configuration").click()
        shown.get_by_role("cell", name="1", exact=True).first.click()
        press("Roll back to this version")
        expect(shown.get_by_text("ws.roll_back('a', 1)")).to_be_visible()
        with page.expect_download() as coming:
            press("Export")
        assert coming.value.suggested_filename == "a.yaml"
        assert faults_of(page, within=".jp-OutputArea") == {}


SCREENS = "from streamops_nb.ui.bridge import watch; print(watch(ws).screens)"


def test_a_page_that_is_loaded_anew_shows_the_present_and_cells_that_are_cleared_let_go(
    jupyter: tuple[Path, str], chromium: Any
) -> None:
    with looked_at(chromium, jupyter[1], height=1_600) as page:
        shown, jobs = opened(page, jupyter, "again", ["ws", "ws.jobs"])
        a = shown.locator("tr[data-key=a]")
        expect(a).to_contain_text("PUBLISHED")
        run(page, "docmanager:save")
        page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
        asked(page, "ws.start('a')")
        page.reload()
        expect(a).to_contain_text("RUNNING")

        def paused() -> bool:
            # a press in the moment in which the present takes the place of what was saved is lost
            with suppress(Error):
                shown.get_by_label("pause a", exact=True).click(timeout=3_000)
            page.wait_for_timeout(1_000)
            return "PAUSED" in a.inner_text()

        until(paused)
        for one in (shown, jobs):
            expect(one.locator("tr[data-key=a]")).to_contain_text("PAUSED")
        assert asked(page, SCREENS) == "2"
        # a cell that is run again has one screen, not two; one that is moved is alive
        page.locator(".jp-Notebook .jp-CodeCell").nth(1).locator(".jp-InputPrompt").click()
        run(page, "notebook:run-cell")
        until(lambda: asked(page, SCREENS) == "2")
        shown.get_by_label("start a", exact=True).click()
        expect(jobs.locator("tr[data-key=a]")).to_contain_text("RUNNING")
        run(page, "notebook:clear-all-cell-outputs")
        until(lambda: asked(page, SCREENS) == "0")


SURVIVE = """
from tests.ui.doors import Line
from streamops_nb.ui.panel import notebook
from streamops_nb.ui.state.board import Board
hostile = "<img src=x onerror=document.title='taken'>"
query = "SELECT '<img src=x>' AS x FROM r"
for n in range(30):
    ws.save(plant(f"job_{n:02}", owner=hostile, tags=[hostile], description=hostile, query=query))
def broken(self, order):
    raise ZeroDivisionError("a bug in sorting")
Board.sort = broken
line = Line(ws)
notebook.workspace(line)
"""


@OTHERS
def test_what_is_chosen_survives_and_what_goes_wrong_is_seen(
    jupyter: tuple[Path, str], chromium: Any, width: int, dark: bool
) -> None:
    with looked_at(chromium, jupyter[1], width=width, height=700) as page:
        (shown,) = opened(page, jupyter, f"survive{width}", [SURVIVE], dark=dark)
        row = shown.locator("tr[data-key=job_03]")
        # selection, focus and scroll, through changes of the same row
        shown.get_by_label("select job_03").check()
        focused = shown.get_by_label("start job_05")
        focused.focus()
        page.wait_for_timeout(500)  # JupyterLab scrolls to what has the focus
        top = (focused.bounding_box() or {})["y"]
        asked(page, "ws.start('job_03')")
        expect(row).to_contain_text("RUNNING")
        asked(page, "ws.pause('job_03')")
        expect(row).to_contain_text("PAUSED")
        expect(focused).to_be_focused()
        expect(shown.get_by_label("select job_03")).to_be_checked()
        assert (focused.bounding_box() or {})["y"] == top
        # the keyboard
        page.keyboard.press("Enter")
        expect(shown.locator("tr[data-key=job_05]")).to_contain_text("RUNNING")
        for _ in ("pause", "stop", "more"):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(shown.get_by_role("menuitem", name="View configuration")).to_be_focused()
        page.keyboard.press("ArrowDown")
        expect(shown.get_by_role("menuitem", name="Export")).to_be_focused()
        page.keyboard.press("Escape")
        expect(shown.get_by_label("more for job_05")).to_be_focused()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Space")
        expect(shown.locator("tr[data-key=job_05]")).to_contain_text("PAUSED")
        # the engine away and back
        asked(page, "line.cut = True")
        expect(shown.get_by_text("engine away")).to_be_visible()
        expect(row).to_contain_text("PAUSED")
        asked(page, "line.cut = False")
        expect(shown.get_by_text("engine up")).to_be_visible()
        # a bug of ours
        shown.get_by_label("sort by CU").click()
        expect(page.get_by_role("alert")).to_contain_text("ZeroDivisionError: a bug in sorting")
        # texts of strangers
        shown.get_by_label("open job_05", exact=True).click()
        for tab in ("Output", "Configuration"):
            shown.get_by_role("tab", name=tab).click()
            expect(shown.locator(":text('<img'):visible").first).to_be_visible()
        assert page.locator("img[src=x]").count() == 0
        # a preview that waits is cancelled
        shown.get_by_role("tab", name="Preview").click()
        shown.get_by_label("Rows from").click()
        page.get_by_text("next rows, live").last.click()
        write(shown.get_by_label("Rows", exact=True), "100000")
        write(shown.get_by_label("Time limit, s"), "60")
        shown.get_by_role("button", name="Run preview").click()
        shown.get_by_role("button", name="Cancel").click()
        expect(shown.get_by_text("The preview was cancelled.")).to_be_visible()
        shown.get_by_role("button", name="Back").click()
        # out and in again
        shown.get_by_label("more for a", exact=True).click()
        with page.expect_download() as coming:
            shown.get_by_role("menuitem", name="Export").click()
        text = Path(coming.value.path()).read_text()
        shown.get_by_label("more for a", exact=True).click()
        shown.get_by_role("menuitem", name="Delete…").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(shown.locator("tr[data-key=a]")).to_be_hidden()
        shown.get_by_role("button", name="Import").click()
        page.get_by_label("or paste a configuration here").fill(text)
        page.get_by_role("dialog").get_by_role("button", name="Import").click()
        expect(shown.locator("tr[data-key=a]")).to_be_visible()
