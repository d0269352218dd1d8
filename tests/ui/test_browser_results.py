"""Running results in a browser: errors, rejects, failures, runs, alarms, versions."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from streamops_nb.model.lifecycle import Status
from tests.ui.browsing import EITHER, OTHERS, faults_of, opened_page, served, until
from tests.ui.doors import Line, plant_of

pytestmark = pytest.mark.browser

STRICT = "SELECT device, CAST(device AS INTEGER) AS n FROM r"
KIND = "SELECT device, TRY_CAST(device AS INTEGER) AS n FROM r"


@OTHERS
def test_a_failure_is_looked_at_its_rows_previewed_and_its_batch_replayed(
    tmp_path: Path, chromium: Any, width: int, dark: bool
) -> None:
    with plant_of(tmp_path, "a", query=STRICT, errors={"policy": "fail"}) as workspace:
        workspace.start("a")
        until(lambda: workspace.job("a").status is Status.FAILED)
        with (
            served(workspace) as address,
            opened_page(chromium, f"{address}?job=a&tab=errors", width=width, dark=dark) as page,
        ):
            page.get_by_role("button", name="Replay it").click()
            expect(page.get_by_text("The batch was replayed; nothing was written.")).to_be_visible()
            with page.expect_download() as coming:
                page.get_by_role("button", name="Download the capsule").click()
            assert coming.value.suggested_filename == "a-failure.zip"
            page.get_by_role("cell", name="TooManyRejects").click()
            expect(page.locator(".details")).to_contain_text("TooManyRejects")
            page.get_by_role("button", name="Preview these rows").click()
            expect(page.get_by_role("heading", name="Input: r").last).to_be_visible()
            expect(page.get_by_role("button", name="Rejects", exact=False).last).to_be_visible()
            assert workspace.job("a").status is Status.FAILED


class Held(Line):
    """A workspace that says no more of a job until it is let go."""

    def __init__(self, workspace: Any) -> None:
        super().__init__(workspace)
        self.goes_on = Event()

    def job(self, name: str) -> Any:
        self.goes_on.wait(30)
        return self._workspace.job(name)


def test_a_press_counts_when_the_page_moves_beneath_it(tmp_path: Path, chromium: Any) -> None:
    with plant_of(tmp_path, "a", query=STRICT, errors={"policy": "fail"}) as workspace:
        workspace.start("a")
        until(lambda: workspace.job("a").status is Status.FAILED)
        line = Held(workspace)
        with (
            served(line) as address,
            opened_page(chromium, f"{address}?job=a&tab=errors") as page,
        ):
            page.get_by_role("cell", name="TooManyRejects").click()
            button = page.get_by_role("button", name="Preview these rows")
            before = _pressed(page, button)
            line.goes_on.set()
            expect(page.get_by_text("The batch that failed is kept")).to_be_visible()
            assert button.bounding_box() != before
            page.mouse.up()
            expect(page.get_by_role("heading", name="Input: r")).to_be_visible()


def test_a_row_is_the_one_that_was_pressed_when_others_come(tmp_path: Path, chromium: Any) -> None:
    with (
        plant_of(tmp_path, "a") as workspace,
        served(workspace) as address,
        opened_page(chromium, f"{address}?job=a&tab=history") as page,
    ):
        workspace.start("a")
        workspace.pause("a")
        expect(page.get_by_role("cell", name="RUNNING → PAUSING", exact=True)).to_be_visible()
        expect(page.get_by_role("cell", name="PAUSING → PAUSED", exact=True)).to_be_visible()
        row = page.get_by_role("row", name="ws.start('a')")
        before = _pressed(page, row)
        workspace.stop("a")
        expect(page.get_by_role("cell", name="ws.stop('a')")).to_be_visible()
        assert row.bounding_box() != before
        page.mouse.up()
        expect(page.get_by_role("log")).to_contain_text("ws.start('a')")


def _pressed(page: Page, what: Locator) -> Any:
    """Press a button of the mouse on something; give where that is."""
    place = what.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.down()
    return place


def test_rejects_are_tried_again_under_another_query_and_healed(
    tmp_path: Path, chromium: Any
) -> None:
    with plant_of(tmp_path, "a", query=STRICT) as workspace:
        workspace.start("a")
        until(lambda: len(workspace.rejects("a", kind="expression")) > 1)
        workspace.pause("a")
        kept = len(workspace.rejects("a", kind="expression"))
        with (
            served(workspace) as address,
            opened_page(chromium, f"{address}?job=a&tab=errors") as page,
        ):
            page.get_by_role("button", name="Rejects").click()
            page.get_by_label("Kind").click()
            page.get_by_text("expression", exact=True).last.click()
            page.get_by_label("Query").fill(KIND)
            page.get_by_label("Query").press("Tab")
            page.get_by_role("button", name="Try again with these changes").click()
            expect(page.get_by_text(f"healed {kept} of {kept} rejects").first).to_be_visible()
            page.get_by_role("button", name="Write the healed rows").click()
            expect(page.get_by_text(f"{kept} rows were written to the output")).to_be_visible()
        assert len(workspace.job("a").output) == kept


def test_two_runs_are_compared_and_their_metrics_drawn(tmp_path: Path, chromium: Any) -> None:
    with plant_of(tmp_path, "a") as workspace:
        for _ in range(2):
            workspace.start("a")
            until(lambda: workspace.view("a").rows_in > 0)
            workspace.stop("a")
        with (
            served(workspace) as address,
            opened_page(chromium, f"{address}?job=a&tab=runs") as page,
        ):
            page.get_by_role("cell", name="2", exact=True).first.click()
            expect(page.get_by_text("The metrics below are of run 2.")).to_be_visible()
            expect(page.locator("figure.lines polyline").first).to_be_attached()
            page.get_by_label("Compare with run").click()
            page.get_by_text("run 1", exact=True).last.click()
            expect(page.get_by_role("cell", name="rows_in", exact=True)).to_be_visible()
            expect(page.get_by_text("ws.compare_runs('a', 1, 2)")).to_be_visible()


def test_an_alarm_is_set_raised_and_removed(tmp_path: Path, chromium: Any) -> None:
    with (
        plant_of(tmp_path, "a") as workspace,
        served(workspace) as address,
        opened_page(chromium, address) as page,
    ):
        workspace.start("a")
        page.get_by_label("more for a", exact=True).click()
        page.get_by_role("menuitem", name="Alarm…").click()
        page.get_by_label("Name", exact=True).fill("up")
        page.get_by_label("Condition", exact=True).fill("status = RUNNING")
        page.get_by_label("Condition", exact=True).press("Tab")
        page.get_by_role("button", name="Set alarm").click()
        expect(page.get_by_text("ws.alarms.set('up', when='status = RUNNING'")).to_be_visible()
        assert workspace.alarms.rules["up"].jobs == ("a",)
        until(lambda: workspace.alarms.active("a") == ["up"])
        expect(page.get_by_role("log")).to_contain_text("up: a")
        assert faults_of(page) == {}
        page.get_by_role("cell", name="up", exact=True).click()
        page.get_by_role("button", name="Remove").click()
        expect(page.get_by_text("The alarm up is removed.")).to_be_visible()
        assert "up" not in workspace.alarms.rules


@EITHER
def test_a_version_is_looked_at_and_rolled_back(
    tmp_path: Path, chromium: Any, width: int, dark: bool
) -> None:
    with plant_of(tmp_path, "a") as workspace:
        first = workspace.spec("a")
        workspace.save({**first.model_dump(mode="json"), "description": "another"})
        with (
            served(workspace) as address,
            opened_page(
                chromium, f"{address}?job=a&tab=configuration", width=width, dark=dark
            ) as page,
        ):
            expect(page.locator("table.difference .added")).to_contain_text("another")
            page.get_by_role("cell", name="1", exact=True).first.click()
            page.get_by_role("button", name="Roll back to this version").click()
            expect(page.get_by_text("ws.roll_back('a', 1)")).to_be_visible()
        assert (workspace.view("a").version, workspace.spec("a")) == (3, first)
