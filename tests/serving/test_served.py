"""``streamops serve`` and ``streamops token`` as a shell has them: processes, TLS, signals."""

from __future__ import annotations

import json
import resource
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import streamops_nb as so
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops import machine
from streamops_nb.server.tokens import add_token
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
    with serving(folder, "--no-page", "--token-file", "tokens", *TLS) as (child, url):
        assert url.startswith("https://127.0.0.1:")
        # what asks for more memory than the machine has fails alone, not the process
        assert 0 < resource.prlimit(child.pid, resource.RLIMIT_DATA)[0] < machine.memory()
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
                "Forbidden: `streamops error Forbidden` says what causes it and what to do\n"
            ),
        )
        streamops("token", "tokens", "ann", "--remove", folder=folder)
        done = streamops("jobs", url, folder=folder)
        assert "the token is missing or not known" in done.stderr


def test_the_page_of_the_same_process_lets_people_in_by_their_tokens(folder: Path) -> None:
    ann = token(folder, "ann", "viewer")
    with socket_port() as port:
        page = f"https://127.0.0.1:{port}"
        options = ("--page-port", str(port), "--token-file", "tokens", *TLS)
        with serving(folder, *options) as (child, url):
            assert child.stdout is not None
            assert child.stdout.readline().strip().endswith(page)
            trusted = ssl.create_default_context(cafile=CERTIFICATE)
            with httpx.Client(trust_env=False, timeout=120, verify=trusted) as client:
                assert client.get(f"{url}/live").text == "live\n"

                def status(path: str, **how: Any) -> int:
                    return client.request("GET", f"{page}{path}", **how).status_code

                def log_in(token: str, path: str = "/login", **how: Any) -> httpx.Response:
                    return client.post(f"{page}{path}", data={"token": token}, **how)

                assert client.get(page).headers["location"] == "./login?next=%2F"
                assert status("/login") == 200
                assert status("/login", headers={"host": "evil.example"}) == 421
                assert log_in(ann, headers={"origin": "https://evil.example"}).status_code == 403
                assert log_in("wrong").status_code == 401
                for outside in ("//evil.example", "https://evil.example", "/%5cevil.example"):
                    came = log_in(ann, f"/login?next={outside}")
                    assert (came.status_code, came.headers["location"]) == (302, "/")
                flags = {part.strip() for part in came.headers["set-cookie"].split(";")}
                assert flags >= {"HttpOnly", "Secure", "SameSite=Lax"}
                assert ann not in came.headers["set-cookie"]
                assert (status("/"), status("/", headers={"host": "evil.example"})) == (200, 421)
                token(folder, "ann", "viewer")  # in place of the one that she logged in with
                assert status("/") == 302


def test_without_tokens_the_page_is_for_this_machine_under_its_own_names(folder: Path) -> None:
    with socket_port() as port, serving(folder, "--page-port", str(port)) as (child, _):
        assert child.stdout is not None
        assert child.stdout.readline().strip().endswith(f"http://127.0.0.1:{port}")
        with httpx.Client(trust_env=False, timeout=120) as client:
            address = f"http://127.0.0.1:{port}"
            assert "Stream Operation" in client.get(address).text
            assert client.get(address, headers={"host": "evil.example"}).status_code == 421


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
    add_token(folder / "tokens", "ann", "viewer")
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
    finally:
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)
    assert child.returncode == 0
