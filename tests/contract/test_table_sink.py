"""The table sink under the contract, written in transactions of a job's file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from streamops_nb.db import Instance, ident, open_instance
from streamops_nb.sinks.base import Context
from streamops_nb.sinks.table import TableSettings, TableSink
from streamops_nb.testing.sink_contract import SinkContract, SinkWorld


class TableWorld(SinkWorld):
    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.settings = TableSettings(**settings)
        self.instance: Instance | None = None

    def open(self, schema: dict[str, str]) -> None:
        self.close()
        self.instance = open_instance(self.folder, threads=1)
        self.instance.attach(self.folder / "hot.db", "hot")
        self.session = self.instance.session()
        context = Context(job="hot", folder=self.folder, schema=schema, database=ident("hot"))
        self.sink = TableSink(self.settings, context)
        self.sink.open(self.session)

    def write(self, n: int, rows: pa.Table) -> None:
        with self.session.transaction():
            assert self._write(n, rows) == rows.num_rows

    def die_before_commit(self, n: int, rows: pa.Table) -> None:
        self.session.run("BEGIN")
        self._write(n, rows)

    def die_halfway(self, n: int, rows: pa.Table) -> bool:
        self.session.run("BEGIN")
        self._write(n, rows.slice(0, rows.num_rows // 2))
        return True

    def tidy(self) -> None:
        self.sink.tidy(self.session)

    def seen(self) -> list[dict[str, Any]]:
        query = "SELECT * EXCLUDE (_batch) FROM hot.main.output ORDER BY _batch, rowid"
        return list(self.session.table(query).to_pylist())

    def close(self) -> None:
        if self.instance is not None:
            self.instance.close()
        self.instance = None

    def _write(self, n: int, rows: pa.Table) -> int:
        with self.session.registered(rows=rows):
            return self.sink.write(n, "SELECT * FROM rows -- the batch", self.session)


class TestTableSink(SinkContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[TableWorld]:
        world = TableWorld(tmp_path)
        yield world
        world.close()


class TestTableSinkWithAKey(SinkContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[TableWorld]:
        world = TableWorld(tmp_path, key=("n",))
        yield world
        world.close()
