"""Upkeep of a workspace: jobs are deleted, the whole is backed up while it runs, and restored."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streamops_nb.db import ident, literal
from streamops_nb.model.errors import Fault, Refused, StorageError, StreamopsError
from streamops_nb.model.events import ActionTaken
from streamops_nb.model.lifecycle import ACTIVE, Status
from streamops_nb.ops.core import Core, Names, user
from streamops_nb.ops.failures import Failures
from streamops_nb.ops.operations import Operations

__all__ = ["Upkeep", "finish_deletions", "restore"]

_AT_REST = frozenset(Status) - ACTIVE - {Status.PAUSED}
_DELETED = ".deleted"
_MANIFEST = "backup.json"
_FORMAT = 1
_CHUNK = 2**20

Progress = Callable[[str, int, int], None]


class Upkeep:
    """What a `streamops_nb.ops.workspace.Workspace` does to stay in order."""

    _core: Core
    _operations: Operations
    failures: Failures

    def delete(self, names: Names, *, why: str = "") -> list[str]:
        """Delete jobs with their versions, history, file and output table: all or none.

        Rows that a job wrote elsewhere (Parquet, Kafka) stay.

        Returns
        -------
        list of str
            Their names.

        Raises
        ------
        Refused
            If one is active or paused, or another job reads its output.
        StorageError
            If the disk is full, for example; every job is whole then.
        """
        core = self._core
        if names is None:
            raise Refused("name the jobs to delete - `ws.delete(ws.select())` deletes all")
        found = core.select(names)
        with self._operations.deciding:  # nobody starts one meanwhile
            faults = [fault for name in found if (fault := self._obstacle(name, found))]
            if faults:
                raise Refused(faults)
            self._delete(found, why)
        return found

    def _delete(self, found: list[str], why: str) -> None:
        core = self._core
        now, who = core.now(), user()
        about: dict[str, Any] = {"job": "", "at": now, "who": who, "action": "delete", "why": why}
        told = [
            ActionTaken(**about, result=f"deleted {name}", line=f"ws.delete({name!r})")
            for name in found
        ]
        try:
            for name in found:
                core.backend.detach_job(name)
                _put_aside(core.folder / "jobs", name)
            core.courier.deliver()
            core.catalog.delete_jobs(found, told)
        except (OSError, StreamopsError) as error:
            # at once: a run that began beside a file put aside would lose its own to it
            finish_deletions(core.folder, core.states)
            raise StorageError(f"{', '.join(found)} cannot be deleted: {error}") from error
        for name in found:
            core.forget(name)
            # raw records of the job are in it
            shutil.rmtree(core.folder / "failures" / name, ignore_errors=True)
        finish_deletions(core.folder, core.states)

    def _obstacle(self, name: str, asked: Collection[str]) -> Fault | None:
        core = self._core
        status = core.states.state(name).observed
        if status not in _AT_REST or name in core.backend.leaving:
            return Fault(what=f"it is {status}", where=name, remedy="stop it first")
        reading = [other for other in core.catalog.mentioning("type: job") if other not in asked]
        readers = sorted(other for other in reading if name in core.inputs(other))
        if readers:
            what = f"its output is read by {', '.join(readers)}"
            return Fault(what=what, where=name, remedy="delete them first, or together with it")
        return None

    def backup(self, to: str | Path, *, progress: Progress | None = None) -> Path:
        """Copy the whole workspace into a new folder, while its jobs run.

        The catalog is copied first; each job's file is copied as of one moment, output, state and
        position together. What batches committed in between is in the job's file and reaches the
        catalog when the copy is first opened. What jobs wrote elsewhere (Parquet, Kafka), and the
        files that they read, are not in it; neither are secrets, which are not in the workspace.

        Parameters
        ----------
        to
            A folder outside of the workspace that is empty or not there.
        progress
            Called with the name of each file, its number, and the number of all.

        Raises
        ------
        Refused
            If the folder is not empty or lies in the workspace.
        StorageError
            If the disk is full, for example; the folder is removed again then.
        """
        core = self._core
        target = Path(to).resolve()
        _check_empty(target)
        if target.is_relative_to(core.folder):
            raise Refused(f"{target} lies in the workspace - back up to a folder outside of it")
        aside = core.folder / "tmp" / f"backup-{time.time_ns()}"
        try:
            with core.courier.held():
                self._copy_all(aside, progress)
            _write_manifest(aside, core.now())
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                target.rmdir()
            shutil.move(aside, target)
        except OSError as error:
            shutil.rmtree(target, ignore_errors=True)
            raise StorageError(f"the backup to {target} failed: {error}") from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return target

    def _copy_all(self, aside: Path, progress: Progress | None) -> None:
        core = self._core
        files = ["catalog.db"]
        for kind in ("jobs", "streams"):
            files += [f"{kind}/{path.name}" for path in sorted((core.folder / kind).glob("*.db"))]
        for number, file in enumerate(files, 1):
            if progress is not None:
                progress(file, number, len(files))
            (aside / file).parent.mkdir(parents=True, exist_ok=True)
            self._copy(file, aside / file)
        if (core.folder / "samples").is_dir():
            shutil.copytree(core.folder / "samples", aside / "samples")
        self.failures.copy(aside / "failures")

    def _copy(self, file: str, to: Path) -> None:
        core = self._core
        kind, _, name = file.rpartition("/")
        database = f"{kind[:-1]}_{name[:-3]}" if kind else "catalog"
        if kind and database not in core.backend.attached:
            _copy_closed(core.folder / file, to)
            if database not in core.backend.attached:
                return
            # a run began meanwhile: what was copied may be of two moments
            to.unlink()
            to.with_name(f"{to.name}.wal").unlink(missing_ok=True)
        session = core.instance.session()
        try:
            session.rows(f"ATTACH {literal(str(to))} AS {ident(_COPY)}")
            try:
                # one statement, one snapshot: jobs go on writing meanwhile
                session.rows(f"COPY FROM DATABASE {ident(database)} TO {ident(_COPY)}")
            finally:
                session.rows(f"DETACH {ident(_COPY)}")
        finally:
            session.close()


_COPY = "_streamops_backup"


def restore(backup: str | Path, folder: str | Path) -> Path:
    """Make a workspace of a backup; jobs that ran are wanted running, as after a crash.

    `streamops_nb.connect` goes on with them, or leaves them with ``resume=False`` - if the
    workspace that was backed up still runs, both would write to the same Kafka topics and files.

    Parameters
    ----------
    backup
        What `Workspace.backup` made; it is only read.
    folder
        A folder that is empty or not there.

    Raises
    ------
    Refused
        If the folder is not empty, or the backup is none, is damaged, or incomplete; nothing is
        written then.
    """
    source, target = Path(backup).resolve(), Path(folder).resolve()
    _check_empty(target)
    files = _checked_files(source)
    aside = target.with_name(f"{target.name}.restoring")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        for file in files:
            (aside / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / file, aside / file)
        if target.exists():
            target.rmdir()
        aside.rename(target)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise StorageError(f"{source} cannot be restored to {target}: {error}") from error
    return target


def finish_deletions(folder: Path, jobs: Any) -> None:
    """Finish deletions that a crash interrupted: files of a job that is there still come back."""
    for aside in sorted((folder / "jobs").glob(f"*{_DELETED}")):
        if aside.name.removesuffix(_DELETED) in jobs:
            for file in aside.iterdir():
                file.replace(folder / "jobs" / file.name)
        shutil.rmtree(aside)


def _put_aside(folder: Path, name: str) -> None:
    """Move a job's file, with its WAL, where the next owner knows it for one being deleted."""
    files = [path for suffix in (".db", ".db.wal") if (path := folder / f"{name}{suffix}").exists()]
    if files:
        aside = folder / f"{name}{_DELETED}"
        aside.mkdir(exist_ok=True)
        for file in files:
            file.replace(aside / file.name)


