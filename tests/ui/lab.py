"""A real JupyterLab, and a notebook that is run in it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from playwright.sync_api import Page, expect

__all__ = ["asked", "lab", "notebook", "run", "run_all"]

ROOT = Path(__file__).parents[2]
_PATIENCE = 60.0
_NEWS = "@jupyterlab/apputils-extension:announcements"
"""Asks the web for news."""
_ASK = """async code => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
    let said = ""
    const future = kernel.requestExecute({code, store_history: false})
    future.onIOPub = ({content}) => { said += content.text ?? content.evalue ?? "" }
    await future.done
    return said.trim()
}
"""
_CONNECTED = """() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel
    ?.connectionStatus === "connected"
"""


def _environment(folder: Path) -> dict[str, str]:
    """What a person has set for Jupyter on this machine is none of the test's."""
    own = {
        f"JUPYTER_{kind}_DIR": str(folder / ".jupyter" / kind.lower())
        for kind in ("CONFIG", "DATA", "RUNTIME")
    }
    settings = {f"JUPYTERLAB_{kind}_DIR": str(folder / ".lab" / kind.lower())
                for kind in ("SETTINGS", "WORKSPACES")}  # fmt: skip
    return {**os.environ, **own, **settings, "PYTHONPATH": str(ROOT)}


@contextmanager
def lab(folder: Path) -> Iterator[str]:
    """Start JupyterLab in a folder; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = folder / ".jupyter" / "config" / "labconfig" / "page_config.json"
    quiet.parent.mkdir(parents=True)
    quiet.write_text(json.dumps({"disabledExtensions": {_NEWS: True}}))
    # the kernels are those of this Python, wherever it was started from
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
               "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
               "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}",
               "--IdentityProvider.token=", "--LabApp.news_url=None",
               "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
               "--LabApp.expose_app_in_browser=True"]  # fmt: skip
    log = (folder / "lab.log").open("w")
    process = subprocess.Popen(
        command, cwd=folder, env=_environment(folder), stdout=log, stderr=log
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api", process)
        yield address
    finally:
        process.terminate()
        process.wait(_PATIENCE)
        log.close()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    over = time.monotonic() + _PATIENCE
    while time.monotonic() < over:
        assert process.poll() is None, "JupyterLab ended"
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(address)


def notebook(folder: Path, name: str, cells: list[str]) -> None:
    """Write a notebook."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(made, folder / name)


def run_all(page: Page, address: str, name: str, *, dark: bool = False) -> None:
    """Open a notebook and run its cells, until the last one has run."""
    page.goto(f"{address}/lab/tree/{name}?reset")
    page.wait_for_function(_CONNECTED)
    theme = "JupyterLab Dark" if dark else "JupyterLab Light"
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
                  theme)  # fmt: skip
    run(page, "notebook:run-all-cells")
    last = page.locator(".jp-Notebook .jp-CodeCell").last.locator(".jp-InputPrompt")
    expect(last).to_have_text(re.compile(r"\[\d+\]:"), timeout=_PATIENCE * 1000)


def run(page: Page, command: str) -> None:
    """Run a command of JupyterLab."""
    page.evaluate("command => void window.jupyterapp.commands.execute(command)", command)


def asked(page: Page, code: str) -> str:
    """Run code in the kernel of the notebook that is open; give what it prints."""
    return str(page.evaluate(_ASK, code))
