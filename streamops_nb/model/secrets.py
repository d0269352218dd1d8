"""Secrets are written as references, ``${env:KAFKA_PASSWORD}``, and resolved at run time only.

A specification keeps the reference: what is stored, dumped, shown or exported never holds the
value. `resolve` puts the values in right before a plug-in is built; `mask` takes them out of any
text that is about to be logged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.wording import dotted

__all__ = ["has_reference", "hides", "literals", "mask", "resolve"]

_REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET = frozenset(
    ("password", "passwd", "passphrase", "pwd", "secret", "token", "credential", "credentials",
     "authorization", "apikey")
)  # fmt: skip
_SECRET_PAIRS = frozenset(
    (
        ("api", "key"), ("access", "key"), ("private", "key"), ("secret", "key"),
        ("account", "key"), ("key", "pem"), ("jaas", "config"), ("user", "info"),
    )
)  # fmt: skip
_LOGIN_IN_ADDRESS = re.compile(r"://[^/\s:@]*:(?!\$\{env:)[^/\s@]+@")

Path = tuple[str | int, ...]


def hides(key: str) -> bool:
    """Tell whether a setting of this name holds a secret (``sasl.password``, ``api_key``)."""
    words = tuple(word.lower() for word in _WORD.findall(key))
    return bool(words) and (words[-1] in _SECRET or words[-2:] in _SECRET_PAIRS)


def has_reference(value: Any) -> bool:
    """Tell whether a value is text with a reference in it."""
    return isinstance(value, str) and _REFERENCE.search(value) is not None


def literals(settings: Any, path: Path = ()) -> list[Fault]:
    """Find what must not be stored: secrets as literal text, and references nobody can resolve.

    Parameters
    ----------
    settings
        A plug-in's settings, as written.
    path
        Where they lie in the specification.
    """
    faults = []
    for where, value in _leaves(settings, path):
        keys = [step for step in where if isinstance(step, str)]
        if isinstance(value, bool) or not isinstance(value, (str, int, float)) or value == "":
            continue
        fault = _literal_fault(keys[-1] if keys else "", value)
        if fault:
            faults.append(Fault(what=fault[0], where=dotted(where), remedy=fault[1]))
    return faults


def _literal_fault(key: str, value: str | float) -> tuple[str, str] | None:
    rest = _REFERENCE.sub("", str(value))
    if "${" in rest:
        return (
            "a reference is not written as it should be",
            "write `${env:NAME}`, NAME being an environment variable where the job runs",
        )
    secret = hides(key) and not has_reference(value)
    if secret or (isinstance(value, str) and _LOGIN_IN_ADDRESS.search(value)):
        name = re.sub(r"[^A-Z0-9]+", "_", key.upper()).strip("_") or "PASSWORD"
        return (
            "a secret must not be written into a specification",
            f"write a reference, `${{env:{name}}}`, and set that variable where the job runs",
        )
    return None


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for at, inner in enumerate(value):
            yield from _leaves(inner, (*path, at))
    else:
        yield path, value


def resolve(
    settings: Mapping[str, Any], environ: Mapping[str, str], path: Path = ()
) -> dict[str, Any]:
    """Replace every reference in a plug-in's settings by its value.

    Parameters
    ----------
    settings
        The settings as the specification has them; they are not changed.
    environ
        Where the values are, normally `os.environ`.
    path
        Where the settings lie in the specification, for the refusal.

    Raises
    ------
    SpecRefused
        If variables are missing: names all of them and where they are used, and no value.
    """
    faults = [
        Fault(
            what=f"the environment variable {name} is not set",
            where=dotted(where),
            remedy=f"set {name} for the process that runs the job",
        )
        for where, value in _leaves(settings, path)
        if isinstance(value, str)
        for name in dict.fromkeys(_REFERENCE.findall(value))
        if name not in environ
    ]
    if faults:
        raise SpecRefused(faults)
    return {key: _filled(value, environ) for key, value in settings.items()}


def _filled(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: environ[found[1]], value)
    if isinstance(value, Mapping):
        return {key: _filled(inner, environ) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(inner, environ) for inner in value]
    return value


def mask(text: str, settings: Any, environ: Mapping[str, str]) -> str:
    """Put the references back where their values appear in a message.

    Parameters
    ----------
    text
        A message that may quote a secret: an error of a client library, a log line.
    settings
        The settings with references, or any structure that holds them (a whole dumped spec).
    environ
        Where the values are.

    Returns
    -------
    str
        The text, with each value (also as written in an address, in JSON or as a Python literal)
        replaced by ``${env:NAME}``.
    """
    names = {
        name
        for _, value in _leaves(settings, ())
        if isinstance(value, str)
        for name in _REFERENCE.findall(value)
    }
    written = {
        form: f"${{env:{name}}}" for name in sorted(names) for form in _forms(environ.get(name, ""))
    }
    if not written:
        return text
    # longest first, in one pass: a value that contains another, or a reference's own letters
    longest = sorted(written, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest)), lambda found: written[found[0]], text)


def _forms(value: str) -> set[str]:
    forms = {value, quote(value, safe=""), json.dumps(value)[1:-1], repr(value)[1:-1]}
    return forms - {""}
