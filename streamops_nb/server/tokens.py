"""The file of tokens: made, listed and taken out, by a command or by an administrator from afar."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from filelock import FileLock

from streamops_nb.model.errors import Refused
from streamops_nb.server.people import digest_of, named, read_tokens
from streamops_nb.wire.role import Role

__all__ = ["TokenFile", "add_token", "new_token", "remove_token"]


def new_token() -> str:
    """Make a token that nobody guesses."""
    return secrets.token_urlsafe(32)


class TokenFile:
    """The tokens in a file; see `streamops_nb.ops.tokens.Kept`.

    Parameters
    ----------
    roles
        Roles by name, before those that stand with the tokens.
    """

    def __init__(self, path: Path, roles: Mapping[str, Role]) -> None:
        self._path = path
        self._roles = roles

    def people(self) -> list[tuple[str, str]]:
        """Give names and roles."""
        people = read_tokens(self._path, self._roles).values()
        return sorted((who.name, str(who.role)) for who in people)

    def add(self, name: str, role: str) -> str:
        """Make a token for somebody; see `add_token`."""
        return add_token(self._path, name, role)

    def remove(self, name: str) -> None:
        """Take somebody's token out; see `remove_token`."""
        remove_token(self._path, name)


def add_token(path: Path, name: str, role: str) -> str:
    """Make a token for somebody and write its digest down; return the token, which is kept nowhere.

    Raises
    ------
    Refused
        If the name or the role is none.
    """
    try:
        line = f"{named(name)} {Role.of(role)}"
    except ValueError as error:
        raise Refused(str(error)) from None
    token = new_token()
    with _alone(path):
        _write(path, [*_without(path, name), f"{line} sha256:{digest_of(token)}"])
    return token


def remove_token(path: Path, name: str) -> None:
    """Take somebody's token out.

    Raises
    ------
    Refused
        If there is none.
    """
    with _alone(path):
        kept = _without(path, name)
        if not path.exists() or len(kept) == len(path.read_text(encoding="utf-8").splitlines()):
            raise Refused(f"{path.name} has no token of `{name[:40]}`")
        _write(path, kept)


def _alone(path: Path) -> FileLock:
    """What keeps a command and a server from writing at one time."""
    return FileLock(f"{path}.lock", timeout=10)


def _without(path: Path, name: str) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [line for line in lines if line.split()[:1] != [name]]


def _write(path: Path, lines: Iterable[str]) -> None:
    aside = path.with_name(f"{path.name}.new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{line}\n" for line in lines)
    aside.replace(path)
