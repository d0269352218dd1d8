"""A replay under the contract of sources: played once, looped, and known later than it happened."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streamops_nb.sources.base import Context
from streamops_nb.sources.replay import ReplaySettings, ReplaySource
from streamops_nb.testing.source_contract import SourceContract, World, sample_records
from streamops_nb.testing.source_world import EPOCH

PLAYED = EPOCH + timedelta(days=1_000)


def rows(count: int) -> list[dict[str, Any]]:
    return [{**row, "ts": datetime.fromisoformat(row["ts"])} for row in sample_records(count)]


class ReplayWorld(World):
    """Records one second apart, played at their own speed."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.rows = rows(40)
        pq.write_table(pa.Table.from_pylist(self.rows), folder / "plant.parquet")
        self.seconds = 3_600.0
        self.settings = ReplaySettings(
            path="plant.parquet", time="ts", start=PLAYED, **{"speed": 1, **settings}
        )

    def open(self) -> ReplaySource:
        def now() -> float:
            return (PLAYED + timedelta(seconds=self.seconds)).timestamp()

        return ReplaySource(self.settings, Context(folder=self.folder, now=now))

    def known(self) -> dict[str, list[Any]]:
        return {"0": self.rows}

    def times(self) -> dict[str, list[datetime]]:
        return {"0": [row["ts"] for row in self.known()["0"]]}


class LoopWorld(ReplayWorld):
    """The same for ever: 35 seconds of the first day, then on to the second one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, loop=True)
        self.seconds = 35.5

    def known(self) -> dict[str, list[Any]]:
        played = [
            (
                row["ts"] - EPOCH + timedelta(days=day),
                {**row, "ts": row["ts"] + timedelta(days=day)},
            )
            for day in range(3)
            for row in self.rows
        ]
        return {"0": [row for after, row in played if after.total_seconds() <= self.seconds]}

    def grow(self) -> bool:
        self.seconds += 86_400
        return True


class TestReplaySource(SourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> ReplayWorld:
        return ReplayWorld(tmp_path)


class TestReplaySourceAtOnce(SourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> ReplayWorld:
        return ReplayWorld(tmp_path, speed="max")


class TestReplaySourceThatLoops(SourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> ReplayWorld:
        return LoopWorld(tmp_path)
