"""Parquet files of a batch: writing them, merging them, reading them back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["Label", "label_of", "merge", "partitions", "read_file", "rows_in", "write"]

_META = b"streamops"
# parts are copied in pieces of about this size, whatever their number
_ROW_GROUP = 100_000
# Hive's name for the folder of NULL, which DuckDB, Spark and Arrow know
_NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """What a file says about itself in its metadata.

    Parameters
    ----------
    job, first, last
        Whose batches it holds.
    schema
        All output columns with their DuckDB types, in order.
    partition_by
        The columns that are not in the file but in its path.
    values, types
        Their values here, and their Arrow types.
    """

    job: str
    first: int
    last: int
    schema: dict[str, str]
    partition_by: list[str]
    values: list[Any]
    types: list[str]


def partitions(rows: pa.Table, columns: Sequence[str]) -> Iterator[tuple[list[Any], pa.Table]]:
    """Split rows by the values of some columns; rows of one part keep their order."""
    code = np.zeros(rows.num_rows, dtype=np.int64)
    for name in columns:
        encoded = rows[name].combine_chunks().dictionary_encode(null_encoding="encode")
        fresh = code * len(encoded.dictionary) + encoded.indices.to_numpy()
        # numbered anew for each column, so that the product of many cannot leave 64 bits
        code = np.unique(fresh, return_inverse=True)[1]
    order = np.argsort(code, kind="stable")
    edges = np.flatnonzero(np.diff(code[order], prepend=-1, append=-1))
    in_order = rows.take(pa.array(order))
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = in_order.slice(start, stop - start)
        yield [part[name][0].as_py() for name in columns], part.drop_columns(list(columns))


def folder_of(columns: Sequence[str], values: Sequence[Any]) -> Path:
    """Name the folder of a partition the way Hive does: ``device=a/day=2026-01-01``."""
    return Path(*(f"{quote(n, safe='')}={_text(v)}" for n, v in zip(columns, values, strict=True)))


def _text(value: Any) -> str:
    if value is None:
        return _NULL
    return quote(str(value).lower() if isinstance(value, bool) else str(value), safe="")


def write(rows: pa.Table, path: Path, label: Label, compression: str) -> None:
    """Write one file; whoever shows it makes it durable first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    labelled = _labelled(rows.schema, label)
    with path.open("wb") as file:
        pq.write_table(
            rows.replace_schema_metadata(labelled.metadata), file, compression=compression
        )


def merge(parts: Sequence[Path], path: Path, first: int, last: int, compression: str) -> None:
    """Copy the rows of several files into one, in order, without holding more than a row group."""
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = pq.read_schema(parts[0])
    schema = _labelled(schema, replace(label_of(parts[0]), first=first, last=last))
    with (
        path.open("wb") as file,
        pq.ParquetWriter(file, schema, compression=compression) as writer,
    ):
        for table in _gathered(parts):
            writer.write_table(table.cast(schema))


def _gathered(parts: Sequence[Path]) -> Iterator[pa.Table]:
    held: list[pa.Table] = []
    for part in parts:
        with pq.ParquetFile(part) as file:
            for group in range(file.num_row_groups):
                held.append(file.read_row_group(group))
                if sum(table.num_rows for table in held) >= _ROW_GROUP:
                    yield pa.concat_tables(held)
                    held = []
    if held:
        yield pa.concat_tables(held)


def label_of(path: Path) -> Label:
    """Read a file's label; ValueError if it has none."""
    metadata = pq.read_schema(path).metadata or {}
    if _META not in metadata:
        raise ValueError(f"{path} was not written by streamops_nb")
    return Label(**json.loads(metadata[_META]))


def rows_in(path: Path) -> int:
    """Count the rows of a file from its footer."""
    return int(pq.read_metadata(path).num_rows)


def read_file(path: Path) -> pa.Table:
    """Read a file with the partition columns that stand in its path."""
    with pq.ParquetFile(path) as file:
        table = file.read()
    label = label_of(path)
    for name, value, kind in zip(label.partition_by, label.values, label.types, strict=True):
        constant = pa.array([value]).cast(pa.type_for_alias(kind))[0]
        table = table.append_column(name, pa.repeat(constant, table.num_rows))
    return table.select(list(label.schema)).replace_schema_metadata(None)


def _labelled(schema: pa.Schema, label: Label) -> pa.Schema:
    return schema.with_metadata({_META: json.dumps(asdict(label), default=str).encode()})
