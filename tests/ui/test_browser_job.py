"""A job's page in a browser: its tabs, a preview, and the way from there to a start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from streamops_nb.model.lifecycle import Status
from tests.ui.browsing import EITHER, OTHERS, faults_of, opened_page, served, write
from tests.ui.doors import plant_of

pytestmark = pytest.mark.browser

TUNABLE: dict[str, Any] = {
    "params": {"least": {"type": "DOUBLE", "default": 0}},
    "query": "WITH warm AS (SELECT * FROM r WHERE temp > $least) SELECT device, temp FROM warm",
}


def test_the_name_opens_the_job_and_every_tab_shows_something(
    tmp_path: Path, chromium: Any
) -> None:
    with (
        plant_of(tmp_path, "a") as workspace,
        served(workspace) as address,
        opened_page(chromium, address) as page,
    ):
        workspace.start("a")
        page.get_by_label("open a", exact=True).click()
        expect(page.locator("h2")).to_have_text("a")
        expect(page.get_by_text("Records in", exact=True)).to_be_visible()
        for tab, shown in {
            "Output": "of",
            "Errors": "Grouped",
            "Configuration": "schema_version",
            "History": "save version 1",
        }.items():
            page.get_by_role("tab", name=tab).click()
            expect(page.get_by_text(shown).first).to_be_visible()
        page.get_by_role("button", name="Back").click()
        expect(page.locator("tr[data-key=a]")).to_be_visible()


def test_an_address_leads_to_a_job_and_its_tab(tmp_path: Path, chromium: Any) -> None:
    with (
        plant_of(tmp_path, "a") as workspace,
        served(workspace) as address,
        opened_page(chromium, f"{address}?job=a&tab=history") as page,
    ):
        expect(page.get_by_text("save version 1")).to_be_visible()
        page.get_by_role("tab", name="Configuration").click()
        expect(page).to_have_url(f"{address}?job=a&tab=configuration")


@EITHER
def test_a_preview_is_run_changed_compared_and_the_job_started_from_it(
    tmp_path: Path, chromium: Any, width: int, dark: bool
) -> None:
    with (
        plant_of(tmp_path, "a", **TUNABLE) as workspace,
        served(workspace) as address,
        opened_page(chromium, f"{address}?job=a&tab=preview", width=width, dark=dark) as page,
    ):
        page.get_by_role("button", name="Run preview").click()
        expect(page.get_by_text("Input: warm")).to_be_visible()
        page.get_by_role("button", name="warm", exact=False).click()
        expect(page.get_by_role("heading", name="Input: r")).to_be_visible()
        page.get_by_label("$least").fill("40")
        page.get_by_label("$least").press("Tab")
        page.get_by_role("button", name="Run with changes").click()
        expect(page.get_by_role("button", name="Save and start")).to_be_visible()
        page.get_by_role("button", name="Compare with before").click()
        expect(page.get_by_role("button", name="Compared")).to_be_visible()
        assert workspace.job("a").status is Status.PUBLISHED
        page.get_by_role("button", name="Save and start").click()
        expect(page.get_by_text("a is")).to_be_visible()
        assert (workspace.view("a").version, workspace.spec("a").params["least"].default) == (2, 40)


@OTHERS
def test_a_preview_that_waits_is_cancelled_and_then_looked_at_closer(
    tmp_path: Path, chromium: Any, width: int, dark: bool
) -> None:
    with (
        plant_of(tmp_path, "a", **TUNABLE) as workspace,
        served(workspace) as address,
        opened_page(chromium, f"{address}?job=a&tab=preview", width=width, dark=dark) as page,
    ):
        page.get_by_label("Rows from").click()
        page.get_by_text("next rows, live").last.click()
        expect(
            page.get_by_label("One row of each (fields)")
        ).to_be_hidden()  # the form is that of the way
        write(page.get_by_label("Rows", exact=True), "100000")
        write(page.get_by_label("Time limit, s"), "60")
        page.get_by_role("button", name="Run preview").click()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("The preview was cancelled.")).to_be_visible()
        page.get_by_label("Rows from").click()
        page.get_by_text("latest rows").last.click()
        write(page.get_by_label("Rows", exact=True), "50")
        page.get_by_role("button", name="Run preview").click()
        page.locator(".grid.clickable tbody tr:visible").first.click()
        expect(page.get_by_text("p.why(0, stage='result').df")).to_be_visible()
        page.get_by_label("Look closer").click()
        page.get_by_text("Sweep: many values").last.click()
        page.get_by_label("for example: threshold").fill("least = 0, 1000")
        page.get_by_role("button", name="Ask").click()
        expect(page.get_by_text("2 of 2 combinations on the same sample.")).to_be_visible()
        page.get_by_label("Look closer").click()
        page.get_by_text("Write a test (pytest)").last.click()
        with page.expect_download() as coming:
            page.get_by_role("button", name="Ask").click()
        assert coming.value.suggested_filename == "test_a.zip"


@EITHER
def test_the_page_is_used_by_the_keyboard_alone(
    tmp_path: Path, chromium: Any, width: int, dark: bool
) -> None:
    with (
        plant_of(tmp_path, "a") as workspace,
        served(workspace) as address,
        opened_page(chromium, address, width=width, dark=dark) as page,
    ):

        def reach(label: str) -> None:
            focused = page.evaluate(_FOCUSED)
            for _ in range(60):
                if focused == label:
                    return
                page.keyboard.press("Tab")
                focused = page.evaluate(_FOCUSED)
            raise AssertionError(f"{label} is not reached, but {focused}")

        reach("start a")
        page.keyboard.press("Enter")
        expect(page.locator("tr[data-key=a]")).to_contain_text("RUNNING")
        reach("more for a")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        reach("stop a")
        page.keyboard.press("Space")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("half-filled windows are not emitted")
        reach("Stop")
        page.keyboard.press("Enter")
        expect(page.locator("tr[data-key=a]")).to_contain_text("STOPPED")
        reach("open a")
        page.keyboard.press("Enter")
        expect(page.locator("h2")).to_have_text("a")
        reach("Summary")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(page.get_by_role("tab", name="Output")).to_have_attribute("aria-selected", "true")


_FOCUSED = """() => {
    let at = document.activeElement
    while (at && at.shadowRoot && at.shadowRoot.activeElement) at = at.shadowRoot.activeElement
    return at ? (at.getAttribute("aria-label") || at.textContent || "").trim() : ""
}"""


@pytest.mark.parametrize("dark", [False, True])
def test_no_tab_of_a_job_nor_a_new_job_has_a_serious_fault(
    tmp_path: Path, chromium: Any, dark: bool
) -> None:
    with (
        plant_of(tmp_path, "a") as workspace,
        served(workspace) as address,
        opened_page(chromium, f"{address}?job=a", width=900 if dark else 1280, dark=dark) as page,
    ):
        workspace.start("a")
        page.wait_for_timeout(1_000)  # colours fade over
        found = {}
        tabs = ("Summary", "Output", "Preview", "Errors", "Runs", "Configuration", "History")
        for tab in tabs:
            page.get_by_role("tab", name=tab).click()
            if tab == "Preview":
                page.get_by_role("button", name="Run preview").click()
                expect(page.get_by_role("heading", name="Input: r")).to_be_visible()
            page.wait_for_timeout(600)
            found[tab] = faults_of(page)
        page.get_by_role("button", name="Back").click()
        page.get_by_role("button", name="New job").click()
        expect(page.get_by_text("The specification is right.")).to_be_visible()
        page.wait_for_timeout(600)  # buttons fade from disabled to enabled
        found["new"] = faults_of(page)
        assert not any(found.values()), found
