"""References: bounded tables that a query may join, read anew between batches when they change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from streamops_nb.db import Session, ident, read_table
from streamops_nb.model.errors import Fault, SpecRefused, StreamopsError
from streamops_nb.model.spec import Reference
from streamops_nb.model.wording import number_of

__all__ = ["Note", "References", "read_reference"]


def read_reference(name: str, reference: Reference, folder: Path) -> pa.Table:
    """Read a reference whole.

    Parameters
    ----------
    name
        Its name in the specification, for the refusal.
    folder
        Relative paths are relative to this.

    Raises
    ------
    SpecRefused
        If the file is missing or is not what the specification says.
    """
    path = folder / reference.path
    where = f"references.{name}"
    if not path.is_file():
        raise SpecRefused(
            [Fault(where=f"{where}.path", what=f"there is no file {path}", remedy="check the path")]
        )
    try:
        if reference.type == "csv":
            return pa_csv.read_csv(path)
        if reference.type == "parquet":
            return pa_parquet.read_table(path)
        return read_table(path, reference.table or name)
    except (pa.ArrowInvalid, OSError, StreamopsError) as error:
        raise SpecRefused(
            [Fault(where=where, what=f"{path} cannot be read as {reference.type}: {error}")]
        ) from error


def _version_of(reference: Reference, folder: Path) -> str:
    """Give a text that changes when the reference's file does; empty if there is none."""
    path = folder / reference.path
    files = [path, path.with_name(f"{path.name}.wal")]  # what a DuckDB file has beside it
    found = [file.stat() for file in files if file.is_file()]
    return " ".join(f"{status.st_mtime_ns}-{status.st_size}" for status in found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """Something worth knowing about a reference."""

    name: str
    what: str
    message: str


class References:
    """The references of one job.

    Parameters
    ----------
    references
        What the specification says of them.
    folder
        Relative paths are relative to this.

    Raises
    ------
    SpecRefused
        If one cannot be read.
    """

    def __init__(self, references: Mapping[str, Reference], folder: Path) -> None:
        self._folder = folder
        self._references = dict(references)
        # taken before reading: a change while reading shows as one afterwards
        self._seen = {name: _version_of(r, folder) for name, r in references.items()}
        self.tables = {name: read_reference(name, r, folder) for name, r in references.items()}
        self.versions: dict[str, str] = dict(self._seen)
        self._notes: list[Note] = []

    def keep(self, names: Iterable[str]) -> None:
        """Forget all others: the query does not read them."""
        for kept in (self._references, self._seen, self.tables, self.versions):
            for name in kept.keys() - set(names):
                del kept[name]

    def show(self, session: Session) -> None:
        """Make all readable in a session, which from then on holds their rows."""
        for name, table in self.tables.items():
            _show(session, name, table)
        self.tables.clear()

    def refresh(self, session: Session) -> dict[str, str]:
        """Read anew what has changed; to be called between two batches.

        One that cannot be used stays as it was, and that is noted.

        Returns
        -------
        dict
            Per reference, the version that is readable now.
        """
        for name, reference in self._references.items():
            version = _version_of(reference, self._folder)
            if version != self._seen[name]:
                self._seen[name] = version
                self._renew(name, version, session)
        return dict(self.versions)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was noted since they were last forgotten."""
        return tuple(self._notes)

    def forget_notes(self) -> None:
        """Forget the notes: they were committed."""
        self._notes.clear()

    def compare(self, recorded: Mapping[str, str], batch: int) -> bool:
        """Tell whether a batch that was begun can be repeated with the same versions; note if not.

        Parameters
        ----------
        recorded
            The versions in the record of the batch.
        """
        gone = [name for name, version in self.versions.items() if recorded.get(name) != version]
        for name in gone:
            message = (
                f"batch {batch} had been begun with a version of {name} that is no longer there; "
                "it is repeated with the present one"
            )
            self._note(name, "reference version gone", message)
        return not gone

    def _renew(self, name: str, version: str, session: Session) -> None:
        reference = self._references[name]
        try:
            table = read_reference(name, reference, self._folder)
        except SpecRefused as error:
            self._note(name, "reference unreadable", f"{error}; its rows stay as they were")
            return
        if version != _version_of(reference, self._folder):
            self._seen[name] = ""  # it is being written: next time
            return
        with session.registered(_fresh=table.slice(0, 0)):
            found = session.describe("FROM _fresh")
        wanted = session.describe(f"FROM {ident(name)}")
        if found != wanted:
            told = ", ".join(f"{column} {kind}" for column, kind in found.items())
            message = (
                f"{reference.path} has other columns now ({told}); its rows stay as they were - "
                "start the job again to plan its query with them"
            )
            self._note(name, "reference unusable", message)
            return
        _show(session, name, table)
        self.versions[name] = version
        message = f"{reference.path} has changed: {number_of(table.num_rows)} from this batch on"
        self._note(name, "reference changed", message)

    def _note(self, name: str, what: str, message: str) -> None:
        self._notes.append(Note(name=name, what=what, message=message))


def _show(session: Session, name: str, table: pa.Table) -> None:
    with session.registered(_reference=table):
        session.run(f"CREATE OR REPLACE TEMP TABLE {ident(name)} AS FROM _reference")
