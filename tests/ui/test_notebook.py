"""What cells show: the page in a kernel, from here and not from a CDN; ipywidgets where need be."""

from __future__ import annotations

import re
from pathlib import Path

import panel as pn

from streamops_nb.model.lifecycle import Status
from streamops_nb.ui.bridge import watch
from streamops_nb.ui.ipywidgets.board import Board, jobs_html
from streamops_nb.ui.panel import part
from tests.kernel import kernel
from tests.ui.doors import desk_of, plant_of

MADE = """
import streamops_nb as so
from tests.ops.operated import plant
ws = so.connect("plant", memory="512MB")
job = ws.save(plant("a"))
"""
ROOT = Path(__file__).parents[2]


def test_in_a_kernel_objects_show_themselves_as_panels_that_load_nothing_from_elsewhere(
    tmp_path: Path,
) -> None:
    with kernel(tmp_path, ROOT) as cells:
        assert cells.run(MADE) == []
        loaded = cells.run("ws")
        job = cells.run("job")
        preview = cells.run("job.preview(rows=10).show()")
        assert cells.run("ws.close()") == []
    assert all(
        "application/vnd.holoviews_exec.v0+json" in one[-1] for one in (loaded, job, preview)
    )
    assert loaded[-1]["text/plain"].startswith("Workspace(")
    assert job[-1]["text/plain"] == "Job('a', PUBLISHED)"
    text = str([loaded, job, preview])
    assert re.findall(r"<(?:script|link)[^>]*https?://[^>]*>", text) == []


def test_every_part_of_the_page_goes_into_a_layout_of_one_s_own(tmp_path: Path) -> None:
    with plant_of(tmp_path, "a") as workspace:
        job = workspace.job("a")
        shown = [part.jobs(workspace), part.resources(workspace)]
        shown += [make(job) for make in (part.summary, part.errors, part.output, part.preview)]
        assert len(pn.Column(*shown).get_root().children) == len(part.__all__) - 1
        assert watch(workspace).screens == len(shown)
        for one in shown:
            one.close()
        assert watch(workspace).screens == 0


def test_where_panel_does_not_load_a_workspace_is_shown_by_ipywidgets(
    tmp_path: Path, monkeypatch
) -> None:
    from streamops_nb.ops.screens import screen

    monkeypatch.setenv("VSCODE_PID", "1")
    with plant_of(tmp_path, "a") as workspace:
        widget = screen("workspace", workspace)
        assert "application/vnd.jupyter.widget-view+json" in widget._repr_mimebundle_()
        assert watch(workspace).screens == 1
        widget.close()
        assert watch(workspace).screens == 0


def test_the_compact_board_starts_a_job_and_asks_before_it_stops_one(tmp_path: Path) -> None:
    with plant_of(tmp_path, "a") as workspace:
        board = Board(workspace, job="a")
        board.desk.worker = desk_of(workspace).worker
        board._job.value = "a"
        start, _, stop = board._buttons.values()
        start.click()
        assert workspace.job("a").status in {Status.STARTING, Status.RUNNING}
        board.desk.see(desk_of(workspace).board.picture)
        stop.click()
        assert board._question.layout.display == "flex"
        board._yes.click()
        assert workspace.job("a").status is Status.STOPPED
        board.close()


def test_names_and_tags_of_strangers_are_text_in_the_compact_board(tmp_path: Path) -> None:
    with plant_of(tmp_path, "a", owner="<script>alert(1)</script>") as workspace:
        board = Board(workspace)
        assert "<script>" not in jobs_html(board.desk) + board.jobs.value
        assert "&lt;script&gt;" in board.jobs.value
        board.close()
