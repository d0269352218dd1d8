"""In a real JupyterLab: what cells show can be seen, and used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.ui.browsing import looked_at
from tests.ui.lab import lab, notebook, run_all

pytestmark = pytest.mark.browser

_PATIENCE = 30_000.0
"""Milliseconds: one kernel serves all components of the notebook."""

_EARLY = "apply_json_patch"
"""Where a kernel has much to do, Bokeh may get a change before what it changes; what is shown last
is looked at below."""

MADE = """
import streamops_nb as so
from tests.ops.operated import plant
from streamops_nb.ui.ipywidgets.board import Board
ws = so.connect("plant", memory="512MB")
ws.resources.request(cu=1)
params = {"least": {"type": "DOUBLE", "default": 20, "min": 0, "max": 60}}
job = ws.save(plant("a", query="SELECT device, temp FROM r WHERE temp > $least", params=params))
"""
CELLS = [
    MADE, "ws", "job", "ws.jobs", "ws.resources", "job.summary()", "job.errors()",
    "job.preview(rows=20).show()", "job.tune()", "Board(ws, job='a').widget",
]  # fmt: skip


@pytest.mark.soak  # on a busy machine components may come late: not for every run
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (900, True)])
def test_every_component_is_shown_and_used_in_jupyterlab(
    tmp_path: Path, chromium: Any, width: int, dark: bool
) -> None:
    notebook(tmp_path, "n.ipynb", CELLS)
    with (
        lab(tmp_path, dark=dark) as address,
        looked_at(chromium, address, width=width, height=2_400, borne=_EARLY) as page,
    ):
        run_all(page, address, "n.ipynb")
        cells = page.locator(".jp-Notebook .jp-CodeCell")
        shown = [cells.nth(n) for n in range(1, len(CELLS))]
        workspace, job, jobs, resources, summary, errors, preview, tune, board = shown
        workspace.get_by_label("start a", exact=True).click()
        expect(workspace.locator("tr[data-key=a]")).to_contain_text("RUNNING", timeout=_PATIENCE)
        expect(job.get_by_role("button", name="Pause a", exact=True)).to_be_enabled()
        job.get_by_role("tab", name="History").click()
        expect(job.get_by_text("ws.start('a')")).to_be_visible()
        expect(jobs.locator("tr[data-key=a]")).to_contain_text("RUNNING")
        expect(resources.get_by_text("0.1 / 1 CU used")).to_be_visible()
        expect(summary.get_by_text("Records in", exact=True)).to_be_visible()
        errors.get_by_role("button", name="Rejects").click()
        expect(errors.get_by_role("columnheader", name="reason")).to_be_visible()
        expect(preview.get_by_text("Output: result")).to_be_visible()
        expect(tune.get_by_text("no difference from the start")).to_be_visible()
        expect(board.get_by_text("RUNNING")).to_be_visible()
        board.get_by_role("button", name="Pause").click()
        expect(workspace.locator("tr[data-key=a]")).to_contain_text("PAUSED", timeout=_PATIENCE)
        # an icon that did not load shows its name instead
        assert page.get_by_text("play_arrow").count() == 0
