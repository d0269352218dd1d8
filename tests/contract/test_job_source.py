"""Another job's output under the contract of sources, written by the real table sink."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from streamops_nb.db import ident, open_instance
from streamops_nb.model.batch import Position
from streamops_nb.sinks import base as sinks
from streamops_nb.sinks.table import TableSettings, TableSink
from streamops_nb.sources.base import Context
from streamops_nb.sources.job import JobSettings, JobSource
from streamops_nb.testing.source_contract import SourceContract, World, sample_records

SCHEMA = {"n": "BIGINT", "ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}


class JobWorld(World):
    """A job that writes rows in some of its batches, and keeps the newest thirty."""

    def __init__(self, folder: Path, each: int) -> None:
        self.folder = folder
        self.records_per_offset = each
        self.instance = open_instance(folder, threads=1)
        self.instance.attach(None, "hot")
        self.session = self.instance.session()
        self.sink = TableSink(
            TableSettings(retention={"rows": 30}),
            sinks.Context(job="hot", folder=folder, schema=SCHEMA, database=ident("hot")),
        )
        self.sink.open(self.session)
        self.rows: list[dict[str, Any]] = []
        self.batch = 0
        while len(self.rows) < 40:
            self.grow()

    def open(self) -> JobSource:
        context = Context(
            folder=self.folder,
            event_time="ts",
            now=lambda: 0.0,
            session=self.instance.session,
            tables=lambda name: {"job:hot": ident("hot", "main", "output")}[name],
        )
        return JobSource(JobSettings(job="hot"), context)

    def known(self) -> dict[str, list[Any]]:
        return {"0": self.rows}

    def times(self) -> dict[str, list[datetime]] | None:
        # a position can only point between batches
        return {"0": [row["ts"] for row in self.rows]} if self.records_per_offset == 1 else None

    def grow(self) -> bool:
        start = self.rows[-1]["n"] + 1 if self.rows else 0
        fresh = sample_records(1 + start % self.records_per_offset, start=start)
        for row in fresh:
            row["ts"] = datetime.fromisoformat(row["ts"])
        self.batch += 1 + start % 3  # some batches of the job had no rows
        rows = pa.Table.from_pylist(fresh)
        with self.session.registered(rows=rows), self.session.transaction():
            self.sink.write(self.batch, "SELECT * FROM rows", self.session)
        self.rows += fresh
        return True

    def lose(self) -> Position:
        self.sink.tidy(self.session)
        return {"0": 2}

    def close(self) -> None:
        self.instance.close()


class TestJobSource(SourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> JobWorld:
        return JobWorld(tmp_path, each=1)


class TestJobSourceWithLongerBatches(SourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> JobWorld:
        return JobWorld(tmp_path, each=4)
