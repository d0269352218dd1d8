"""Errors as plain data, raised again as the same class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamops_nb.model import errors
from streamops_nb.model.errors import (
    Fault,
    Forbidden,
    MoveRefused,
    Refused,
    ResourcesRefused,
    StreamopsError,
    Unavailable,
)

__all__ = ["from_plain", "status_of", "to_plain"]

_KINDS: dict[str, type[StreamopsError]] = {
    name: kind
    for name in errors.__all__
    if issubclass(kind := getattr(errors, name), StreamopsError)
}

_STATUS: tuple[tuple[type[StreamopsError], int], ...] = (
    (Forbidden, 403),
    (MoveRefused, 409),
    (ResourcesRefused, 409),
    (Refused, 422),
    (Unavailable, 503),
)


def status_of(error: StreamopsError) -> int:
    """Give the HTTP status of an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def to_plain(error: StreamopsError) -> dict[str, Any]:
    """Give an error as plain data."""
    faults = error.faults if isinstance(error, Refused) else ()
    return {
        "error": type(error).__name__,
        "message": str(error),
        "retryable": error.retryable,
        "faults": [{"what": f.what, "where": f.where, "remedy": f.remedy} for f in faults],
    }


def from_plain(value: Mapping[str, Any]) -> StreamopsError:
    """Make the error again that `to_plain` was given; one of an unknown class is a base error."""
    kind = _KINDS.get(str(value.get("error")), StreamopsError)
    if issubclass(kind, Refused):
        faults = [
            Fault(what=str(f["what"]), where=str(f["where"]), remedy=str(f["remedy"]))
            for f in value.get("faults", ())
        ]
        return kind(faults or str(value.get("message", "")))
    error = kind(str(value.get("message", "")))
    error.retryable = bool(value.get("retryable"))
    return error
