"""The folder of a job's Parquet output: what is visible in it, and how that changes.

::

    out/                                            the sink's path; may hold several jobs
      hot_minutes/                                  what readers see of one job
        hot_minutes.0000000001-0000000020.parquet   batches 1 to 20, compacted
        hot_minutes.0000000021-0000000021.parquet   batch 21
        hot_minutes.0000000022-0000000022/          batch 22, if it is partitioned
          device=a/hot_minutes.0000000022-0000000022.parquet
    .out-hot_minutes.staging/                       everything that is not visible

Everything is made in the staging folder, made durable, and shown by one rename - of a file, of a
batch's folder, or (compaction) of the job's whole folder, made of links to what stays and of the
merged file. The staging folder lies beside the output and not in it, because DuckDB's ``**`` also
finds hidden folders.
"""

from __future__ import annotations

import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Entry", "Folder", "listed", "sync", "sync_tree"]

_NAME = re.compile(r"(?P<job>.+)\.(?P<first>\d{10,})-(?P<last>\d{10,})(\.parquet)?")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder that holds the rows of the batches `first` to `last` of a job."""

    job: str
    first: int
    last: int
    path: Path

    def files(self) -> list[Path]:
        """List the Parquet files of the entry, in a stable order."""
        return sorted(self.path.rglob("*.parquet")) if self.path.is_dir() else [self.path]

    def size(self) -> int:
        """Give the number of bytes of all files."""
        return sum(file.stat().st_size for file in self.files())

    def written(self) -> float:
        """Give the time at which the youngest file was written (seconds since the epoch)."""
        return max((file.stat().st_mtime for file in self.files()), default=0.0)


def listed(folder: Path) -> list[Entry]:
    """List the entries in a folder and in the jobs' folders in it, in the order of batches."""
    folders = [folder, *(item for item in folder.iterdir() if item.name.isidentifier())]
    found = [entry for each in folders if each.is_dir() for entry in _directly_in(each)]
    return sorted(found, key=lambda entry: (entry.job, entry.first))


def _directly_in(folder: Path) -> list[Entry]:
    names = [(item, _NAME.fullmatch(item.name)) for item in folder.iterdir()]
    return [
        Entry(name["job"], int(name["first"]), int(name["last"]), item)
        for item, name in names
        if name is not None
    ]


class Folder:
    """What is visible of a job's output, and the staging folder beside it.

    Parameters
    ----------
    root
        The sink's path.
    job
        The job's name.
    """

    def __init__(self, root: Path, job: str) -> None:
        self.root = root
        self.job = job
        self.data = root / job
        self.staging = root.parent / f".{root.name}-{job}.staging"
        self._old = self.staging / "old"

    def open(self) -> None:
        """Create what is missing, and finish or undo what a crash left half done."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.clean()
        self.data.mkdir(exist_ok=True)
        self.staging.mkdir()
        sync(self.root)

    def clean(self) -> None:
        """Remove all that is staged."""
        self._put_back()
        if self.staging.exists():
            shutil.rmtree(self.staging)

    def _put_back(self) -> None:
        """Undo a `swap` that ended between its two renames."""
        if self._old.is_dir() and not self.data.exists():
            self._old.rename(self.data)
            sync(self.root)

    def entries(self) -> list[Entry]:
        """List what is visible, in the order of the batches."""
        found = [entry for entry in _directly_in(self.data) if entry.job == self.job]
        return sorted(found, key=lambda entry: entry.first)

    def staged(self, first: int, last: int, suffix: str) -> Path:
        """Give an unused path to build an entry at; it is shown under the same name."""
        self.staging.mkdir(exist_ok=True)
        path = self.staging / f"{self.job}.{first:010d}-{last:010d}{suffix}"
        _remove(path)
        return path

    def show(self, staged: Path) -> None:
        """Make a finished entry visible, in place of an older one of the same batches."""
        target = self.data / staged.name
        sync_tree(staged)
        # a folder cannot be renamed onto another one; a crash between the two renames leaves the
        # batch out, which has not been committed and comes again
        older = self._take_away(target) if target.is_dir() else None
        staged.replace(target)
        sync(self.data)
        if older is not None:
            shutil.rmtree(older)

    def hide(self, entry: Entry) -> None:
        """Make an entry vanish at once, then delete it."""
        if entry.path.is_dir():
            shutil.rmtree(self._take_away(entry.path))
        else:
            entry.path.unlink(missing_ok=True)
        sync(self.data)

    def _take_away(self, folder: Path) -> Path:
        self.staging.mkdir(exist_ok=True)
        gone = self.staging / f"{folder.name}.gone"
        _remove(gone)
        return folder.rename(gone)

    def swap(self, parts: list[Entry], merged: Path) -> None:
        """Show `merged` in place of `parts`: neither both nor a part of them is ever visible.

        Between two renames, some microseconds, nothing of the job is visible.
        """
        new = self.staging / "new"
        _remove(new)
        _remove(self._old)
        gone = {entry.path.name for entry in parts}
        new.mkdir()
        for item in self.data.iterdir():
            if item.name not in gone:
                _link(item, new / item.name)
        merged.rename(new / merged.name)
        sync_tree(new)
        self.data.rename(self._old)
        try:
            new.rename(self.data)
        except OSError:
            self._put_back()
            raise
        sync(self.root)
        shutil.rmtree(self._old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    """Link a file, or a folder's files; copy where the file system has no links."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_link_file)
    else:
        _link_file(str(source), str(target))


def _link_file(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def sync_tree(root: Path) -> None:
    """Make a file durable, or a folder with all files and folders in it."""
    if root.is_file():
        sync(root)
        return
    paths = [Path(folder) / name for folder, _, names in os.walk(root) for name in ("", *names)]
    # waiting for the disk in parallel is two to four times as fast for 1,000 files
    with ThreadPoolExecutor(max_workers=min(16, len(paths))) as pool:
        for _ in pool.map(sync, paths):
            pass


def sync(path: Path) -> None:
    """Make the bytes of a file, or the names in a folder, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
