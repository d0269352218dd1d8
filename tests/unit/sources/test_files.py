"""Files that grow, shrink, are replaced, renamed, compressed, broken, odd."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from streamops_nb.model.batch import Position, Span, advance
from streamops_nb.model.errors import SourceError
from streamops_nb.sources.base import Context, Limit
from streamops_nb.sources.files import FilesSource

Open = Callable[..., FilesSource]
PACK: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gz": gzip.compress,
    "zst": zstandard.compress,
}


def open_files(
    folder: Path, path: str = "*", form: str = "json", schema: Any = None, **settings: Any
) -> FilesSource:
    context = Context(folder=folder, format=form, schema=schema, now=time.time)
    return FilesSource(FilesSource.Settings(path=path, **settings), context)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    sources: list[FilesSource] = []

    def opener(*args: Any, **kwargs: Any) -> FilesSource:
        sources.append(open_files(tmp_path, *args, **kwargs))
        return sources[-1]

    yield opener
    for source in sources:
        source.close()


def drained(
    source: FilesSource, position: Position | None = None, rows: int = 1000
) -> tuple[list[bytes], Position]:
    """Read what is there, without the ends of lines."""
    found: list[bytes] = []
    position = position or {}
    while span := source.cut(position, Limit(rows=rows)):
        found += [raw.strip(b"\r\n") for raw in source.read(span)["_raw"].to_pylist()]
        position = advance(position, span)
    return found, position


def read_all(source: FilesSource, found: list[bytes]) -> None:
    """Add records to `found` until there are no more, or an error comes."""
    position: Position = {}
    while span := source.cut(position, Limit(rows=1000)):
        found += source.read(span)["_raw"].to_pylist()
        position = advance(position, span)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


# growth


def test_an_unfinished_line_waits_for_its_newline(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":1}\n{"n"')
    source = opened()
    found, position = drained(source)
    assert (found, position, source.ends().latest) == ([b'{"n":1}'], {"a.jsonl": 8}, position)
    append(path, b":2}")
    assert drained(source, position) == ([], position)
    append(path, b"\n")
    assert drained(source, position) == ([b'{"n":2}'], source.ends().latest)


def test_a_bounded_file_needs_no_last_newline(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"n":1}\n{"n":2}')
    source = opened(follow=False)
    found, position = drained(source, rows=1)
    assert found == [b'{"n":1}', b'{"n":2}']
    assert (source.ends().latest, source.ends().closed) == (position, True)
    assert drained(opened(follow=False), position) == ([], position)


def test_a_quoted_record_waits_for_its_last_line(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'a,b\n1,"x\n')
    source = opened(form="csv")
    assert drained(source) == ([], {})
    append(path, b'y"\n')
    assert drained(source)[0] == [b'1,"x\ny"']


def test_a_header_that_is_not_finished_waits(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,")
    source = opened(form="csv")
    assert drained(source) == ([], {})
    assert source.ends().latest == {"a.csv": 0}
    append(path, b"b\n")
    assert drained(source) == ([], {})
    assert source.ends().latest == {"a.csv": 0}
    append(path, b"1,2\n")
    assert drained(source) == ([b"1,2"], {"a.csv": 8})
    assert source.ends().latest == {"a.csv": 8}


def test_new_lines_in_an_earlier_file_are_read_too(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "1.jsonl").write_bytes(b"1\n")
    (tmp_path / "2.jsonl").write_bytes(b"2\n")
    source = opened()
    _, position = drained(source)
    append(tmp_path / "1.jsonl", b"3\n")
    (tmp_path / "0.jsonl").write_bytes(b"4\n")
    assert drained(source, position)[0] == [b"4", b"3"]


def test_a_file_that_grows_while_it_is_read_is_read_to_its_new_end(
    tmp_path: Path, opened: Open
) -> None:
    path = tmp_path / "a.jsonl"
    source = opened()
    path.write_bytes(b"")
    written: list[bytes] = []
    found: list[bytes] = []
    position: Position = {}
    for i in range(200):
        lines = [b"%d" % (1000 * i + j) for j in range(i % 7)]
        written += lines
        append(path, b"".join(line + b"\n" for line in lines))
        if i % 3 == 0:
            source.ends()
        span = source.cut(position, Limit(rows=4))
        if span:
            found += [raw.strip() for raw in source.read(span)["_raw"].to_pylist()]
            position = advance(position, span)
    assert found + drained(source, position)[0] == written


# odd text


def test_empty_lines_are_no_records(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n\n1\n\r\n\n2\n\n")
    (tmp_path / "b.jsonl").write_bytes(b"\n\r\n")
    (tmp_path / "c.jsonl").write_bytes(b"")
    for source in (opened(), opened(follow=False)):
        assert drained(source, rows=1)[0] == [b"1", b"2"]
        assert source.ends().latest == {"a.jsonl": 9, "b.jsonl": 0, "c.jsonl": 0}


def test_in_raw_text_every_line_is_a_record(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "a.txt").write_bytes(b"\n a\r\n\n\rb \n\n")
    source = opened(form="raw")
    raw = source.read(source.cut({}, Limit()))
    assert raw["_raw"].to_pylist() == [b"", b" a", b"", b"\rb ", b""]
    assert raw["_offset"].to_pylist() == [0, 1, 5, 6, 10]


def test_a_byte_order_mark_is_not_part_of_the_first_record(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"n":1}\n')
    assert drained(opened())[0] == [b'{"n":1}']
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")
    source = opened("*.csv", form="csv")
    assert source.read(source.cut({}, Limit()))["_header"].to_pylist() == ["a,b\n"]


def test_a_record_larger_than_the_byte_limit_comes_alone(tmp_path: Path, opened: Open) -> None:
    large = b"x" * 3_000_000
    (tmp_path / "a.jsonl").write_bytes(b"1\n" + large + b"\n2\n")
    source = opened()
    position: Position = {}
    sizes = []
    while span := source.cut(position, Limit(rows=100, nbytes=1000)):
        sizes.append([len(raw) for raw in source.read(span)["_raw"].to_pylist()])
        position = advance(position, span)
    assert sizes == [[2], [3_000_001], [2]]


@given(
    st.lists(st.binary(max_size=300).map(lambda b: b.replace(b"\n", b"")), max_size=30),
    st.lists(st.integers(1, 9), min_size=1),
    st.sampled_from(["none", "gz", "zst"]),
)
def test_any_lines_come_out_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], cuts: list[int], codec: str
) -> None:
    folder = tmp_path_factory.mktemp("lines")
    data = b"".join(line + b"\n" for line in lines)
    (folder / "a").write_bytes(PACK[codec](data))
    source = open_files(folder, form="raw", compression=codec)
    found: list[bytes] = []
    position: Position = {}
    while span := source.cut(position, Limit(rows=cuts[len(found) % len(cuts)])):
        found += source.read(span)["_raw"].to_pylist()
        position = advance(position, span)
    source.close()
    assert found == [line.removesuffix(b"\r") for line in lines]


# what is read is not read again


def test_what_was_cut_is_in_memory_and_needs_the_file_no_more(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"1\n2\n")
    source = opened()
    span = source.cut({}, Limit())
    path.unlink()
    assert source.read(span)["_raw"].to_pylist() == [b"1\n", b"2\n"]


def test_the_bytes_of_records_are_not_copied(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"".join(b"%d\n" % n for n in range(60_000)))
    source = opened()
    table = source.read(source.cut({}, Limit(rows=60_000)))
    addresses = {chunk.buffers()[2].address for chunk in table["_raw"].chunks}
    assert [len(chunk) for chunk in table["_raw"].chunks] == [25_000, 25_000, 10_000]
    assert len(addresses) == 1


# changes that lose records


@pytest.mark.parametrize("known", [True, False], ids=["same process", "after a restart"])
def test_a_file_that_shrinks_is_an_error(tmp_path: Path, opened: Open, known: bool) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"1\n2\n3\n")
    source = opened()
    _, position = drained(source)
    path.write_bytes(b"1\n")
    with pytest.raises(SourceError, match=r"a\.jsonl") as caught:
        drained(source if known else opened(), position)
    assert not caught.value.retryable


@pytest.mark.parametrize("follow", [True, False])
def test_a_file_that_shrinks_before_its_end_was_read_is_an_error(
    tmp_path: Path, opened: Open, follow: bool
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"1\n" * 1_000_000)
    source = opened(follow=follow)
    assert source.ends().latest == {"a.jsonl": 2_000_000}
    position = advance({}, source.cut({}, Limit(rows=10)))
    os.truncate(path, 1_000_000)
    with pytest.raises(SourceError, match=r"a\.jsonl.*had records up to 2000000"):
        drained(source, position)


def test_a_file_that_was_rewritten_longer_is_an_error(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"1\n2\n")
    source = opened()
    _, position = drained(source)
    path.write_bytes(b"4\n5\n6\n7\n")
    with pytest.raises(SourceError, match="does not begin with the same bytes"):
        drained(source, position)


def test_after_a_restart_a_position_inside_of_a_record_is_an_error(
    tmp_path: Path, opened: Open
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"1\n2\n")
    _, position = drained(opened())
    path.write_bytes(b"1234567\n8\n")
    with pytest.raises(SourceError, match="no record begins at 4"):
        drained(opened(), position)


def test_a_rotated_file_is_an_error_and_not_read_twice(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"1\n2\n")
    one, all_of_them = opened("app.log"), opened("app.log*")
    _, position = drained(one)
    assert drained(all_of_them)[1] == position
    path.rename(tmp_path / "app.log.1")
    with pytest.raises(SourceError, match=r"app\.log was renamed to app\.log\.1"):
        drained(all_of_them, position)
    path.write_bytes(b"3\n4\n5\n")
    with pytest.raises(SourceError, match="was replaced"):
        drained(one, position)


def test_a_file_that_disappears_half_read_is_an_error(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"1\n2\n")
    (tmp_path / "b.jsonl").write_bytes(b"3\n")
    source = opened()
    position = advance({}, source.cut({}, Limit(rows=1)))
    path.unlink()
    source.ends()
    for reader in (source, opened()):
        with pytest.raises(SourceError, match=r"a\.jsonl has disappeared"):
            drained(reader, position)


def test_a_file_may_be_removed_when_it_has_been_read(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"1\n")
    (tmp_path / "b.jsonl").write_bytes(b"2\n")
    source = opened()
    _, position = drained(source)
    path.unlink()
    append(tmp_path / "b.jsonl", b"3\n")
    for reader in (source, opened()):
        assert drained(reader, position)[0] == [b"3"]
        assert reader.ends().latest == {"b.jsonl": 4}


def test_files_read_side_by_side_must_not_be_gone_after_a_restart(
    tmp_path: Path, opened: Open
) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(b"1\n")
    source = opened(order="each")
    _, position = drained(source)
    (tmp_path / "a.jsonl").unlink()
    assert drained(source, position) == ([], position)
    with pytest.raises(SourceError, match=r"a\.jsonl has disappeared"):
        drained(opened(order="each"), position)


# compressed


@pytest.fixture(params=["gz", "zst"])
def packed(request: pytest.FixtureRequest) -> tuple[str, Callable[[bytes], bytes]]:
    return request.param, PACK[request.param]


LINES = [b"%d %d" % (n, n * n * 7919 % 104729) for n in range(20_000)]
TEXT = b"".join(line + b"\n" for line in LINES)


def test_a_truncated_file_is_an_error_that_names_the_file_after_its_good_records(
    tmp_path: Path, opened: Open, packed: tuple[str, Callable[[bytes], bytes]]
) -> None:
    suffix, pack = packed
    whole = pack(TEXT)
    (tmp_path / f"a.{suffix}").write_bytes(whole[: len(whole) * 9 // 10])
    source = opened(follow=False)
    found: list[bytes] = []
    with pytest.raises(SourceError, match=rf"a\.{suffix}: the compressed data stops") as caught:
        read_all(source, found)
    assert not caught.value.retryable
    assert not source.ends().closed
    assert len(found) > 5000
    assert [line.strip() for line in found] == LINES[: len(found)]


def test_a_compressed_file_that_is_still_being_written_is_waited_for(
    tmp_path: Path, opened: Open, packed: tuple[str, Callable[[bytes], bytes]]
) -> None:
    suffix, pack = packed
    whole = pack(TEXT) + pack(b"last\n")
    path = tmp_path / f"a.{suffix}"
    source = opened()
    found: list[bytes] = []
    position: Position = {}
    for i in range(10):
        append(path, whole[len(whole) * i // 10 : len(whole) * (i + 1) // 10])
        some, position = drained(source, position)
        found += some
    assert found == [*LINES, b"last"]
    assert source.ends().latest == position


def test_damaged_data_is_an_error_that_names_the_file(
    tmp_path: Path, opened: Open, packed: tuple[str, Callable[[bytes], bytes]]
) -> None:
    suffix, pack = packed
    data = bytearray(pack(TEXT))
    data[len(data) // 2 :] = os.urandom(len(data) - len(data) // 2)
    (tmp_path / f"a.{suffix}").write_bytes(data)
    for follow in (True, False):
        with pytest.raises(SourceError, match=rf"a\.{suffix}: the compressed data is damaged"):
            drained(opened(follow=follow))


def test_a_file_in_several_parts_is_read_to_its_end(
    tmp_path: Path, opened: Open, packed: tuple[str, Callable[[bytes], bytes]]
) -> None:
    suffix, pack = packed
    padding = b"\0" * 100 if suffix == "gz" else b""
    (tmp_path / f"a.{suffix}").write_bytes(pack(b"1\n2") + pack(b"") + pack(b"3\n4\n") + padding)
    source = opened(follow=False)
    assert drained(source) == ([b"1", b"23", b"4"], {f"a.{suffix}": 7})
    assert source.ends().closed
    assert source.seek(2) == {f"a.{suffix}": 2}


def test_going_on_in_the_middle_of_a_compressed_file(
    tmp_path: Path, opened: Open, packed: tuple[str, Callable[[bytes], bytes]]
) -> None:
    suffix, pack = packed
    (tmp_path / f"a.{suffix}").write_bytes(pack(TEXT))
    position: Position = {f"a.{suffix}": len(TEXT) // 2}
    with pytest.raises(SourceError, match="no record begins"):
        drained(opened(), position)
    position = {f"a.{suffix}": TEXT.index(b"\n", len(TEXT) // 2) + 1}
    rest = TEXT[position[f"a.{suffix}"] :].split()
    assert b" ".join(drained(opened(), position)[0]).split() == rest


# Parquet


def test_only_the_columns_of_the_schema_are_read(tmp_path: Path, opened: Open) -> None:
    pq.write_table(pa.table({"a": [1], "b": ["x"], "_c": [1]}), tmp_path / "a.parquet")
    source = opened(form="parquet", schema={"b": "VARCHAR", "z": "BIGINT"})
    assert source.read(source.cut({}, Limit())).to_pylist() == [
        {"_partition": "a.parquet", "_offset": 0, "b": "x"}
    ]
    source = opened(form="parquet")
    assert source.read(source.cut({}, Limit())).column_names == ["_partition", "_offset", "a", "b"]


def test_files_without_any_column_of_the_schema_still_have_their_rows(
    tmp_path: Path, opened: Open
) -> None:
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "a.parquet")
    source = opened(form="parquet", schema={"z": "BIGINT"})
    table = source.read(source.cut({}, Limit()))
    assert table["_offset"].to_pylist() == [0, 1]


def test_files_with_other_columns_come_in_another_span(tmp_path: Path, opened: Open) -> None:
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": ["x"], "b": [1]}), tmp_path / "2.parquet")
    source = opened(form="parquet")
    first = source.cut({}, Limit())
    second = source.cut(advance({}, first), Limit())
    assert [part.partition for part in (*first, *second)] == ["1.parquet", "2.parquet"]
    assert source.read(second)["a"].to_pylist() == ["x"]
    with pytest.raises(SourceError, match="do not go together"):
        source.read(Span((*first, *second)))


def test_a_parquet_file_that_is_being_written_is_waited_for(tmp_path: Path, opened: Open) -> None:
    whole = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": [1, 2]}), whole)
    data = whole.getvalue().to_pybytes()
    path = tmp_path / "a.parquet"
    path.write_bytes(data[:50])
    source = opened(form="parquet")
    assert source.cut({}, Limit()) == Span()
    assert source.ends().latest == {"a.parquet": 0}
    append(path, data[50:])
    assert source.read(source.cut({}, Limit()))["a"].to_pylist() == [1, 2]
    assert source.ends().latest == {"a.parquet": 2}


def test_a_broken_parquet_file_is_an_error_that_names_the_file(
    tmp_path: Path, opened: Open
) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 but not really")
    with pytest.raises(SourceError, match=r"a\.parquet cannot be read as Parquet") as caught:
        opened(form="parquet", follow=False).cut({}, Limit())
    assert not caught.value.retryable
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))
    with pytest.raises(SourceError, match=r"a\.parquet cannot be read as Parquet"):
        opened(form="parquet").ends()


# which files


def test_a_path_that_leads_nowhere_is_an_error_that_names_it(tmp_path: Path, opened: Open) -> None:
    with pytest.raises(SourceError, match=r"nothing.* does not exist") as caught:
        opened("nothing/a.jsonl").ends()
    assert caught.value.retryable
    with pytest.raises(SourceError, match="no file matches") as caught:
        opened("*.jsonl", follow=False).ends()
    assert not caught.value.retryable
    assert opened("*.jsonl").ends().latest == {}


def test_thousands_of_files_are_one_log(tmp_path: Path, opened: Open) -> None:
    for n in range(3_000):
        (tmp_path / f"{n}.jsonl").write_bytes(b"%d\n" % n)
    source = opened(follow=False)
    found, position = drained(source)
    assert found == [b"%d" % n for n in range(3_000)]
    assert source.ends().latest == position
    assert source.ends().closed
