"""What the Parquet sink promises beyond the contract of sinks."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from streamops_nb.model.errors import SinkError, SpecRefused
from streamops_nb.sinks.base import Context
from streamops_nb.sinks.parquet import ParquetSettings, ParquetSink, read
from streamops_nb.sinks.parquet_folder import Entry
from streamops_nb.sinks.parquet_settings import Compaction
from streamops_nb.sinks.parquet_tidy import to_merge

SCHEMA = {"n": "BIGINT", "device": "VARCHAR"}

Make = Callable[..., ParquetSink]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(
        schema: dict[str, str] | None = None, job: str = "hot", **settings: Any
    ) -> ParquetSink:
        context = Context(job=job, folder=tmp_path, schema=schema or SCHEMA)
        sink = ParquetSink(ParquetSettings(path="out", **settings), context)
        sink.open()
        return sink

    return make


def rows(n: int, count: int = 3) -> pa.Table:
    return pa.table({"n": [n] * count, "device": [f"d{i}" for i in range(count)]})


def numbers(folder: Path) -> list[int]:
    return [int(n) for n in read(folder / "out")["n"].to_pylist()]


def test_the_file_of_a_batch_is_named_by_job_and_number(make: Make, tmp_path: Path) -> None:
    make().write(12, rows(12))
    found = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet")]
    assert found == ["out/hot/hot.0000000012-0000000012.parquet"]


def test_making_a_sink_touches_nothing(tmp_path: Path) -> None:
    ParquetSink(ParquetSettings(path="out"), Context(job="hot", folder=tmp_path, schema=SCHEMA))
    assert list(tmp_path.iterdir()) == []


def test_duckdb_and_arrow_read_the_partitions_with_their_own_means(
    make: Make, tmp_path: Path
) -> None:
    schema = {"n": "BIGINT", "device": "VARCHAR", "day": "DATE", "ok": "BOOLEAN"}
    sink = make(schema, partition_by=("device", "day", "ok"))
    table = pa.table(
        {
            "n": [1, 2, 3, 4, 5],
            "device": ["a/b", "é %", None, "a/b", ""],
            "day": [date(2013, 1, 1), None, date(2013, 1, 2), date(2013, 1, 1), None],
            "ok": [True, False, None, True, True],
        }
    )
    sink.write(1, table)
    assert sorted(read(tmp_path / "out").to_pylist(), key=lambda row: row["n"]) == table.to_pylist()
    found = duckdb.sql(
        f"SELECT n, device, day FROM read_parquet('{tmp_path}/out/**/*.parquet') ORDER BY n"
    ).fetchall()
    assert found[:3] == [
        (1, "a/b", date(2013, 1, 1)),
        (2, "é %", None),
        (3, None, date(2013, 1, 2)),
    ]
    arrow = pyarrow.dataset.dataset(tmp_path / "out", partitioning="hive").to_table()
    assert sorted(arrow["n"].to_pylist()) == [1, 2, 3, 4, 5]
    assert len(list(tmp_path.rglob("*.parquet"))) == 4


def test_rows_of_a_partition_keep_their_order(make: Make, tmp_path: Path) -> None:
    sink = make(partition_by=("device",))
    sink.write(1, pa.table({"n": list(range(3_000)), "device": ["a", "b", "c"] * 1_000}))
    found = read(tmp_path / "out").to_pylist()
    for device, first in (("a", 0), ("b", 1), ("c", 2)):
        assert [row["n"] for row in found if row["device"] == device] == list(
            range(first, 3_000, 3)
        )


def test_several_jobs_may_share_a_folder(make: Make, tmp_path: Path) -> None:
    make(job="hot").write(1, rows(1))
    make(job="cold").write(1, rows(2))
    assert sorted(numbers(tmp_path)) == [1, 1, 1, 2, 2, 2]
    assert read(tmp_path / "out" / "cold")["n"].to_pylist() == [2, 2, 2]
    make(job="hot").write(1, rows(3))
    assert sorted(numbers(tmp_path)) == [2, 2, 2, 3, 3, 3]


def test_nothing_written_is_an_empty_table(make: Make, tmp_path: Path) -> None:
    make()
    assert read(tmp_path / "out").num_rows == 0


@pytest.mark.parametrize("by", [(), ("device",)])
def test_compaction_leaves_few_files_and_every_row_in_order(
    make: Make, tmp_path: Path, by: tuple[str, ...]
) -> None:
    sink = make(partition_by=by, compact={"files": 3})
    for n in range(1, 29):
        sink.write(n, rows(n))
        sink.tidy()
    found = read(tmp_path / "out").to_pylist()
    for device in ("d0", "d1", "d2"):
        of_device = [row["n"] for row in found if row["device"] == device]
        assert of_device == list(range(1, 29))
    # 27 = three times three times three became one step by step, the newest stays alone
    entries = [(entry.first, entry.last) for entry in sink._folder.entries()]
    assert entries == [(1, 27), (28, 28)]
    assert len(list((tmp_path / "out").rglob("*.parquet"))) == 2 * (3 if by else 1)


def test_a_batch_that_comes_again_after_compaction_takes_its_own_place(
    make: Make, tmp_path: Path
) -> None:
    sink = make(compact={"files": 2})
    for n in range(1, 8):
        sink.write(n, rows(n))
        sink.tidy()
    again = make(compact={"files": 2})
    again.tidy()
    again.write(7, rows(7))
    again.tidy()
    assert numbers(tmp_path) == [n for n in range(1, 8) for _ in range(3)]


def test_a_batch_that_comes_again_with_other_rows_is_replaced(make: Make, tmp_path: Path) -> None:
    make(partition_by=("device",)).write(1, rows(1, count=3))
    sink = make(partition_by=("device",))
    sink.write(1, rows(1, count=2))
    assert [row["device"] for row in read(tmp_path / "out").to_pylist()] == ["d0", "d1"]
    sink.write(1, rows(1, count=0))
    assert read(tmp_path / "out").num_rows == 0


def test_batches_of_an_earlier_life_of_the_job_are_not_mixed_with_new_ones(
    make: Make, tmp_path: Path
) -> None:
    sink = make()
    for n in (1, 2, 3):
        sink.write(n, rows(n))
    with pytest.raises(SinkError, match=r"holds its batches up to 3 .* earlier life") as caught:
        make().write(1, rows(1))
    assert not caught.value.retryable
    assert numbers(tmp_path) == [n for n in (1, 2, 3) for _ in range(3)]


def test_files_that_are_too_large_are_not_merged(make: Make) -> None:
    sink = make(compact={"files": 2, "bytes": 1})
    for n in range(1, 6):
        sink.write(n, rows(n))
        sink.tidy()
    assert len(sink._folder.entries()) == 5


def test_only_as_much_is_merged_as_fits(tmp_path: Path) -> None:
    entries = []
    for n in range(1, 6):
        path = tmp_path / f"hot.{n:010d}-{n:010d}.parquet"
        path.write_bytes(bytes(40))
        entries.append(Entry("hot", n, n, path))
    assert to_merge(entries, Compaction(files=5, bytes=100)) == entries[:2]
    assert to_merge(entries, Compaction(files=5, bytes=1_000)) == entries
    assert to_merge(entries, Compaction(files=6, bytes=1_000)) == []
    assert to_merge(entries, Compaction(files=5, bytes=80)) == []


def test_merged_files_are_as_old_as_their_youngest_part(make: Make) -> None:
    sink = make(compact={"files": 2})
    for n in (1, 2, 3):
        sink.write(n, rows(n))
    first, second, _ = sink._folder.entries()
    os.utime(first.path, (1_000, 1_000))
    os.utime(second.path, (2_000, 2_000))
    sink.tidy()
    assert sink._folder.entries()[0].written() == 2_000


def test_retention_by_rows_keeps_the_newest_batches(make: Make, tmp_path: Path) -> None:
    sink = make(retention={"rows": 7}, compact=None)
    for n in range(1, 6):
        sink.write(n, rows(n))
        sink.tidy()
    assert numbers(tmp_path) == [3, 3, 3, 4, 4, 4, 5, 5, 5]


def test_retention_by_age_deletes_old_files_but_never_the_newest(
    make: Make, tmp_path: Path
) -> None:
    sink = make(retention={"age": "1h"}, partition_by=("device",))
    for n in (1, 2, 3):
        sink.write(n, rows(n))
    for entry in sink._folder.entries():
        if entry.first != 2:
            for file in entry.files():
                os.utime(file, (time.time() - 7_200,) * 2)
    sink.tidy()
    assert numbers(tmp_path) == [2, 2, 2, 3, 3, 3]


def test_files_of_others_survive_a_compaction(make: Make, tmp_path: Path) -> None:
    sink = make(compact={"files": 2})
    (tmp_path / "out" / "hot" / "README.txt").write_text("mine")
    for n in (1, 2, 3):
        sink.write(n, rows(n))
    sink.tidy()
    assert len(sink._folder.entries()) == 2
    assert (tmp_path / "out" / "hot" / "README.txt").read_text() == "mine"


def test_another_query_is_refused_beside_the_files_of_the_first(make: Make) -> None:
    make().write(1, rows(1))
    with pytest.raises(SpecRefused) as caught:
        make({"n": "INTEGER", "name": "VARCHAR"})
    text = str(caught.value)
    assert "the column n is BIGINT in" in text
    assert "the column device is VARCHAR in" in text
    assert "the column name is not there in" in text
    assert "choose another path" in text
    with pytest.raises(SpecRefused, match="partitioned by"):
        make(partition_by=("device",))


def test_partitions_that_cannot_be_folders_are_refused_at_once(make: Make) -> None:
    with pytest.raises(SpecRefused) as caught:
        make({"n": "BIGINT", "x": "DOUBLE"}, partition_by=("x", "devise"))
    assert "x is DOUBLE, which cannot name a folder" in str(caught.value)
    assert "the query has no column devise - it has n, x" in str(caught.value)
    with pytest.raises(SpecRefused, match="no column is left"):
        make({"device": "VARCHAR"}, partition_by=("device",))


def test_a_type_that_parquet_does_not_have_is_a_final_error(make: Make) -> None:
    sink = make({"i": "INTERVAL"})
    table = duckdb.sql("SELECT INTERVAL 1 DAY AS i").to_arrow_table()
    with pytest.raises(SinkError, match="cast the column in the query") as caught:
        sink.write(1, table)
    assert not caught.value.retryable


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Let no file of this process grow beyond 4,000 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_takes_no_more_leaves_nothing_visible(
    make: Make, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    sink = make(partition_by=("device",), compression="none")
    sink.write(1, rows(1))
    request.getfixturevalue("small_disk")
    many = pa.table({"n": list(range(10_000)), "device": ["a", "b"] * 5_000})
    with pytest.raises(SinkError, match=f"parquet sink of hot: cannot write {tmp_path}"):
        sink.write(2, many)
    assert numbers(tmp_path) == [1, 1, 1]
    sink.write(2, rows(2))
    assert numbers(tmp_path) == [1, 1, 1, 2, 2, 2]


def test_a_damaged_file_is_an_error_that_names_the_folder(make: Make, tmp_path: Path) -> None:
    make().write(1, rows(1))
    (path,) = (tmp_path / "out").rglob("*.parquet")
    path.write_bytes(b"not a parquet file")
    with pytest.raises(SinkError, match=str(tmp_path / "out" / "hot")):
        make()


def test_too_many_partitions_are_refused_with_a_remedy(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamops_nb.sinks.parquet._MOST_PARTITIONS", 2)
    with pytest.raises(SinkError, match="more than 2 values of device - partition by columns with"):
        make(partition_by=("device",)).write(1, rows(1))


def test_the_codec_is_the_one_that_was_asked_for(make: Make, tmp_path: Path) -> None:
    make(compression="snappy").write(1, rows(1))
    (path,) = (tmp_path / "out").rglob("*.parquet")
    assert pq.read_metadata(path).row_group(0).column(0).compression == "SNAPPY"


def test_retention_without_a_measure_is_refused() -> None:
    with pytest.raises(ValidationError, match="needs an age or a number of rows"):
        ParquetSettings(path="out", retention={})
