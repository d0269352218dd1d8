"""Tokens and roles: of tokens only digests are kept, and a file with faults lets nobody in."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from streamops_nb.model.errors import Refused
from streamops_nb.server.people import People, Person, read_roles
from streamops_nb.server.tokens import add_token, remove_token
from streamops_nb.wire.role import Role


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


def test_a_token_is_known_and_stands_nowhere(file: Path) -> None:
    token = add_token(file, "ann", "operator")
    people = People("own", file)
    assert people.whose(token) == Person(name="ann", role=Role.OPERATOR)
    assert people.whose("own") == Person(name="", role=Role.ADMIN, same_user=True)
    assert people.whose("other") is None
    assert people.whose("") is None
    assert token not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_new_token_takes_the_place_of_the_one_before(file: Path) -> None:
    first, second = add_token(file, "ann", "viewer"), add_token(file, "ann", "editor")
    people = People("own", file)
    assert people.whose(first) is None
    assert people.whose(second) == Person(name="ann", role=Role.EDITOR)


def test_who_is_taken_out_is_out_at_once(file: Path) -> None:
    token, other = add_token(file, "ann", "viewer"), add_token(file, "bob", "viewer")
    people = People("own", file)
    assert people.whose(token) is not None
    remove_token(file, "ann")
    assert people.whose(token) is None
    file.unlink()
    assert people.whose(other) is None


def test_a_role_by_name_comes_before_that_of_the_token(file: Path, tmp_path: Path) -> None:
    token = add_token(file, "ann", "viewer")
    (tmp_path / "roles").write_text("# who\nann admin  # today\n\nbob operator\n")
    roles = read_roles(tmp_path / "roles")
    assert roles == {"ann": Role.ADMIN, "bob": Role.OPERATOR}
    people = People("own", file, roles)
    assert people.whose(token) == Person(name="ann", role=Role.ADMIN)


def test_every_fault_of_a_file_is_told_with_its_line(file: Path) -> None:
    file.write_text("ann boss sha256:" + "0" * 64 + "\n../x viewer sha256:1\nonly\n")
    with pytest.raises(Refused) as refused:
        People("own", file)
    assert [fault.where for fault in refused.value.faults] == [
        f"{file} line {number}" for number in (1, 2, 3)
    ]


def test_a_file_that_is_damaged_later_lets_nobody_in(file: Path) -> None:
    token = add_token(file, "ann", "viewer")
    people = People("own", file)
    file.write_text("rubbish\n")
    assert people.whose(token) is None
    assert people.whose("own") is not None


def test_a_file_that_others_can_write_is_refused(file: Path) -> None:
    add_token(file, "ann", "viewer")
    file.chmod(0o666)
    with pytest.raises(Refused, match="chmod go-w"):
        People("own", file)


@pytest.mark.parametrize(("name", "role"), [("a b", "viewer"), ("", "viewer"), ("ann", "boss")])
def test_a_name_or_role_that_is_none_is_refused(file: Path, name: str, role: str) -> None:
    with pytest.raises(Refused):
        add_token(file, name, role)
    assert not file.exists()


def test_nobody_is_taken_out_who_is_not_in(file: Path) -> None:
    add_token(file, "ann", "viewer")
    with pytest.raises(Refused, match="has no token of `bob`"):
        remove_token(file, "bob")
