"""What the specifications of clients may name on a served workspace: variables, folders, hosts.

Jobs that are in the workspace already run on as they are; this is for what comes from outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.wording import dotted

__all__ = ["Allowed"]

_VARIABLE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_GLOB = re.compile(r"[*?\[]")
_FILE_KEYS = frozenset(
    ("ca", "certificate", "directory", "file", "folder", "key", "keytab", "location", "path")
)
_HOST_KEYS = frozenset(
    ("address", "bootstrap", "endpoint", "host", "hosts", "servers", "uri", "url")
)
_HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?(\[[^\]]+\]|[^/:]+)", re.IGNORECASE)
_OWN = re.compile(
    r"(owner\..*|catalog\.db.*|jobs|streams|tmp|samples|\.[^/]*|.*\.deleted)", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What may be named; by default nothing but files in folders of the workspace.

    Parameters
    ----------
    folder
        The workspace.
    variables, folders, hosts
        Names of environment variables; folders besides the workspace's own; hosts of brokers and
        the like, each as written in a specification. ``*`` allows all.
    """

    folder: Path
    variables: frozenset[str] = frozenset()
    folders: tuple[Path, ...] = ()
    hosts: frozenset[str] = frozenset()

    def check(self, spec: JobSpec, beside: JobSpec | None = None) -> None:
        """Look at all that a specification names, but for what `beside` names at the same place.

        Raises
        ------
        SpecRefused
            With every fault.
        """
        let_in = set() if beside is None else set(_named(beside))
        faults = [
            fault
            for named in _named(spec)
            if named not in let_in
            for fault in self._faults_of(*named)
        ]
        if faults:
            raise SpecRefused(faults)

    def check_settings(self, settings: Mapping[str, Any], where: str) -> None:
        """Look at settings that are no part of a specification; see `check`."""
        named = _texts(settings, (where,))
        faults = [fault for each in named for fault in self._faults_of(*each)]
        if faults:
            raise SpecRefused(faults)

    def may_write(self, path: str) -> bool:
        """Say whether a folder may be written, for example by a backup."""
        # a relative path means one thing to the workspace and another to the process
        if not Path(path).is_absolute() or Path(path).resolve().is_relative_to(self.folder):
            return False
        return self._may_read(path)

    def _faults_of(self, where: tuple[str | int, ...], key: str, text: str) -> Iterator[Fault]:
        for what, remedy in self._wrong(where, key, text):
            yield Fault(what=what, where=dotted(where), remedy=remedy)

    def _wrong(
        self, where: tuple[str | int, ...], key: str, text: str
    ) -> Iterator[tuple[str, str]]:
        for name in _VARIABLE.findall(text):
            if not self.variables & {name, "*"}:
                yield (
                    f"the environment variable {name} may not be named here",
                    _remedy("--allow-env", self.variables),
                )
        if "options" in where[:-1]:
            yield "options of a client library may not be set from outside", "leave them out"
        elif _is_host(key, text):
            for host in _hosts(text):
                if not self.hosts & {host, "*"}:
                    remedy = _remedy("--allow-host", self.hosts)
                    yield f"the host {host} may not be named here", remedy
        elif _is_file(where, key, text) and not self._may_read(text):
            folders = map(str, self.folders)
            remedy = _remedy("--allow-folder", folders, "folders of the workspace")
            yield f"{text} may not be read or written from here", remedy

    def _may_read(self, text: str) -> bool:
        if any(str(folder) == "*" for folder in self.folders):
            return self._outside_own(text)
        fixed = self._fixed(text)
        inside = fixed.is_relative_to(self.folder.resolve())
        known = inside or any(fixed.is_relative_to(folder.resolve()) for folder in self.folders)
        return known and self._outside_own(text)

    def _fixed(self, text: str) -> Path:
        """The part of a path that no pattern can change."""
        found = _GLOB.search(text)
        head = text[: found.start()] if found else text
        return (self.folder / (head.rpartition("/")[0] if found else head)).resolve()

    def _outside_own(self, text: str) -> bool:
        """The workspace's own files are nobody's data: the owner's token is among them."""
        fixed, home = self._fixed(text), self.folder.resolve()
        if _GLOB.search(text) and home.is_relative_to(fixed):
            return False  # a pattern that could reach them
        if not fixed.is_relative_to(home):
            return True
        inside = fixed.relative_to(home).parts
        return bool(inside) and not _OWN.fullmatch(inside[0])


_PARTS = ("streams", "references", "sink")

_Named = tuple[tuple[str | int, ...], str, str]


def _named(spec: JobSpec) -> Iterator[_Named]:
    """All texts of a specification that may name something; see `_texts`."""
    data = spec.model_dump(mode="json")
    for part in _PARTS:
        yield from _texts(data.get(part), (part,))


def _texts(value: Any, path: tuple[str | int, ...]) -> Iterator[_Named]:
    """All texts in plain data: where they stand, the nearest key, the text."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, (*path, str(key)))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _texts(inner, (*path, at))
    elif isinstance(value, str) or "options" in path:
        key = next(str(step) for step in reversed(path) if isinstance(step, str))
        yield path, key, str(value)


def _is_host(key: str, text: str) -> bool:
    return "://" in text or bool(_HOST_KEYS & set(re.split(r"[^a-z]+", key.lower())))


def _is_file(where: tuple[str | int, ...], key: str, text: str) -> bool:
    if where == ("sink", "key") or where[-2:-1] == ("key",):
        return False  # a sink's key is columns
    named = bool(_FILE_KEYS & set(re.split(r"[^a-z]+", key.lower())))
    return named or text.startswith(("/", "~")) or ".." in text.split("/")


def _hosts(text: str) -> Iterator[str]:
    for part in text.split(","):
        found = _HOST.match(part.strip())
        if found:
            yield found[1].strip("[]").lower()


def _remedy(option: str, allowed: Any, also: str = "") -> str:
    names = ", ".join(filter(None, [also, *sorted(allowed)]))
    return f"allowed are {names or 'none'}; `streamops serve {option}` allows more"
