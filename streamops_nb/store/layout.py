"""The catalog's file: attached, created if it is new, refused if it is not a whole one of ours."""

from __future__ import annotations

from pathlib import Path

from streamops_nb.db import Instance, Session
from streamops_nb.model.errors import StorageError, StreamopsError, WorkspaceOwned
from streamops_nb.store.statements import schema, statement, upgrade

__all__ = ["DATABASE", "FORMAT", "attach", "prepare"]

DATABASE = "catalog"
"""The name under which the file is attached."""

FORMAT = 3
"""Version of the layout of the file."""

_HEADERS = 3 * 4096
"""Bytes before the first block of a database file."""


def attach(instance: Instance, path: Path | None) -> None:
    """Attach the file; errors as of `streamops_nb.store.catalog.Catalog`."""
    try:
        instance.attach(path, DATABASE)
    except StorageError as error:
        if "Could not set lock" in str(error):
            raise WorkspaceOwned(f"another process has the workspace open: {error}") from error
        raise _damaged(path, error) from error


def prepare(session: Session, path: Path | None) -> None:
    """Create the tables in a new file, or see that an old one is ours, whole, and not too new."""
    try:
        tables = {row[0] for row in session.rows(statement("tables"))}
        found = session.rows(statement("format")) if tables else []
        _check_size(session, path)
    except StreamopsError as error:
        raise _damaged(path, error) from error
    if not tables:
        for create in schema():
            session.rows(create)
        session.run(statement("note format"), [str(FORMAT)])
    elif not found or "jobs" not in tables or not found[0][0].isdecimal():
        raise _damaged(path, "it is a database with other tables")
    elif int(found[0][0]) < FORMAT:
        _upgrade(session)
    elif int(found[0][0]) > FORMAT:
        raise StorageError(
            f"the catalog {path} has format {found[0][0]}, this version reads up to {FORMAT}"
            " - use the newer version of streamops_nb that wrote it"
        )


def _upgrade(session: Session) -> None:
    """Make an older catalog one of the present format; who opened it describes its jobs."""
    for change in upgrade():
        session.rows(change)


def _check_size(session: Session, path: Path | None) -> None:
    """See that no block is missing; attaching a file reads only some of them."""
    if path is None:
        return
    # free blocks at the end are counted but need not have been written
    blocks, size = session.rows(statement("size"))[0]
    expected, found = _HEADERS + blocks * size, path.stat().st_size
    if found < expected:
        raise StorageError(f"it was cut short, to {found} of {expected} bytes")


def _damaged(path: Path | None, why: object) -> StorageError:
    return StorageError(
        f"the catalog {path} is damaged or is no catalog of streamops_nb: {why}"
        " - restore it from a copy, or move it away to begin with an empty one"
    )
