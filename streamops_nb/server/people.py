"""Who asks: known by tokens, of which only digests are kept; what each may do."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from streamops_nb.model.errors import Fault, Refused
from streamops_nb.wire.role import Role

__all__ = ["People", "Person", "digest_of", "named", "read_roles", "read_tokens"]

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_LINE = "a line is `NAME ROLE sha256:DIGEST`, as `streamops token` writes it"


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody who asks.

    Parameters
    ----------
    name
        As it stands in the history; empty for the user who runs the owner.
    same_user
        Whether it is who runs the owner, by the file that only that user can read.
    """

    name: str
    role: Role
    same_user: bool = False


def digest_of(token: str) -> str:
    """Give what is kept of a token; a random one of 32 bytes needs no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


class People:
    """Knows people by their tokens.

    Parameters
    ----------
    own
        The token of who runs the owner.
    tokens
        The file of the others' tokens; read anew when it changes, so that one who is taken out of
        it is out at once.
    roles
        Roles by name, before those that stand with the tokens.

    Raises
    ------
    Refused
        With every fault of the file.
    """

    def __init__(
        self, own: str, tokens: Path | None = None, roles: Mapping[str, Role] | None = None
    ) -> None:
        self._own = digest_of(own)
        self._file = tokens
        self._roles = dict(roles or {})
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._known: dict[str, Person] = {}
        self._look()

    def whose(self, token: str) -> Person | None:
        """Say whose a token is."""
        return self.of_digest(digest_of(token))

    def of_digest(self, asked: str) -> Person | None:
        """Say whose the token of a digest is; all are compared, each in constant time."""
        found = None
        if hmac.compare_digest(asked, self._own):
            found = Person(name="", role=Role.ADMIN, same_user=True)
        for digest, person in self._look().items():
            if hmac.compare_digest(asked, digest):
                found = person
        return found

    def _look(self) -> dict[str, Person]:
        if self._file is None:
            return {}
        with self._lock:
            try:
                status = self._file.stat()
                seen = (status.st_mtime_ns, status.st_size)
                if seen != self._seen:
                    self._known = read_tokens(self._file, self._roles)
                    self._seen = seen
            except OSError as error:
                if self._seen is None:
                    raise Refused(f"{self._file} cannot be read: {error.strerror}") from error
                self._known, self._seen = {}, (0, 0)  # it was taken away: nobody is known
            except Refused:
                if self._seen is None:
                    raise
                self._known = {}  # it is damaged: nobody is known until it is mended
            return self._known


def read_tokens(path: Path, roles: Mapping[str, Role]) -> dict[str, Person]:
    """Read people by the digests of their tokens.

    Raises
    ------
    Refused
        With every fault.
    """
    if hasattr(os, "getuid") and path.stat().st_mode & 0o022:
        raise Refused(f"others can write {path} - chmod go-w {path}")
    known, faults = {}, []
    for number, words in _lines(path):
        try:
            name, role, digest = words
            person = Person(name=named(name), role=Role.of(role))
            found = _DIGEST.fullmatch(digest)
            if found is None:
                raise ValueError(_LINE)
        except ValueError as error:
            what = str(error) if len(words) == 3 else _LINE
            faults.append(Fault(what=what, where=f"{path} line {number}"))
            continue
        known[found[1]] = replace(person, role=roles.get(name, person.role))
    if faults:
        raise Refused(faults)
    return known


def read_roles(path: Path) -> dict[str, Role]:
    """Read roles by name: lines of `NAME ROLE`.

    Raises
    ------
    Refused
        With every fault.
    """
    roles, faults = {}, []
    try:
        for number, words in _lines(path):
            try:
                name, role = words
                roles[named(name)] = Role.of(role)
            except ValueError as error:
                what = str(error) if len(words) == 2 else "a line is `NAME ROLE`"
                faults.append(Fault(what=what, where=f"{path} line {number}"))
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from error
    if faults:
        raise Refused(faults)
    return roles


def _lines(path: Path) -> Iterable[tuple[int, list[str]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"{path} is not UTF-8 text") from error
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#", 1)[0].split()
        if words:
            yield number, words


def named(name: str) -> str:
    """Give a name back; ValueError if it is none."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"`{name[:40]}` is no name - letters, digits and ._@+- are")
    return name
