"""``panel serve streamops_nb/app.py``: what users type, in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import panel as pn
import pytest
from bokeh.document import Document
from panel.io.application import build_single_handler_application
from playwright.sync_api import expect

import streamops_nb as so
from tests.ui.browsing import opened_page, until
from tests.ui.doors import plant_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]  # processes begin
APP = Path(so.__file__).parent / "app.py"


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_who_logs_in_is_known_after_the_session_that_came_first_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_of(tmp_path / "plant", "a").close()
    (tmp_path / "roles").write_text("ann editor\n")
    args = [str(tmp_path / "plant"), "--roles", str(tmp_path / "roles")]
    application = build_single_handler_application(str(APP), args)
    monkeypatch.setattr(sys, "argv", [str(APP), *args])
    first = Document()
    application.initialize_document(first)
    first.modules.destroy()  # as Bokeh does when a session ends
    workspace, doors = pn.state.cache.pop(str(tmp_path / "plant"))
    try:
        assert len(doors.of("ann").history("a"))
        with pytest.raises(so.Forbidden):
            doors.of("eve")
    finally:
        doors.close()
        workspace.close()


def test_panel_serve_shows_a_workspace_and_gives_it_back_at_its_end(
    tmp_path: Path, chromium: Any
) -> None:
    plant_of(tmp_path / "plant", "a").close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "panel", "serve", APP, "--port", str(port)]
    served = subprocess.Popen([*command, "--args", tmp_path / "plant"])
    address = f"http://localhost:{port}/app"
    try:
        until(lambda: answers(address), 120)  # a process begins
        with opened_page(chromium, address) as page:
            page.get_by_label("start a", exact=True).click()
            expect(page.locator("tr[data-key=a]")).to_contain_text("RUNNING")
    finally:
        served.terminate()
        served.wait(30)
    with so.connect(tmp_path / "plant", resume=False) as workspace:
        assert list(workspace.found) == ["a"]
