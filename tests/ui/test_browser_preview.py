"""A preview's page as a notebook saves it: a file, opened offline, without a kernel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from streamops_nb.ops.preview.preview import Preview
from tests.ops.operated import opened
from tests.ui.browsing import faults_of

pytestmark = pytest.mark.browser

EVIL = "<script>document.title='hit'</script><img src=x onerror=\"document.title='hit'\">"
FIELDS = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
QUERY = """
WITH hot AS (SELECT * FROM readings WHERE temp > $threshold)
SELECT window_start, window_end, device, count(*) AS n, max(temp) AS top
FROM tumble(hot, ts, INTERVAL 10 SECONDS) GROUP BY ALL"""


def previewed(folder: Path) -> Preview:
    rows = [
        {"ts": f"2024-01-01T00:00:{n:02}Z", "device": EVIL if n % 5 == 0 else f"d{n % 3}",
         "temp": 20.0 + n % 20}
        for n in range(40)
    ]  # fmt: skip
    with opened(folder) as ws:
        (ws.folder / "in.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        source = {"type": "files", "path": "in.jsonl"}
        stream = {"source": source, "schema": FIELDS, "event_time": "ts", "max_ahead": None}
        params = {"threshold": 30.0}
        spec = {"name": "hot", "streams": {"readings": stream}, "query": QUERY, "params": params}
        preview = ws.preview(spec)
        preview.follow()
        return preview


def shown(chromium: Browser, file: Path, *, dark: bool) -> Page:
    scheme = "dark" if dark else "light"
    context = chromium.new_context(color_scheme=scheme, offline=True)
    page = context.new_page()
    page.goto(file.as_uri())
    return page


@pytest.mark.parametrize("dark", [False, True])
def test_tabs_and_folds_work_in_a_file_and_hostile_values_are_text(
    chromium: Browser, tmp_path: Path, dark: bool
) -> None:
    text = previewed(tmp_path / "plant")._repr_html_()
    colours = "background: #111; color: #eee" if dark else "background: #fff"
    look = f"<style>body {{ {colours} }}</style>"
    head = f"<!doctype html><html lang='en'><meta charset='utf-8'>{look}<title>saved</title>"
    file = tmp_path / "saved.html"
    # two of them on a page do not switch each other
    file.write_text(f"{head}<main>{text}{text}</main>", encoding="utf-8")
    page = shown(chromium, file, dark=dark)
    first, second = page.locator("form").all()
    assert first.locator(".so-panel:visible h4").all_inner_texts()[1].startswith("Output: result")
    first.locator("label", has_text="hot").first.click()
    assert first.locator(".so-panel:visible h4").all_inner_texts()[1].startswith("Output: hot")
    assert second.locator(".so-panel:visible h4").all_inner_texts()[1].startswith("Output: result")
    fold = first.locator("details:visible", has_text="dropped - WHERE temp > $threshold")
    assert fold.locator("summary").inner_text().startswith("22 of 40 rows of readings dropped")
    assert not fold.locator("table").is_visible()
    fold.locator("summary").click()
    assert fold.locator("tbody tr:visible").count() == 20
    assert EVIL in fold.locator("tbody").inner_text()
    first.locator("details:visible", has_text="Why: what its first").locator("summary").click()
    assert first.locator("li:visible").count() == 5
    first.locator("label", has_text="receipt").click()
    assert "no sink, consumer group" in first.locator(".so-panel:visible").inner_text()
    first.locator("label input:focus").press("ArrowLeft")
    assert first.locator(".so-panel:visible h4").all_inner_texts()[1].startswith("Output: result")
    assert page.title() == "saved"
    assert faults_of(page) == {}
    page.context.close()
