"""``streamops serve`` and ``streamops token`` as a shell has them: processes, TLS, signals."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import streamops_nb as so
from streamops_nb.model.lifecycle import Status
from tests.ops.operated import plant
from tests.streamops import start_streamops, streamops

HERE = Path(__file__).parent
CERTIFICATE = HERE / "certificate.pem"
TLS = ("--certificate", str(CERTIFICATE), "--key", str(HERE / "key.pem"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with so.connect(tmp_path / "w", memory="512MB") as workspace:
        workspace.save(plant("a"))
        workspace.resources.request(1)
    return tmp_path


def token(folder: Path, name: str, role: str) -> str:
    done = streamops("token", "tokens", name, role, folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A serving process, and its address."""
    child = start_streamops("serve", "w", "--port", "0", *options, folder=folder)
    try:
        assert child.stdout is not None
        said = child.stdout.readline()
        yield child, said.rpartition(" at ")[2].strip()
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)
        assert child.returncode == 0
    finally:
        child.kill()
        child.communicate()


def test_a_served_workspace_is_spoken_to_over_tls(folder: Path) -> None:
    ann = token(folder, "ann", "operator")
    with serving(folder, "--no-page", "--token-file", "tokens", *TLS) as (_, url):
        assert url.startswith("https://127.0.0.1:")
        with so.connect(url, token=ann, ca=CERTIFICATE) as ws:
            assert ws.start("a")[0].status is Status.RUNNING
            assert ws.follow(since=0).__next__().events[0].job == "a"
        with pytest.raises(so.Unavailable, match="certificate"):
            so.connect(url, token=ann, patience=0.1)
        with so.connect(folder / "w") as ws:
            assert set(ws.history("a")["who"]) >= {"ann", "engine"}
            assert ws.pause("a")[0].done


def test_commands_speak_to_an_address_with_the_token_of_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = token(folder, "ann", "viewer")
    with serving(folder, "--no-page", "--token-file", "tokens") as (_, url):
        done = streamops("jobs", url, "--json", folder=folder)
        assert (done.returncode, "STREAMOPS_TOKEN" in done.stderr) == (2, True)
        monkeypatch.setenv("STREAMOPS_TOKEN", ann)
        done = streamops("jobs", url, "--json", folder=folder)
        assert [row["job"] for row in json.loads(done.stdout)] == ["a"]
        done = streamops("start", url, "a", folder=folder)
        assert (done.returncode, done.stderr) == (
            2,
            (
                "`start` is for the role operator - ann is viewer\n"
                "Forbidden: docs/errors.md#forbidden\n"
            ),
        )
        streamops("token", "tokens", "ann", "--remove", folder=folder)
        done = streamops("jobs", url, folder=folder)
        assert "the token is missing or not known" in done.stderr


def test_the_page_is_shown_by_the_same_process_on_this_machine(folder: Path) -> None:
    with socket_port() as port:
        options = ("--page-port", str(port), "--token-file", "tokens")
        token(folder, "ann", "viewer")
        with serving(folder, *options) as (child, url):
            assert child.stdout is not None
            assert child.stdout.readline().strip().endswith(f"http://127.0.0.1:{port}")
            with httpx.Client(trust_env=False, timeout=120) as client:
                assert "Stream Operation" in client.get(f"http://127.0.0.1:{port}").text
                assert client.get(f"{url}/live").text == "live\n"


@contextmanager
def socket_port() -> Iterator[int]:
    """A port that was free just now."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as line:
        port = line.getsockname()[1]
    yield port


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--host", "0.0.0.0"), "others need tokens"),
        (("--host", "0.0.0.0", "--token-file", "tokens"), "tokens would travel in the clear"),
        (("--token-file", "nowhere"), "nowhere cannot be read"),
        (("--certificate", "x.pem"), "both --certificate and --key"),
        (("--token-file", "tokens", "--certificate", "tokens", "--key", "tokens"), "for TLS"),
    ],
)
def test_what_would_not_be_safe_is_refused_before_anything_is_served(
    folder: Path, options: tuple[str, ...], said: str
) -> None:
    token(folder, "ann", "viewer")
    done = streamops("serve", "w", "--no-page", "--for", "1", *options, folder=folder)
    assert done.returncode == 2
    assert said in done.stderr


def test_without_tokens_processes_of_the_user_alone_are_served(folder: Path) -> None:
    child = start_streamops("serve", "w", "--no-page", folder=folder)
    try:
        assert child.stdout is not None
        assert "processes of this user alone" in child.stdout.readline()
        with so.connect(folder / "w") as ws:
            assert ws.start("a")[0].status is Status.RUNNING
        time.sleep(0.1)
    finally:
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)
    assert child.returncode == 0
