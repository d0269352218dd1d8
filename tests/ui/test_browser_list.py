"""The list in a browser, as a person sees and uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from streamops_nb.model.lifecycle import Status
from streamops_nb.ui.bridge import watch
from tests.ui.browsing import EITHER, OTHERS, faults_of, looked_at, opened_page, served, until
from tests.ui.doors import Line, plant_of

pytestmark = pytest.mark.browser


def test_the_list_is_seen_before_the_scripts_have_come_and_waits_for_them(
    tmp_path: Path, chromium: Any
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with (
        plant_of(tmp_path, "a", tags=["</script><h2>hot"]) as workspace,
        served(workspace) as address,
        looked_at(chromium, address) as page,
    ):
        page.route("**/bokeh.min.js*", hold)
        page.goto(address, wait_until="commit")
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
        line = page.context.new_cdp_session(page)
        assert "&lt;/script&gt;&lt;h2&gt;hot" in _seen(line, "tr[data-key=a]")["outerHTML"]
        left, top, *_ = _seen(line, "button[aria-label='start a']")["model"]["content"]
        page.mouse.click(left + 5, top + 5)

        held[0].continue_()
        expect(page.locator("tr[data-key=a]")).to_contain_text("PUBLISHED")  # not pressed too soon
        expect(page.locator("#first")).to_have_count(0)
        page.get_by_label("start a", exact=True).click()
        expect(page.locator("tr[data-key=a]")).to_contain_text("RUNNING")


def _seen(line: Any, selector: str) -> dict[str, Any]:
    """Give what the browser shows, from where no selector of the page reaches."""
    line.send("DOM.enable")
    line.send("DOM.getDocument", {"depth": -1, "pierce": True})
    found = line.send("DOM.performSearch", {"query": selector, "includeUserAgentShadowDOM": True})
    wanted = {"searchId": found["searchId"], "fromIndex": 0, "toIndex": 1}
    node = {"nodeId": line.send("DOM.getSearchResults", wanted)["nodeIds"][0]}
    return {**line.send("DOM.getOuterHTML", node), **line.send("DOM.getBoxModel", node)}


@EITHER
def test_a_job_is_started_paused_and_stopped_by_clicking(
    tmp_path: Path, chromium: Any, width: int, dark: bool
) -> None:
    with (
        plant_of(tmp_path, "a", "b") as workspace,
        served(workspace) as address,
        opened_page(chromium, address, width=width, dark=dark) as page,
    ):
        row = page.locator("tr[data-key=a]")
        row.get_by_label("start a", exact=True).click()
        expect(row).to_contain_text("RUNNING")
        row.get_by_label("pause a").click()
        expect(row).to_contain_text("PAUSED")
        row.get_by_label("stop a").click()
        expect(page.get_by_role("dialog")).to_contain_text("Window state is dropped")
        page.get_by_role("dialog").get_by_role("button", name="Stop", exact=True).click()
        expect(row).to_contain_text("STOPPED")
        expect(page.locator("tr[data-key=b]")).to_contain_text("PUBLISHED")
        assert workspace.job("a").status is Status.STOPPED


@OTHERS
def test_several_jobs_are_paused_with_a_plan_and_the_refused_one_is_told(
    tmp_path: Path, chromium: Any, width: int, dark: bool
) -> None:
    with (
        plant_of(tmp_path, "a", "b") as workspace,
        served(workspace) as address,
        opened_page(chromium, address, width=width, dark=dark) as page,
    ):
        workspace.start("a")
        expect(page.locator("tr[data-key=a]")).to_contain_text("RUNNING")
        page.get_by_label("select all jobs of this page").check()
        page.get_by_role("button", name="Pause", exact=True).click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("no pause while it is PUBLISHED")
        dialog.get_by_role("button", name="Pause 1 of 2").click()
        expect(page.locator("tr[data-key=a]")).to_contain_text("PAUSED")
        expect(page.get_by_role("log")).to_contain_text("Pause: 1 of 2 jobs done.")


@EITHER
def test_without_resources_a_start_is_refused_until_some_are_requested(
    tmp_path: Path, chromium: Any, width: int, dark: bool
) -> None:
    with plant_of(tmp_path, "a") as workspace:
        workspace.resources.release()
        with (
            served(workspace) as address,
            opened_page(chromium, address, width=width, dark=dark) as page,
        ):
            expect(page.get_by_text("No computing resources are allocated")).to_be_visible()
            page.get_by_label("start a", exact=True).click()
            expect(page.get_by_role("log")).to_contain_text("no computing resources are allocated")
            page.wait_for_timeout(1_000)  # colours fade over
            assert faults_of(page) == {}
            page.get_by_role("button", name="Request…").click()
            page.get_by_role("dialog").get_by_role("button", name="Request", exact=True).click()
            expect(page.get_by_text("1 CU used")).to_be_visible()
            page.get_by_label("start a", exact=True).click()
            expect(page.locator("tr[data-key=a]")).to_contain_text("RUNNING")


@OTHERS
def test_selection_focus_and_scroll_survive_refreshes(
    tmp_path: Path, chromium: Any, width: int, dark: bool
) -> None:
    names = [f"job_{n:02}" for n in range(30)]
    with (
        plant_of(tmp_path, *names) as workspace,
        served(workspace) as address,
        opened_page(chromium, address, width=width, dark=dark) as page,
    ):
        page.get_by_label("select job_03").check()
        focused = page.get_by_label("start job_29")
        focused.focus()
        before = page.evaluate("window.scrollY")
        workspace.start("job_03")
        expect(page.locator("tr[data-key=job_03]")).to_contain_text("RUNNING")
        workspace.pause("job_03")
        expect(page.locator("tr[data-key=job_03]")).to_contain_text("PAUSED")
        expect(focused).to_be_focused()
        expect(page.get_by_label("select job_03")).to_be_checked()
        assert before > 0
        assert page.evaluate("window.scrollY") == before


def test_two_browsers_see_the_same(tmp_path: Path, chromium: Any) -> None:
    with (
        plant_of(tmp_path, "a") as workspace,
        served(workspace) as address,
        opened_page(chromium, address) as one,
        opened_page(chromium, address, width=900, dark=True) as other,
    ):
        one.get_by_label("start a", exact=True).click()
        expect(other.locator("tr[data-key=a]")).to_contain_text("RUNNING")
        other.get_by_label("pause a").click()
        expect(one.locator("tr[data-key=a]")).to_contain_text("PAUSED")


@EITHER
def test_what_strangers_wrote_is_shown_as_text(
    tmp_path: Path, chromium: Any, width: int, dark: bool
) -> None:
    hostile = "<img src=x onerror=document.title='taken'>"
    query = "SELECT '<img src=x>' AS x FROM r"
    more = {"owner": hostile, "tags": [hostile], "description": hostile, "query": query}
    with (
        plant_of(tmp_path, "a", **more) as workspace,
        served(workspace) as address,
        opened_page(chromium, address, width=width, dark=dark) as page,
    ):
        workspace.start("a")
        expect(page.locator("tr[data-key=a] .tag")).to_have_text(hostile)
        page.get_by_label("open a", exact=True).click()
        for tab in ("Output", "Configuration", "History"):
            page.get_by_role("tab", name=tab).click()
            expect(page.locator(":text('<img'):visible").first).to_be_visible()
        assert page.title() == "Stream Operation"
        assert page.locator("img[src=x]").count() == 0


@OTHERS
def test_a_handler_that_fails_is_seen_by_the_person(
    tmp_path: Path, chromium: Any, monkeypatch: pytest.MonkeyPatch, width: int, dark: bool
) -> None:
    from streamops_nb.ui.state.board import Board

    def broken(self: Board, order: str) -> None:
        raise ZeroDivisionError("a bug in sorting")

    monkeypatch.setattr(Board, "sort", broken)
    with (
        plant_of(tmp_path, "a") as workspace,
        served(workspace) as address,
        opened_page(chromium, address, width=width, dark=dark) as page,
    ):
        page.get_by_label("sort by CU").click()
        expect(page.get_by_role("alert")).to_contain_text("ZeroDivisionError: a bug in sorting")


@EITHER
def test_an_engine_that_goes_away_and_comes_back_is_shown(
    tmp_path: Path, chromium: Any, width: int, dark: bool
) -> None:
    with plant_of(tmp_path, "a") as workspace:
        line = Line(workspace)
        with (
            served(line) as address,
            opened_page(chromium, address, width=width, dark=dark) as page,
        ):
            expect(page.get_by_text("engine up")).to_be_visible()
            line.cut = True
            expect(page.get_by_text("engine away")).to_be_visible()
            expect(page.locator("tr[data-key=a]")).to_be_visible()
            line.cut = False
            expect(page.get_by_text("engine up")).to_be_visible()


def test_a_page_whose_scripts_come_late_asks_no_other_host_either(
    tmp_path: Path, chromium: Any
) -> None:
    with plant_of(tmp_path, "a") as workspace, served(workspace) as address:
        watched = watch(workspace)

        def late(route: Any) -> None:
            until(lambda: watched.screens == 0)  # its session has been given up by then
            route.continue_()

        with looked_at(chromium, address) as page:
            page.route("**/bokeh.min.js*", late)
            page.goto(address)
            page.get_by_label("start a", exact=True).click()
            expect(page.locator("tr[data-key=a]")).to_contain_text("RUNNING")


def test_pages_that_are_closed_leave_nothing_behind(tmp_path: Path, chromium: Any) -> None:
    with plant_of(tmp_path, "a") as workspace, served(workspace) as address:
        watched = watch(workspace)
        for _ in range(3):
            with opened_page(chromium, address):
                assert watched.screens == 1
            until(lambda: watched.screens == 0)
        until(lambda: watched._thread is None)


@OTHERS
def test_a_configuration_is_exported_deleted_and_imported_again(
    tmp_path: Path, chromium: Any, width: int, dark: bool
) -> None:
    with (
        plant_of(tmp_path, "a") as workspace,
        served(workspace) as address,
        opened_page(chromium, address, width=width, dark=dark) as page,
    ):
        spec = workspace.spec("a")
        page.get_by_label("more for a", exact=True).click()
        with page.expect_download() as coming:
            page.get_by_role("menuitem", name="Export").click()
        text = Path(coming.value.path()).read_text()
        page.get_by_label("more for a", exact=True).click()
        page.get_by_role("menuitem", name="Delete…").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_text("No jobs yet")).to_be_visible()
        page.get_by_role("button", name="Import").click()
        page.get_by_label("or paste a configuration here").fill(text)
        page.get_by_role("dialog").get_by_role("button", name="Import").click()
        expect(page.locator("tr[data-key=a]")).to_be_visible()
        assert (coming.value.suggested_filename, workspace.spec("a")) == ("a.yaml", spec)


def test_the_list_has_no_serious_fault_for_those_who_cannot_see_it(
    tmp_path: Path, chromium: Any
) -> None:
    with (
        plant_of(tmp_path, "a", "b", tags=["plant"]) as workspace,
        served(workspace) as address,
        opened_page(chromium, address) as page,
    ):
        workspace.start("a")
        expect(page.locator("tr[data-key=a]")).to_contain_text("RUNNING")
        assert faults_of(page) == {}
        page.get_by_label("Toggle theme").click()
        page.mouse.move(5, 700)
        page.wait_for_timeout(1_000)  # colours fade over
        assert faults_of(page) == {}


@OTHERS
def test_no_dialog_has_a_serious_fault(
    tmp_path: Path, chromium: Any, width: int, dark: bool
) -> None:
    with (
        plant_of(tmp_path, "a", "b") as workspace,
        served(workspace) as address,
        opened_page(chromium, address, width=width, dark=dark) as page,
    ):
        workspace.start(["a", "b"])
        workspace.pause("b")
        expect(page.locator("tr[data-key=a]")).to_contain_text("RUNNING")
        expect(page.locator("tr[data-key=b]")).to_contain_text("PAUSED")

        def press(name: str) -> None:
            page.get_by_role("button", name=name, exact=True).click()

        def more(name: str) -> None:
            press("more for b")
            page.get_by_role("menuitem", name=name).click()

        page.get_by_label("select all jobs of this page").check()
        opens = {
            "resources": lambda: press("Request…"),
            "import": lambda: press("Import"),
            "plan": lambda: press("Pause"),
            "stop": lambda: press("stop a"),
            "start from": lambda: more("Start from…"),
            "reset": lambda: more("Reset position…"),
        }
        dialog, found = page.get_by_role("dialog"), {}
        for name, open_it in opens.items():
            open_it()
            expect(dialog).to_be_visible()
            page.wait_for_timeout(600)  # it fades in
            found[name] = faults_of(page)
            dialog.get_by_role("button", name="Cancel").click()
            expect(dialog).to_be_hidden()
        assert not any(found.values()), found
