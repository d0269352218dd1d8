"""Retention and compaction of a folder of Parquet files."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from streamops_nb.sinks import parquet_files as files
from streamops_nb.sinks.parquet_folder import Entry, Folder
from streamops_nb.sinks.parquet_settings import Compaction, ParquetSettings

__all__ = ["Tidier", "to_merge"]

# seconds after which the next batch has waited long enough; the rest is merged next time
_PATIENCE = 1.0


def to_merge(entries: Sequence[Entry], compact: Compaction) -> list[Entry]:
    """Choose neighbours that are to become one, or none.

    Entries are of one tier when their ranges of batches are about equally long, so that a row is
    copied once per tier (twice for 400 batches with 20 files a step), not at every step.
    """
    run: list[Entry] = []
    tier = -1
    for entry in entries:
        small = entry.size() < compact.bytes // 2
        its_tier = _tier(entry.last - entry.first + 1, compact.files)
        if not small or its_tier != tier:
            run = []
        tier = its_tier if small else -1
        if small:
            run.append(entry)
        if len(run) == compact.files:
            return _fitting(run, compact.bytes)
    return []


def _tier(batches: int, files_each: int) -> int:
    tier = 0
    while batches >= files_each:
        batches //= files_each
        tier += 1
    return tier


def _fitting(run: Sequence[Entry], most: int) -> list[Entry]:
    """Take as many from the beginning as fit; two always do, being smaller than half of it."""
    taken: list[Entry] = []
    total = 0
    for entry in run:
        total += entry.size()
        if total > most:
            break
        taken.append(entry)
    return taken


class Tidier:
    """Deletes and merges what is visible in a folder, except its newest entry."""

    def __init__(self, folder: Folder, settings: ParquetSettings) -> None:
        self._folder = folder
        self._settings = settings
        # entries other than the newest never change, so their rows are counted once
        self._counts: dict[Path, int] = {}

    def retain(self) -> None:
        """Delete what retention says, the oldest first."""
        retention = self._settings.retention
        if retention is None:
            return
        entries = self._folder.entries()
        expired: list[Entry] = []
        if retention.age is not None:
            limit = time.time() - retention.age.total_seconds()
            expired += [entry for entry in entries[:-1] if entry.written() < limit]
        if retention.rows is not None:
            expired += self._beyond(entries, retention.rows)
        for entry in dict.fromkeys(expired):
            self._folder.hide(entry)
            self._counts.pop(entry.path, None)

    def compact(self) -> None:
        """Merge groups of neighbours until there is none left, or a second has passed."""
        compact = self._settings.compact
        if compact is None:
            return
        late = time.monotonic() + _PATIENCE
        while parts := to_merge(self._folder.entries()[:-1], compact):
            self._folder.swap(parts, self._merged(parts))
            if time.monotonic() > late:
                return

    def _beyond(self, entries: Sequence[Entry], rows: int) -> list[Entry]:
        newer = 0
        for place in range(len(entries) - 1, -1, -1):
            if newer >= rows:
                return list(entries[: place + 1])
            newer += self._count(entries[place], keep=place < len(entries) - 1)
        return []

    def _count(self, entry: Entry, *, keep: bool) -> int:
        count = self._counts.get(entry.path)
        if count is None:
            count = sum(map(files.rows_in, entry.files()))
            if keep:
                self._counts[entry.path] = count
        return count

    def _merged(self, parts: Sequence[Entry]) -> Path:
        """Build the merged entry where nobody sees it; it is as old as its youngest part."""
        first, last = parts[0].first, parts[-1].last
        written = max(part.written() for part in parts)
        compression = self._settings.compression
        if not self._settings.partition_by:
            staged = self._folder.staged(first, last, ".parquet")
            files.merge([part.path for part in parts], staged, first, last, compression)
            os.utime(staged, (written, written))
            return staged
        staged = self._folder.staged(first, last, "")
        for below, group in _by_partition(parts).items():
            path = staged / below / f"{staged.name}.parquet"
            files.merge(group, path, first, last, compression)
            os.utime(path, (written, written))
        return staged


def _by_partition(parts: Sequence[Entry]) -> dict[Path, list[Path]]:
    """Group the files of several batches by their partition, each in the order of batches."""
    groups: dict[Path, list[Path]] = {}
    for part in parts:
        for file in part.files():
            groups.setdefault(file.parent.relative_to(part.path), []).append(file)
    return groups
