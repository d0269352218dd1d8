"""The Parquet sink dies before every single change that it makes to the file system.

An audit hook sees each change before it happens and can refuse it with an exception that nobody
catches; so the folder is left exactly as a killed process would leave it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from streamops_nb.model.errors import SinkError
from streamops_nb.sinks.base import Context
from streamops_nb.sinks.parquet import ParquetSettings, ParquetSink

SCHEMA = {"n": "BIGINT", "device": "VARCHAR"}
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.link", "os.mkdir", "os.utime"}


class Died(BaseException):
    """The process ends here."""


class Death:
    """Comes before the change number `before` (None: not at all), or as a refused rename."""

    def __init__(self) -> None:
        self.before: int | None = None
        self.refused = ""

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        if self.refused and event == "os.rename" and Path(args[0]).name == self.refused:
            raise OSError(28, "No space left on device", str(args[1]))
        if self.before is None:
            return
        writes = event == "open" and isinstance(args[2], int) and args[2] & os.O_CREAT
        if event in CHANGES or writes:
            if self.before == 0:
                raise Died
            self.before -= 1


@pytest.fixture(scope="module")
def death() -> Iterator[Death]:
    death = Death()
    sys.addaudithook(death.hook)  # cannot be taken away again, only silenced
    yield death
    death.before = None


Make = Callable[..., ParquetSink]


@pytest.fixture(params=[(), ("device",)], ids=["files", "partitioned"])
def make(request: pytest.FixtureRequest) -> Make:
    def make(folder: Path, **more: Any) -> ParquetSink:
        settings = ParquetSettings(
            path="out", partition_by=request.param, **{"compact": {"files": 2}, **more}
        )
        sink = ParquetSink(settings, Context(job="hot", folder=folder, schema=SCHEMA))
        sink.open()
        return sink

    return make


def rows(n: int, count: int = 6) -> pa.Table:
    """Make the rows of batch n: n itself, on three devices."""
    return pa.table({"n": [n] * count, "device": [f"d{i % 3}" for i in range(count)]})


def seen(folder: Path) -> dict[int, int]:
    """Count the rows of each batch as any reader with a glob would."""
    files = f"{folder}/out/**/*.parquet"
    if not duckdb.sql(f"SELECT * FROM glob('{files}')").fetchall():
        return {}
    found = duckdb.sql(f"SELECT n, count(*) FROM read_parquet('{files}') GROUP BY n").fetchall()
    return dict(found)


def deaths(
    death: Death, folder: Path, prepare: Callable[[Path], Callable[[], object]]
) -> Iterator[Path]:
    """Prepare a new folder and act on it, dying one change later each time, until it survives."""
    for before in range(1_000):
        place = folder / str(before)
        place.mkdir()
        act = prepare(place)
        death.before = before
        try:
            act()
        except Died:
            death.before = None
            yield place
        else:
            death.before = None
            assert before > 0, "nothing was changed, so nothing was tested"
            return
    raise AssertionError("it never came to an end")


def test_dying_while_a_batch_is_written_leaves_all_of_it_or_nothing(
    death: Death, make: Make, tmp_path: Path
) -> None:
    def prepare(folder: Path) -> Callable[[], object]:
        sink = make(folder)
        sink.write(1, rows(1))
        return lambda: sink.write(2, rows(2))

    for folder in deaths(death, tmp_path, prepare):
        assert seen(folder) in ({1: 6}, {1: 6, 2: 6})
        make(folder).write(2, rows(2))
        assert seen(folder) == {1: 6, 2: 6}


def test_dying_while_a_batch_is_replaced_never_doubles_it(
    death: Death, make: Make, tmp_path: Path
) -> None:
    def prepare(folder: Path) -> Callable[[], object]:
        sink = make(folder)
        sink.write(1, rows(1))
        sink.write(2, rows(2))
        return lambda: sink.write(2, rows(2, count=9))

    for folder in deaths(death, tmp_path, prepare):
        assert seen(folder) in ({1: 6, 2: 6}, {1: 6}, {1: 6, 2: 9})
        make(folder).write(2, rows(2, count=9))
        assert seen(folder) == {1: 6, 2: 9}


def test_dying_while_files_are_merged_shows_all_batches_or_none_and_opening_heals(
    death: Death, make: Make, tmp_path: Path
) -> None:
    def prepare(folder: Path) -> Callable[[], object]:
        sink = make(folder)
        for n in range(1, 4):
            sink.write(n, rows(n))
        return sink.tidy

    everything = dict.fromkeys(range(1, 4), 6)
    hidden = 0
    for folder in deaths(death, tmp_path, prepare):
        hidden += not seen(folder)
        assert seen(folder) in (everything, {})
        sink = make(folder)
        assert seen(folder) == everything
        sink.tidy()
        assert seen(folder) == everything
        assert len(sink._folder.entries()) == 2
    assert hidden == 1, "only between the two renames"


def test_dying_while_old_files_are_deleted_takes_away_whole_batches(
    death: Death, make: Make, tmp_path: Path
) -> None:
    few = {"compact": None, "retention": {"rows": 10}}

    def prepare(folder: Path) -> Callable[[], object]:
        sink = make(folder, **few)
        for n in range(1, 5):
            sink.write(n, rows(n))
        return sink.tidy

    for folder in deaths(death, tmp_path, prepare):
        found = seen(folder)
        assert set(found.values()) == {6}
        assert {3, 4} <= set(found)
        make(folder, **few).tidy()
        assert seen(folder) == {3: 6, 4: 6}


def test_dying_while_the_folder_is_opened_after_a_crash_loses_nothing(
    death: Death, make: Make, tmp_path: Path
) -> None:
    def prepare(folder: Path) -> Callable[[], object]:
        sink = make(folder)
        sink.write(1, rows(1))
        sink._stage(2, rows(2))
        # as if it had died between the two renames of a compaction
        sink._folder.data.rename(sink._folder._old)
        return lambda: make(folder)

    for folder in deaths(death, tmp_path, prepare):
        assert seen(folder) in ({1: 6}, {})
        make(folder)
        assert seen(folder) == {1: 6}


def test_a_merge_that_cannot_be_shown_puts_the_parts_back(
    death: Death, make: Make, tmp_path: Path
) -> None:
    sink = make(tmp_path)
    for n in range(1, 4):
        sink.write(n, rows(n))
    before = seen(tmp_path)
    death.refused = "new"  # the second rename of the swap
    try:
        with pytest.raises(SinkError, match="No space left on device") as caught:
            sink.tidy()
    finally:
        death.refused = ""
    assert caught.value.retryable
    assert seen(tmp_path) == before
    sink.tidy()
    assert len(sink._folder.entries()) == 2
    assert seen(tmp_path) == before