def _copy_closed(file: Path, to: Path) -> None:
    """Copy a file that no one has open, with the WAL that a crash left beside it."""
    shutil.copyfile(file, to)
    wal = file.with_name(f"{file.name}.wal")
    if wal.exists():
        shutil.copyfile(wal, to.with_name(f"{to.name}.wal"))


def _check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder} is there and not an empty folder - name a new one")


def _write_manifest(folder: Path, now: float) -> None:
    files = {
        str(path.relative_to(folder)): {"bytes": path.stat().st_size, "sha256": _digest(path)}
        for path in _files(folder)
    }
    made = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    content = {"format": _FORMAT, "at": made, "files": files}
    (folder / _MANIFEST).write_text(json.dumps(content, indent=1), encoding="utf-8")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked_files(backup: Path) -> list[str]:
    """Give the files of a backup, after looking at each; `Refused` with every fault."""
    try:
        content = json.loads((backup / _MANIFEST).read_text(encoding="utf-8"))
        files, format_ = dict(content["files"]), int(content["format"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{backup} is no backup of a workspace: {error}") from error
    if format_ > _FORMAT:
        raise Refused(f"{backup} was made by a newer version of streamops_nb - use that one")
    faults = []
    for file, about in files.items():
        path = (backup / file).resolve()
        if not path.is_relative_to(backup):
            faults.append(Fault(what="it points outside of the backup", where=file))
        elif not path.is_file():
            faults.append(Fault(what="it is missing", where=file))
        elif path.stat().st_size != about["bytes"] or _digest(path) != about["sha256"]:
            faults.append(Fault(what="it was changed or damaged since the backup", where=file))
    if faults:
        raise Refused(faults)
    return list(files)
