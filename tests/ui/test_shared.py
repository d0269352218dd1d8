"""The page beside other processes on one workspace: who logs in, who may what, who has ended."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import streamops_nb as so
from streamops_nb.model.lifecycle import Status
from streamops_nb.server.tokens import add_token
from tests.serving.processes import begun
from tests.streamops import start_streamops
from tests.ui.browsing import until
from tests.ui.doors import plant_of
from tests.ui.provider import provider

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]  # processes begin
APP = Path(so.__file__).parent / "app.py"
_PROCESS = 120_000
"""Milliseconds in which a process begins, on a machine that is busy with others, too."""


@contextmanager
def process(child: subprocess.Popen[Any]) -> Iterator[subprocess.Popen[Any]]:
    """A process for the length of a block."""
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.communicate(timeout=30)
        finally:
            child.kill()
            child.communicate()


@contextmanager
def opened_anyhow(chromium: Any, address: str) -> Iterator[Page]:
    """A page that may lose its server: the browser writes that to the console."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(30_000)
    until(lambda: answers(address), _PROCESS / 1_000)
    page.goto(address)
    yield page
    context.close()


def answers(address: str) -> bool:
    import urllib.request

    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as line:
        return int(line.getsockname()[1])


def serve(folder: Path, *more: object) -> subprocess.Popen[str]:
    return start_streamops("serve", "w", "--port", 0, *more, folder=folder)


def panel(
    folder: Path, port: int, *more: object, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "panel", "serve", APP, "--port", port, *more]
    env = {**os.environ, **(environment or {})}
    return subprocess.Popen([*map(str, command)], cwd=folder, env=env)


def log_in(page: Page, token: str) -> None:
    page.get_by_label("Your token").fill(token)
    page.get_by_role("button", name="Log in").click()


def test_people_log_in_with_their_token_and_may_on_the_page_what_their_role_may(
    tmp_path: Path, chromium: Any
) -> None:
    plant_of(tmp_path / "w", "a").close()
    tokens = {role: add_token(tmp_path / "t", f"the-{role}", role) for role in ("viewer", "editor")}
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with (
        process(serve(tmp_path, "--page-port", port, "--token-file", "t")),
        opened_anyhow(chromium, address) as page,
    ):
        log_in(page, "wrong")
        expect(page.get_by_role("alert")).to_have_text("This token is not known.")
        log_in(page, tokens["viewer"])
        expect(page.locator(".person")).to_contain_text("the-viewer · viewer")
        start = page.get_by_label("start a", exact=True)
        expect(start).to_be_disabled()
        expect(start).to_have_attribute("title", "this is for the role operator - you are viewer")
        for name in ("New job", "Import", "Request…"):
            expect(page.get_by_role("button", name=name)).to_be_disabled()

        page.get_by_role("link", name="Log out").click()
        log_in(page, tokens["editor"])
        page.get_by_label("start a", exact=True).click()
        expect(page.locator("tr[data-key=a]")).to_contain_text("RUNNING")
        with so.connect(tmp_path / "w") as ws:
            assert "the-editor" in set(ws.history("a")["who"])

            # an administrator of the same user takes the role away: what is asked then is refused
            ws.tokens.add("the-editor", "viewer")
            page.get_by_label("pause a").click()
            expect(page.get_by_role("log")).to_contain_text("no longer - log in again")
            assert ws.job("a").status is Status.RUNNING


def test_a_script_a_page_and_an_owner_that_is_killed(tmp_path: Path, chromium: Any) -> None:
    plant_of(tmp_path / "w", "a").close()
    port = free_port()
    with (
        process(begun(tmp_path / "w")) as owner,
        process(panel(tmp_path, port, "--args", "w")),
        opened_anyhow(chromium, f"http://127.0.0.1:{port}/app") as page,
        so.connect(tmp_path / "w") as ws,
    ):
        assert json.loads((tmp_path / "w" / "owner.json").read_text())["pid"] == owner.pid
        row = page.locator("tr[data-key=a]")
        ws.start("a")
        expect(row).to_contain_text("RUNNING")
        row.get_by_label("pause a").click()
        expect(row).to_contain_text("PAUSED")
        assert ws.job("a").status is Status.PAUSED
        ws.start("a")
        owner.kill()
        owner.wait()
        expect(page.locator(".engine")).to_contain_text("engine away")
        with process(begun(tmp_path / "w")):
            expect(page.locator(".engine")).to_have_text("engine up", timeout=_PROCESS)
            expect(row).to_contain_text("RUNNING", timeout=_PROCESS)
            assert ws.job("a").status is Status.RUNNING


