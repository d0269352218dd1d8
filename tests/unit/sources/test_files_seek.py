"""Start points in files, and files side by side."""

from __future__ import annotations

import os
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streamops_nb.db import open_instance
from streamops_nb.formats.csv_format import CsvFormat
from streamops_nb.model.batch import Position, advance
from streamops_nb.sources.base import Context, Limit
from streamops_nb.sources.files import FilesSource

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def open_files(folder: Path, order: str = "name", **context: Any) -> FilesSource:
    settings = FilesSource.Settings(path="*", order=order)
    return FilesSource(settings, Context(folder=folder, now=time.time, **context))


def test_without_event_time_the_last_change_of_a_file_decides(tmp_path: Path) -> None:
    for name, seconds in (("a", 100), ("b", 300), ("c", 200)):
        (tmp_path / name).write_bytes(b"{}\n")
        os.utime(tmp_path / name, (seconds, seconds))
    moment = datetime.fromtimestamp(200, UTC)
    assert open_files(tmp_path).seek(moment) == {"a": 3, "b": 0, "c": 0}
    later = datetime.fromtimestamp(250, UTC)
    assert open_files(tmp_path, "each").seek(later) == {"a": 3, "b": 0, "c": 3}


def test_event_times_out_of_order_are_searched_one_by_one(tmp_path: Path) -> None:
    stamps = ["11:00", "10:00", "no time", "13:00", "09:00", "12:00"]
    lines = [b'{"ts":"2026-01-01T%s:00Z"}\n' % stamp.encode() for stamp in stamps]
    (tmp_path / "a").write_bytes(b"".join(lines))
    source = open_files(tmp_path, schema={"ts": "TIMESTAMPTZ"}, event_time="ts")
    assert source.seek(NOON) == {"a": sum(map(len, lines[:3]))}


def test_the_event_time_of_csv_without_a_header_goes_by_place(tmp_path: Path) -> None:
    seconds = int(NOON.timestamp())
    (tmp_path / "a").write_bytes(b"x,%d\ny,%d\n" % (seconds - 1, seconds))
    with_session = open_instance()
    source = open_files(
        tmp_path,
        format="csv",
        format_settings=CsvFormat.Settings(header=False),
        schema={"name": "VARCHAR", "at": "EPOCH_S"},
        event_time="at",
        session=with_session.session,
    )
    assert source.seek(NOON) == {"a": 13}
    with_session.close()


@pytest.mark.parametrize(
    ("count", "shares"),
    [(3, [1, 1, 1]), (4, [1, 2, 1]), (7, [1, 4, 2]), (8, [1, 5, 2]), (100, [1, 10, 2])],
)
def test_files_with_few_records_leave_their_share_to_others(
    tmp_path: Path, count: int, shares: list[int]
) -> None:
    sizes = {"a": 1, "b": 10, "c": 2}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(b"1\n" * size)
    position = open_files(tmp_path, "each").seek(count)
    assert [sizes[name] - position[name] // 2 for name in sizes] == shares


def test_the_latest_records_of_large_files_are_found_from_behind(tmp_path: Path) -> None:
    line = b"x" * 99 + b"\n"
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(line * 3000)
    assert open_files(tmp_path).seek(10) == {"a": 300_000, "b": 299_000}
    assert open_files(tmp_path).seek(2000) == {"a": 300_000, "b": 100_000}
    assert open_files(tmp_path).seek(3500) == {"a": 250_000, "b": 0}


def test_more_files_than_are_held_open_are_read_side_by_side(tmp_path: Path) -> None:
    names = [f"{n:03}" for n in range(150)]
    for name in names:
        (tmp_path / name).write_bytes(b"1\n" * 20)
    source = open_files(tmp_path, "each")
    position: Position = {}
    found: Counter[str] = Counter()
    for _ in range(3):
        span = source.cut(position, Limit(rows=320))
        found.update(source.read(span)["_partition"].to_pylist())
        position = advance(position, span)
    assert sorted(found) == names  # after three spans each has had its turn
    for name in names:
        with (tmp_path / name).open("ab") as file:
            file.write(b"2\n")
    while span := source.cut(position, Limit(rows=320)):
        found.update(source.read(span)["_partition"].to_pylist())
        position = advance(position, span)
    assert found == dict.fromkeys(names, 21)
    source.close()
