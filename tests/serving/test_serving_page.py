"""What the page on serving tells a user to type: an owner that serves, others that speak to it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import streamops_nb as so
from tests.house.test_pages_run import blocks, run_python
from tests.ops.operated import plant
from tests.streamops import start_streamops, streamops

PAGE = "docs/serving.md"
APP = Path(so.__file__).parent / "app.py"


def port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


def commands(served: str, shown: str) -> list[list[str]]:
    """The commands of the page, at ports that are free, with the variables of the environment."""
    text = "".join(blocks(PAGE, "sh")).replace("5006", served).replace("5010", shown)
    return [shlex.split(os.path.expandvars(line), comments=True) for line in text.splitlines()]


@contextmanager
def ended(child: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)
    finally:
        child.kill()
        child.communicate()


def ask(command: list[str]) -> httpx.Response:
    """Do what a line with curl does."""
    curl, header, told, body, content, url = command
    assert (curl, header, body) == ("curl", "-H", "-d")
    name, _, value = told.partition(": ")
    return httpx.post(url, content=content, headers={name: value}, trust_env=False, timeout=60)


def shows_a_login(command: list[str], folder: Path) -> bool:
    """Start the dashboard and say whether it sends those who come to a login."""
    told = [str(APP) if word == "streamops_nb/app.py" else word for word in command[1:]]
    at = told[told.index("--port") + 1] if "--port" in told else port()
    told[2:2] = [] if "--port" in told else ["--port", at]
    child = subprocess.Popen([sys.executable, "-m", "panel", *told], cwd=folder, text=True)
    with ended(child):
        for _ in range(600):
            assert child.poll() is None
            try:
                answer = httpx.get(f"http://127.0.0.1:{at}/app", trust_env=False, timeout=5)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return answer.headers.get("location", "").endswith("/login?next=%2Fapp")
    return False


def test_the_page_on_serving_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with so.connect(tmp_path / "plant.streamops", memory="512MB") as workspace:
        workspace.save(plant("hot_minutes"))
        workspace.resources.request(1)
    (tmp_path / "people.json").write_text('{"ann": "secret"}')
    (tmp_path / "roles.txt").write_text("ann operator\n")
    monkeypatch.setenv("COOKIE_SECRET", "x" * 32)
    monkeypatch.setenv("OAUTH_SECRET", "y" * 32)
    monkeypatch.setenv("PANEL_OAUTH_AUTHORIZE_URL", "http://127.0.0.1:1/authorize")
    served, shown = port(), port()
    alone, near = blocks(PAGE, "python")
    assert "0 RUNNING" not in run_python(alone, tmp_path)

    start, pause, token, serve, *_ = commands(served, shown)
    for command in (start, pause, token):
        done = streamops(*command[1:], folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    monkeypatch.setenv("STREAMOPS_TOKEN", done.stdout.strip())
    *_, summary, jobs, basic, oauth, curl = commands(served, shown)

    child = start_streamops(*serve[1:], folder=tmp_path)
    with ended(child):
        assert child.stdout is not None
        assert f"127.0.0.1:{served}" in child.stdout.readline()
        said = run_python(f"{alone}\n{near}".replace("5006", served), tmp_path)
        assert "1 PAUSED" in said
        assert re.search(r"start +the line is up", said)
        for command in (summary, jobs):
            done = streamops(*command[1:], folder=tmp_path)
            assert (done.returncode, done.stderr) == (0, "")
            assert "RUNNING" in done.stdout
        (outcome,) = ask(curl).json()
        assert (outcome["job"], outcome["done"]) == ("hot_minutes", True)
        assert [shows_a_login(one, tmp_path) for one in (basic, oauth)] == [True, True]
