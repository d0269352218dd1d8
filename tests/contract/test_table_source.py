"""Appended rows under the contract of sources."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from streamops_nb.db import ident, open_instance
from streamops_nb.sources.base import Context
from streamops_nb.sources.table import TableSettings, TableSource, append, create
from streamops_nb.testing.source_contract import SourceContract, World, sample_records

SCHEMA = {"n": "BIGINT", "ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
TABLE = ident("streams", "main", "clicks")


class LogWorld(World):
    """A log with some rows in every batch."""

    def __init__(self, folder: Path, each: int) -> None:
        self.folder = folder
        self.records_per_offset = each
        self.instance = open_instance(folder, threads=1)
        self.instance.attach(None, "streams")
        self.session = self.instance.session()
        create(self.session, TABLE, SCHEMA)
        self.rows: list[dict[str, Any]] = []
        while len(self.rows) < 40:
            self.grow()

    def open(self) -> TableSource:
        context = Context(
            folder=self.folder,
            event_time="ts",
            now=lambda: 0.0,
            session=self.instance.session,
            tables=lambda name: {"stream:clicks": TABLE}[name],
        )
        return TableSource(TableSettings(stream="clicks"), context)

    def known(self) -> dict[str, list[Any]]:
        return {"0": self.rows}

    def times(self) -> dict[str, list[datetime]] | None:
        # a position can only point between batches
        return {"0": [row["ts"] for row in self.rows]} if self.records_per_offset == 1 else None

    def grow(self) -> bool:
        # batches of different sizes, at most `each`
        count = 1 + len(self.rows) % self.records_per_offset
        fresh = sample_records(count, start=len(self.rows))
        for row in fresh:
            row["ts"] = datetime.fromisoformat(row["ts"])
        append(self.session, TABLE, pa.Table.from_pylist(fresh))
        self.rows += fresh
        return True

    def close(self) -> None:
        self.instance.close()


class TestTableSource(SourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> LogWorld:
        return LogWorld(tmp_path, each=1)


class TestTableSourceWithLongerBatches(SourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> LogWorld:
        return LogWorld(tmp_path, each=4)