def test_a_page_whose_server_is_killed_says_so_and_comes_back_with_it(
    tmp_path: Path, chromium: Any
) -> None:
    plant_of(tmp_path / "w", "a").close()
    port = free_port()
    with (
        process(serve(tmp_path, "--page-port", port)) as first,
        opened_anyhow(chromium, f"http://127.0.0.1:{port}") as page,
    ):
        page.get_by_label("start a", exact=True).click()
        expect(page.locator("tr[data-key=a]")).to_contain_text("RUNNING")
        first.kill()
        first.wait()
        expect(page.get_by_role("log")).to_contain_text("server of this page does not answer")
        with process(serve(tmp_path, "--page-port", port)):
            log = page.get_by_role("log")
            expect(log).not_to_contain_text("does not answer", timeout=_PROCESS)
            expect(page.locator("tr[data-key=a]")).to_contain_text("RUNNING")


def test_who_logs_in_to_panel_serve_acts_under_that_name_and_role(
    tmp_path: Path, chromium: Any
) -> None:
    plant_of(tmp_path / "w", "a").close()
    (tmp_path / "people.json").write_text(json.dumps({"ann@plant.example": "secret"}))
    (tmp_path / "roles").write_text("ann@plant.example operator\n")
    port = free_port()
    login = ("--basic-auth", "people.json", "--cookie-secret", "x" * 32)
    address = f"http://127.0.0.1:{port}/app"
    with (
        process(panel(tmp_path, port, *login, "--args", "w", "--roles", "roles")),
        opened_anyhow(chromium, address) as page,
    ):
        page.locator("[name=username]").fill("ann@plant.example")
        page.locator("[name=password]").fill("secret")
        page.locator("[type=submit]").click()
        expect(page.locator(".person")).to_contain_text("ann@plant.example · operator")
        page.get_by_label("start a", exact=True).click()
        expect(page.locator("tr[data-key=a]")).to_contain_text("RUNNING")
        (tmp_path / "roles").write_text("ann@plant.example viewer\n")
        page.get_by_label("pause a").click()
        expect(page.get_by_role("log")).to_contain_text("ann@plant.example is viewer")
        with so.connect(tmp_path / "w") as ws:
            assert ws.job("a").status is Status.RUNNING
            assert "ann@plant.example" in set(ws.history("a")["who"])


def test_who_logs_in_by_oauth_heals_under_that_name_and_who_has_no_role_sees_nothing(
    tmp_path: Path, chromium: Any
) -> None:
    query = "SELECT device, CAST(device AS INTEGER) AS n FROM r"
    with plant_of(tmp_path / "w", "a", query=query) as ws:
        ws.start("a")
        until(lambda: len(ws.rejects("a")) > 1)
        ws.pause("a")
        kept = len(ws.rejects("a"))
    (tmp_path / "roles").write_text("ann@plant.example editor\n")
    port = free_port()
    address = f"http://127.0.0.1:{port}/app"
    with provider() as oidc:
        login: dict[str, object] = {
            "oauth-provider": "generic", "oauth-key": oidc.client, "oauth-secret": oidc.secret,
            "oauth-redirect-uri": f"http://127.0.0.1:{port}/login", "cookie-secret": "x" * 32,
        }  # fmt: skip
        more = [f"--{name}={value}" for name, value in login.items()]
        with (
            process(
                panel(
                    tmp_path, port, *more, "--args", "w", "--roles", "roles",
                    environment=oidc.environment,
                )
            ),
            opened_anyhow(chromium, f"{address}?job=a&tab=errors") as page,
        ):  # fmt: skip
            page.get_by_label("Email").fill("eve@elsewhere.example")
            page.get_by_role("button", name="Go on").click()
            expect(page.get_by_role("alert")).to_contain_text("you may not ask here")
            page.get_by_role("link", name="Log out").click()
            page.goto(f"{address}?job=a&tab=errors")
            page.get_by_label("Email").fill("ann@plant.example")
            page.get_by_role("button", name="Go on").click()
            expect(page.locator(".person")).to_contain_text("ann@plant.example · editor")
            page.get_by_role("button", name="Rejects").click()
            page.get_by_label("Query").fill(query.replace("CAST", "TRY_CAST"))
            page.get_by_label("Query").press("Tab")
            page.get_by_role("button", name="Try again with these changes").click()
            expect(page.get_by_text(f"healed {kept} of {kept} rejects").first).to_be_visible()
            page.get_by_role("button", name="Write the healed rows").click()
            expect(page.get_by_text(f"{kept} rows were written to the output")).to_be_visible()
        with so.connect(tmp_path / "w") as ws:
            history = ws.history("a")
            (told,) = history[history["action"] == "heal"].to_dict("records")
            assert (told["who"], told["why"]) == ("ann@plant.example", "healed on the page")
            assert len(ws.job("a").output) == kept
