"""Who may what: every role against every call that it may not make, from the table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import streamops_nb as so
from streamops_nb.connecting import Doors
from streamops_nb.server.people import Person
from streamops_nb.wire.acting import HEADER, to_header
from streamops_nb.wire.address import read_address
from streamops_nb.wire.calls import CALLS, Gives
from streamops_nb.wire.role import Role
from streamops_nb.wire.values import pack
from tests.ops.operated import plant
from tests.serving.served import House, served

REFUSED = [(str(role), call.name) for role in Role for call in CALLS.values() if role < call.role]
_SECRET = {"source": {"type": "files", "path": "owner.address"}, "schema": {"x": "VARCHAR"}}
EVIL: dict[str, Any] = {"name": "evil", "streams": {"r": _SECRET}, "query": "SELECT x FROM r"}

EVIL_CHANGE = {"references": {"ref": {"type": "csv", "path": "owner.address"}}}


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


def test_the_owners_user_asks_for_somebody_else_as_a_page_does(house: House) -> None:
    doors = Doors(house.owner.folder, {"ann": Person(name="Ann Smith ä", role=Role.OPERATOR)}.get)
    try:
        door = doors.of("ann")
        assert (door, door.name, door.role) == (doors.of("ann"), "Ann Smith ä", Role.OPERATOR)
        door.start("a")
        door.stop("a")
        assert {"Ann Smith ä"} <= set(house.owner.history("a")["who"])
        with pytest.raises(so.Forbidden, match="is for the role editor - Ann Smith ä is operator"):
            door.save(plant("b"))
        with pytest.raises(so.SpecRefused, match="may not be read or written from here"):
            door.preview(EVIL)
        with pytest.raises(so.Forbidden, match="log in again"):
            doors.of("bob")
    finally:
        doors.close()


def test_nobody_else_asks_for_somebody_else(house: House) -> None:
    answer = house.ask("admin", "/v1/select", {}, **{HEADER: to_header("bob", Role.VIEWER)})
    assert (answer.status_code, answer.json()["error"]) == (403, "Forbidden")


@pytest.mark.parametrize("told", ["", "bob", "bob boss", "%20 viewer", "%00 viewer", "b" * 201])
def test_for_whom_is_asked_is_said_as_it_should_be(house: House, told: str) -> None:
    address = read_address(house.owner.folder)
    assert address is not None
    headers = {"authorization": f"Bearer {address.token}", HEADER: told}
    answer = house.client.get(f"{address.url}/v1/about", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "Refused")


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
    ("name", "given", "said"),
    [
        ("save", {"spec": EVIL}, "may not be read or written from here"),
        ("read", {"query": "SELECT * FROM read_text('owner.address')"}, "read_text"),
        ("read", {"query": "FROM x", "shown": {"x": "FROM read_text('a')"}}, "read_text"),
        ("read", {"query": "SELECT 1", "shown": {"query": "SELECT 2"}}, "cannot be called `query`"),
        ("alarms.set", {"name": "x", "metrics": "(SELECT count(*) FROM glob('*')) > 0"}, "glob"),
        ("alarms.webhook", {"name": "x", "url": "http://127.0.0.1:1/"}, "host 127.0.0.1"),
        ("alarms.webhook", {"name": "x", "url": "http://a/", "secret": "${env:HOME}"}, "HOME"),
        ("backup", {"to": "/tmp/streamops-backup-of-nobody"}, "no folder that may be written"),
        ("backup", {"to": "relative"}, "no folder that may be written"),
        ("heal", {"name": "a", "changes": EVIL_CHANGE}, "may not be read or written from here"),
        ("heal", {"name": "a", "spec": {**EVIL, "name": "a"}}, "may not be read or written"),
        ("preview", {"what": "SELECT r.x FROM r, read_text('owner.address')"}, "read_text"),
    ],
)
def test_a_served_workspace_names_only_what_it_was_started_with(
    house: House, name: str, given: dict[str, Any], said: str
) -> None:
    answer = house.ask("admin", f"/v1/{name}", given)
    assert answer.status_code in (403, 422), answer.text
    assert answer.json()["error"] in {"Forbidden", "Refused", "SpecRefused", "QueryRefused"}
    assert said in answer.json()["message"]


def test_what_is_healed_names_only_what_the_job_named_before(house: House) -> None:
    spec = {**plant("a"), "references": EVIL_CHANGE["references"]}
    places = pa.table({"batch": [1], "stream": ["r"], "partition": ["0"], "offset": [1]})
    kind, content = pack({"name": "a", "spec": spec, "rejects": places})
    for role, said in (("operator", "is for the role editor"), ("editor", "may not be read or")):
        answer = house.ask(role, "/v1/heals.apply", content, **{"content-type": kind})
        assert answer.status_code in (403, 422), answer.text
        assert said in answer.json()["message"]
