"""The Parquet sink under the contract: single files, partitioned, and compacted at every step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from streamops_nb.sinks.base import Context
from streamops_nb.sinks.parquet import ParquetSettings, ParquetSink, read
from streamops_nb.testing.sink_contract import SinkContract, SinkWorld


class ParquetWorld(SinkWorld):
    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.settings = ParquetSettings(path="out", **settings)

    def open(self, schema: dict[str, str]) -> None:
        self.sink = ParquetSink(
            self.settings, Context(job="hot", folder=self.folder, schema=schema)
        )
        self.sink.open()

    def write(self, n: int, rows: pa.Table) -> None:
        self.sink.write(n, rows)

    def die_halfway(self, n: int, rows: pa.Table) -> bool:
        self.sink._stage(n, rows)  # durable, and not yet renamed
        return True

    def break_it(self) -> str | None:
        (self.folder / "out").write_text("a file where the folder should be")
        return str(self.folder / "out")

    def tidy(self) -> None:
        self.sink.tidy()

    def seen(self) -> list[dict[str, Any]]:
        return list(read(self.folder / "out").to_pylist())

    def close(self) -> None:
        self.sink.close()


class PartitionedWorld(ParquetWorld):
    def open(self, schema: dict[str, str]) -> None:
        by = "device" if "device" in schema else "flag"
        self.settings = self.settings.model_copy(update={"partition_by": (by,)})
        super().open(schema)

    def seen(self) -> list[dict[str, Any]]:
        rows = super().seen()
        # within a batch rows are sorted into partitions
        return sorted(rows, key=lambda row: (row["n"] is None, row["n"]))


class TestParquetSink(SinkContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> ParquetWorld:
        return ParquetWorld(tmp_path)


class TestParquetSinkThatIsPartitioned(SinkContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> ParquetWorld:
        return PartitionedWorld(tmp_path)


class TestParquetSinkThatCompactsEagerly(SinkContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> ParquetWorld:
        return ParquetWorld(tmp_path, compact={"files": 2})


class TestParquetSinkThatIsPartitionedAndCompactsEagerly(SinkContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> ParquetWorld:
        return PartitionedWorld(tmp_path, compact={"files": 2})
