"""A job's page in a browser: its tabs, a preview, and the way from there to a start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from streamops_nb.model.lifecycle import Status
from tests.ui.browsing import opened_page, served
from tests.ui.doors import plant_of

pytestmark = pytest.mark.browser


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


def test_a_preview_is_run_changed_compared_and_the_job_started_from_it(
    tmp_path: Path, chromium: Any
) -> None:
    params = {"least": {"type": "DOUBLE", "default": 0}}
    query = "WITH warm AS (SELECT * FROM r WHERE temp > $least) SELECT device, temp FROM warm"
    with (
        plant_of(tmp_path, "a", query=query, params=params) as workspace,
        served(workspace) as address,
        opened_page(chromium, f"{address}?job=a&tab=preview") as page,
    ):
        page.get_by_label("Toggle theme").click()  # parts that come now load nothing from a CDN
        page.get_by_role("button", name="Run preview").click()
        expect(page.get_by_text("Input: warm")).to_be_visible()
        page.get_by_role("button", name="warm", exact=False).click()
        expect(page.get_by_text("Input: r", exact=True)).to_be_visible()
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
