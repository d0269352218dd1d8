"""See that the environment works: notebook 01 runs, and Jupyter hands on the dashboard.

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


def run_first_notebook() -> None:
    """Run it as a visitor would, in its own folder."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["jupyter", "nbconvert", "--to", "notebook", "--execute", "--output-dir", folder,
             "notebooks/01_first_job.ipynb"],
            cwd=ROOT,
            check=True,
        )  # fmt: skip


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
    run_first_notebook()
    open_the_dashboard()
    sys.stdout.write("the Binder environment works: notebook 01 runs, the dashboard opens\n")
