"""The files source under the source contract, for each format and way of reading."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from streamops_nb.model.batch import Position
from streamops_nb.sources.base import Context, Source
from streamops_nb.sources.files import FilesSource
from streamops_nb.testing.source_contract import SourceContract, World, sample_records

SCHEMA = {"n": "BIGINT", "ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


@dataclass
class Kind:
    format: str
    packed: str = ""
    follow: bool = True
    order: str = "name"

    def __str__(self) -> str:
        ways = [self.format + self.packed, "follow" if self.follow else "bounded", self.order]
        return " ".join(ways)


KINDS = [
    Kind("json"),
    Kind("json", order="each"),
    Kind("json", follow=False),
    Kind("json", packed=".gz"),
    Kind("json", packed=".zst", order="each"),
    Kind("json", packed=".gz", follow=False),
    Kind("csv"),
    Kind("csv", order="each"),
    Kind("csv", follow=False),
    Kind("csv", packed=".zst", follow=False),
    Kind("raw"),
    Kind("raw", follow=False, order="each"),
    Kind("parquet"),
    Kind("parquet", order="each"),
    Kind("parquet", follow=False),
]


class FilesWorld(World):
    """Three files, the names of which sort naturally: part-2, part-9, part-10."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self.folder = folder
        self.kind = kind
        self.suffix = f".{kind.format}{kind.packed}"
        self.records: dict[str, list[Any]] = {}
        for name, count in (("part-2", 40), ("part-9", 31), ("part-10", 25)):
            self.write(name, count)

    def write(self, name: str, count: int) -> None:
        name += self.suffix
        start = sum(len(values) for values in self.records.values())
        new = [self.value(record) for record in sample_records(count, start)]
        self.records.setdefault(name, []).extend(new)
        path = self.folder / name
        if self.kind.format == "parquet":
            # small row groups, so that spans cross them
            pq.write_table(pa.Table.from_pylist(new), path, row_group_size=13)
            return
        last = not self.kind.follow and name.startswith("part-10")
        data = self.text(new, header=not path.exists())
        with path.open("ab") as file:
            file.write(PACK[self.kind.packed](data.removesuffix(b"\n") if last else data))

    def value(self, record: dict[str, Any]) -> Any:
        if self.kind.format == "raw":
            return f"{record['n']} é\t{record['device']}" if record["n"] % 5 != 2 else ""
        if self.kind.format == "csv":
            # quoted newlines, delimiters and quotes, and an order that is not the schema's
            device = f'{record["device"]}, "a"\n\n"b"' if record["n"] % 3 == 0 else record["device"]
            temp = "" if record["temp"] is None else str(record["temp"])
            return {"device": device, "n": str(record["n"]), "temp": temp, "ts": record["ts"]}
        return record

    def text(self, values: list[Any], *, header: bool) -> bytes:
        if self.kind.format == "json":
            return "".join(f"{json.dumps(value)}\n" for value in values).encode()
        if self.kind.format == "raw":
            return "".join(f"{value}\n" for value in values).encode()
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, ["device", "n", "temp", "ts"])
        if header:
            writer.writeheader()
        writer.writerows(values)
        return out.getvalue().encode()

    def open(self) -> Source:
        kind = self.kind
        settings = FilesSource.Settings(
            path=f"*{self.suffix}", follow=kind.follow, order="each" if self.apart else "name"
        )
        schema = {"line": "VARCHAR"} if kind.format == "raw" else SCHEMA
        event_time = None if kind.format == "raw" else "ts"
        return FilesSource(
            settings,
            Context(
                folder=self.folder,
                format=kind.format,
                schema=schema,
                event_time=event_time,
                now=time.time,
            ),
        )

    @property
    def apart(self) -> bool:
        return self.kind.order == "each"

    def known(self) -> dict[str, list[Any]]:
        return self.records

    def values(self, source: Source, table: pa.Table) -> list[Any]:
        if self.kind.format == "raw":
            return [raw.decode() for raw in table["_raw"].to_pylist()]
        if self.kind.format != "csv":
            return super().values(source, table)
        found = []
        for raw, header in zip(
            table["_raw"].to_pylist(), table["_header"].to_pylist(), strict=True
        ):
            lines = io.StringIO(header + raw.decode(), newline="")
            found += list(csv.DictReader(lines))
        return found

    def grow(self) -> bool:
        if not self.kind.follow:
            return False
        if self.kind.format != "parquet":
            self.write("part-10", 3)
        self.write("part-11", 5)
        return True

    def lose(self) -> Position:
        name = f"part-9{self.suffix}"
        source = self.open()
        position = source.seek(0)
        source.close()
        self.records = {}
        (self.folder / name).unlink()
        self.write("part-9", 2)
        return {name: position[name]}

    def times(self) -> dict[str, list[datetime]] | None:
        if self.kind.format == "raw":
            return None
        return {
            name: [datetime.fromisoformat(value["ts"]) for value in values]
            for name, values in self.records.items()
        }


class TestFilesSource(SourceContract):
    @pytest.fixture(params=KINDS, ids=str)
    def world(self, tmp_path: Path, request: pytest.FixtureRequest) -> FilesWorld:
        return FilesWorld(tmp_path, request.param)
