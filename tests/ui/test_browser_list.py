"""The list in a browser, as a person sees and uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from streamops_nb.model.lifecycle import Status
from tests.ui.browsing import opened_page, served
from tests.ui.doors import plant_of

pytestmark = pytest.mark.browser


def test_a_job_is_started_paused_and_stopped_by_clicking(tmp_path: Path, chromium: Any) -> None:
    with (
        plant_of(tmp_path, "a", "b") as workspace,
        served(workspace) as address,
        opened_page(chromium, address) as page,
    ):
        row = page.locator("tr[data-key=a]")
        row.get_by_label("start a", exact=True).click()
        expect(row).to_contain_text("RUNNING")
        row.get_by_label("pause a").click()
        expect(row).to_contain_text("PAUSED")
        row.get_by_label("stop a").click()
        expect(page.get_by_role("dialog")).to_contain_text("Window state and position are cleared")
        page.get_by_role("dialog").get_by_role("button", name="Stop", exact=True).click()
        expect(row).to_contain_text("STOPPED")
        expect(page.locator("tr[data-key=b]")).to_contain_text("PUBLISHED")
        assert workspace.job("a").status is Status.STOPPED
