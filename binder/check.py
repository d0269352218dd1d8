"""See that the environment works: every notebook runs, and Jupyter hands on the dashboard.

``python binder/check.py`` in the environment that ``requirements.txt`` and ``postBuild`` made.
"""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE = 180.0


def run_notebooks() -> None:
    """Run each as a visitor would, in its own folder; papermill is asked for beside the pins."""
    with tempfile.TemporaryDirectory() as folder:
        for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
            subprocess.run(
                ["papermill", "--no-progress-bar", notebook.name, f"{folder}/{notebook.name}"],
                cwd=notebook.parent,
                check=True,
            )


def fetch(url: str) -> tuple[str, str]:
    """Give the address and the text of a page, once the server answers."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return answer.url, answer.read().decode()
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def open_the_dashboard() -> None:
    """Start Jupyter; see where it opens, and that its entry shows the page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    server = subprocess.Popen(
        ["jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
         f"--IdentityProvider.token={token}"],
        cwd=ROOT,
    )  # fmt: skip
    try:
        opened, _ = fetch(f"http://127.0.0.1:{port}/?token={token}")
        assert "/lab/tree/notebooks/01_first_job.ipynb" in opened, opened
        _, page = fetch(f"http://127.0.0.1:{port}/dashboard/app?token={token}")
        assert "Stream Operation" in page, page[:500]
    finally:
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    run_notebooks()
    open_the_dashboard()
    sys.stdout.write("the Binder environment works: the notebooks run, the dashboard opens\n")
