"""Who may what: every role against every call that it may not make, from the table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import streamops_nb as so
from streamops_nb.wire.calls import CALLS, Gives, Role
from tests.ops.operated import plant
from tests.serving.served import House, served

REFUSED = [(str(role), call.name) for role in Role for call in CALLS.values() if role < call.role]
OPEN = {"/live", "/ready"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with served(tmp_path_factory.mktemp("roles")) as made:
        made.owner.resources.ensure()
        made.owner.save(plant("a"))
        yield made


@pytest.mark.parametrize(("role", "name"), REFUSED)
def test_a_call_above_a_role_is_refused(house: House, role: str, name: str) -> None:
    before = house.owner.news().next
    answer = house.ask(role, f"/v1/{name}", {})
    assert answer.status_code == 403
    assert answer.json()["error"] == "Forbidden"
    assert f"is for the role {CALLS[name].role}" in answer.json()["message"]
    assert house.owner.news().next == before


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("token", ["", "wrong"])
def test_nobody_gets_in_without_a_known_token(house: House, name: str, token: str) -> None:
    content = None if CALLS[name].gives is Gives.STREAM else {}
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = house.ask("", f"/v1/{name}", content, **headers)
    assert answer.status_code in (401, 429)


def test_the_table_refuses_something_to_everyone_but_an_administrator() -> None:
    assert {role for role, _ in REFUSED} == {"viewer", "operator", "editor"}


def test_what_somebody_does_is_told_with_their_name(house: House) -> None:
    with house.door("operator") as ws:
        assert (ws.name, str(ws.role)) == ("the-operator", "operator")
        ws.start("a", why="by hand")
        ws.pause("a")
    with house.door("editor") as ws:
        ws.save(plant("b"), comment="new")
        with pytest.raises(so.Forbidden, match="has that author"):
            ws.save(plant("b"), author="somebody else")
    with house.door("admin") as ws:
        ws.resources.request(2, why="more")
    history = house.owner.history()
    told = {(r["who"], r["action"]) for r in history.to_dict("records")}
    assert told >= {
        ("the-operator", "start"),
        ("the-operator", "pause"),
        ("the-editor", "save version 1"),
        ("the-admin", "request resources"),
    }


def test_an_error_comes_as_the_same_class_with_the_same_faults(house: House) -> None:
    with house.door("editor") as ws:
        with pytest.raises(so.SpecRefused) as afar:
            ws.save({"name": "c"})
        with pytest.raises(so.SpecRefused) as here:
            house.owner.save({"name": "c"})
        assert (afar.value.faults, str(afar.value)) == (here.value.faults, str(here.value))
        with pytest.raises(so.Forbidden, match="is for the role admin"):
            ws.resources.release()


def test_python_functions_are_not_taken(house: House) -> None:
    with house.door("admin") as ws:
        for told in (
            lambda: ws.save({**plant("f"), "query": print}),
            lambda: ws.alarms.callback("f", print),
            lambda: ws.backup("x", progress=lambda *_: None),
        ):
            with pytest.raises(so.Refused, match="function"):
                told()


def test_a_file_of_the_server_is_not_read_by_its_name(house: House, tmp_path: Path) -> None:
    (tmp_path / "there.yaml").write_text("name: there")
    for name, given in (
        ("save", {"spec": str(tmp_path / "there.yaml")}),
        ("import_", {"what": str(tmp_path / "there.zip")}),
        ("preview", {"what": str(tmp_path / "there.yaml")}),
        ("fits", {"name": "a", "spec": "there.json"}),
    ):
        answer = house.ask("admin", f"/v1/{name}", given)
        assert answer.status_code == 422
        assert "is a file's name" in answer.json()["message"]


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("save", {"spec": plant("evil", source={"type": "files", "path": "owner.address"})}),
        ("read", {"query": "SELECT * FROM read_text('owner.address')"}),
        ("read", {"query": "FROM x", "shown": {"x": "FROM read_text('owner.address')"}}),
        ("read", {"query": "SELECT 1", "shown": {"query": "SELECT 2"}}),
        ("alarms.set", {"name": "x", "metrics": "(SELECT count(*) FROM read_text('*')) > 0"}),
        ("alarms.webhook", {"name": "x", "url": "http://127.0.0.1:1/"}),
        ("alarms.webhook", {"name": "x", "url": "http://a/", "secret": "${env:HOME}"}),
        ("backup", {"to": "/tmp/streamops-backup-of-nobody"}),
        ("backup", {"to": "relative"}),
        ("preview", {"what": "SELECT * FROM read_text('owner.address')"}),
    ],
)
def test_a_served_workspace_names_only_what_it_was_started_with(
    house: House, name: str, given: dict[str, Any]
) -> None:
    answer = house.ask("admin", f"/v1/{name}", given)
    assert answer.status_code in (403, 422), answer.text
    assert answer.json()["error"] in {"Forbidden", "Refused", "SpecRefused", "QueryRefused"}
