"""Where the owner of a workspace can be reached: a file beside the lock, for its user alone."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from streamops_nb.model.errors import StorageError

__all__ = ["Address", "read_address", "remove_address", "write_address"]

_FILE = "owner.address"


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where an owner listens, the token that it takes, and its process."""

    url: str
    token: str = field(repr=False)
    pid: int


def write_address(folder: Path, address: Address) -> None:
    """Write the file so that nobody but this user ever can read it."""
    aside = folder / f"{_FILE}.new"
    try:
        aside.unlink(missing_ok=True)
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(address), file)
        aside.replace(folder / _FILE)
    except OSError as error:
        raise StorageError(f"the address of the owner cannot be written: {error}") from error


def read_address(folder: Path) -> Address | None:
    """Give the address; None if there is none, or it is another user's.

    A file that others could have written is not trusted: whoever wrote it would get what is sent.
    """
    path = folder / _FILE
    try:
        status = path.stat()
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o077):
            return None
        return Address(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def remove_address(folder: Path, address: Address) -> None:
    """Remove the file if it is still this address."""
    if read_address(folder) == address:
        (folder / _FILE).unlink(missing_ok=True)
