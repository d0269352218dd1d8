"""DuckDB instances: how they are opened, what they may reach, how they end."""

from __future__ import annotations

import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path

import duckdb

from streamops_nb.db.names import ident, literal
from streamops_nb.db.session import Session
from streamops_nb.model.errors import StorageError, StreamopsError

__all__ = ["Instance", "open_instance", "sealed"]

_PATIENCE = 5.0
"""Seconds that a call of a session may take to end when the instance is closed."""


class Instance:
    """One DuckDB instance: files are attached to it, sessions opened on it.

    Thread-safe; made by `open_instance` or `sealed`.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()

    def session(self) -> Session:
        """Open a session."""
        try:
            with self._lock:
                session = Session(self._connection.cursor())
                self._sessions.add(session)
                return session
        except duckdb.ConnectionException:
            raise StorageError("the workspace is closed - so.connect opens it again") from None

    def attach(self, path: Path | None, name: str) -> None:
        """Attach a database file (None: one in memory) under `name`, creating it if missing."""
        session = self.session()
        try:
            where = literal(":memory:" if path is None else str(path))
            session.rows(f"ATTACH {where} AS {ident(name)}")
        except StreamopsError as error:
            raise StorageError(f"cannot open {path}: {error}") from error
        finally:
            session.close()

    def detach(self, name: str) -> None:
        """Detach a database; its file may then be moved or removed."""
        session = self.session()
        try:
            session.rows(f"DETACH {ident(name)}")
        finally:
            session.close()

    def limit_memory(self, nbytes: int) -> None:
        """Bound DuckDB's memory anew, in bytes; only for an instance that has a folder.

        Raises
        ------
        StreamopsError
            If more is in use and cannot be given back; the bound is as before then.
        """
        session = self.session()
        try:
            session.rows(f"SET GLOBAL memory_limit = {literal(f'{int(nbytes) // 2**20}MiB')}")
        finally:
            session.close()

    def close(self) -> None:
        """Close the instance; open sessions end with it, what they do just now is interrupted."""
        until = time.monotonic() + _PATIENCE
        with self._lock:
            while True:
                try:
                    self._connection.close()
                except duckdb.Error:  # in the middle of a call DuckDB refuses instead of waiting
                    if time.monotonic() > until:
                        raise
                    for session in list(self._sessions):
                        with suppress(duckdb.Error):  # it is closed
                            session.interrupt()
                    time.sleep(0.01)
                else:
                    return


def open_instance(
    folder: Path | None = None,
    *,
    memory: str = "2GB",
    threads: int | None = None,
    json_errors: bool = False,
) -> Instance:
    """Open the engine's DuckDB instance.

    Parameters
    ----------
    folder
        The workspace: the only folder that the instance may touch. None allows no file at all.
    memory
        Upper bound of DuckDB's memory, for example ``"2GB"``.
    threads
        Number of worker threads; None means one per core.
    json_errors
        Whether messages are JSON documents with the position of the fault in the statement.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "preserve_insertion_order": "true",
    }
    if threads is not None:
        config["threads"] = threads
    connection = duckdb.connect(":memory:", config=config)
    settings = ["SET GLOBAL TimeZone='UTC'", "SET enable_progress_bar=false"]
    if folder is None:
        settings.append("SET temp_directory=''")  # else it spills into the current folder
    else:
        spill = folder / "tmp"
        settings += [
            f"SET allowed_directories=[{literal(str(folder))}]",
            f"SET temp_directory={literal(str(spill))}",
            "SET max_temp_directory_size='20GB'",
            # it follows the allocation; everything else stays as it is set here
            "SET allowed_configs=['memory_limit']",
        ]
    if json_errors:
        settings.append("SET GLOBAL errors_as_json=true")
    settings += [
        "SET autoinstall_known_extensions=false",
        "SET autoload_known_extensions=false",
        "SET enable_external_access=false",
        "SET lock_configuration=true",
    ]
    for setting in settings:
        connection.execute(setting).fetchall()
    return Instance(connection)


def sealed(
    *, memory: str = "1GB", threads: int | None = None, json_errors: bool = False
) -> Instance:
    """Open an instance in memory that can reach nothing: no files, network, settings."""
    return open_instance(None, memory=memory, threads=threads, json_errors=json_errors)
