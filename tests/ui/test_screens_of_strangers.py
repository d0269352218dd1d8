"""Objects reach screens through the plug-in door, and show themselves without one."""

from __future__ import annotations

from pathlib import Path

from streamops_nb import plugins
from tests.installed import install
from tests.kernel import kernel
from tests.ops.operated import opened

WALL = """
class Wall:
    def __init__(self, of):
        self.of = of

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": f"<b>{len(self.of.jobs)} jobs</b>", "text/plain": "Wall()"}

def broken(of):
    raise OSError("no <display>")
"""
CELL = """
import streamops_nb as so
ws = so.connect("plant")
ws
"""


def points(**screens: str) -> str:
    lines = [f"{name} = wall:{target}" for name, target in screens.items()]
    return "\n".join(["[streamops_nb.screens]", *lines, ""])


def test_in_a_kernel_a_workspace_is_its_screen_and_in_text_itself(tmp_path: Path) -> None:
    install(tmp_path / "site", "wall", WALL, points(workspace="Wall"))
    with kernel(tmp_path, tmp_path / "site") as cells:
        (shown,) = cells.run(CELL)
    assert shown["text/html"] == "<b>0 jobs</b>"
    assert shown["text/plain"] == f"Workspace('{tmp_path}/plant': no jobs)"


def test_a_screen_that_fails_is_told_and_the_object_shows_itself(tmp_path: Path) -> None:
    install(tmp_path / "site", "wall", WALL, points(workspace="broken"))
    with kernel(tmp_path, tmp_path / "site") as cells:
        (shown,) = cells.run(CELL)
    assert shown["text/html"] == (
        "<p>The screen cannot be shown: no &lt;display&gt;</p>"
        f"<pre>Workspace(&#x27;{tmp_path}/plant&#x27;: no jobs)</pre>"
    )


def test_where_panels_messages_do_not_get_through_a_screen_is_made_of_ipywidgets(
    tmp_path: Path,
) -> None:
    with kernel(tmp_path, tmp_path / "site") as cells:
        (shown,) = cells.run(f"import os; os.environ['VSCODE_PID'] = '1'{CELL}")
    assert shown["text/plain"] == f"Workspace('{tmp_path}/plant': no jobs)"
    assert set(shown["application/vnd.jupyter.widget-view+json"]) == {
        "model_id", "version_major", "version_minor",
    }  # fmt: skip


def test_without_a_front_end_nothing_is_asked_of_a_screen(tmp_path: Path) -> None:
    with opened(tmp_path / "plant") as workspace:
        assert workspace._repr_mimebundle_() == {}
        assert workspace._repr_html_().startswith("<pre>Workspace(")


def test_screens_are_listed_without_importing_them(tmp_path: Path, monkeypatch) -> None:
    install(tmp_path, "wall", "raise ImportError", points(job="Wall"))
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "job" in plugins.names("screen")
