"""The simulated plant under the contract of sources."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamops_nb.sources.base import Context
from streamops_nb.sources.instant import micros
from streamops_nb.sources.plant import Plant
from streamops_nb.sources.simulator import SimulatorSettings, SimulatorSource
from streamops_nb.testing.source_contract import SourceContract, World

START = datetime(2026, 3, 1, tzinfo=UTC)
RATE = 10


class PlantWorld(World):
    """A plant that has been running for some seconds, ten records a second."""

    def __init__(self, folder: Path, *, partitions: int, total: int | None = None) -> None:
        self.folder = folder
        self.count = 42
        self.settings = SimulatorSettings(
            devices=7, rate=RATE, start=START, broken=0, partitions=partitions, total=total
        )

    def open(self) -> SimulatorSource:
        def now() -> float:
            # record k comes k tenths of a second after the start
            return (START + timedelta(seconds=(self.count - 0.5) / RATE)).timestamp()

        return SimulatorSource(self.settings, Context(folder=self.folder, now=now))

    def known(self) -> dict[str, list[Any]]:
        settings = self.settings
        parts = settings.partitions
        plant = Plant(
            seed=settings.seed, devices=settings.devices, partitions=parts,
            late=settings.late, silent=settings.silent, broken=0,
        )  # fmt: skip
        found = {}
        for part in range(parts):
            number = np.arange(part, self.count, parts)
            raw = plant.records(part, 0, len(number), number * 100_000, micros(START))
            found[str(part)] = [json.loads(record.as_py()) for record in raw]
        return found

    def times(self) -> dict[str, list[datetime]]:
        parts = self.settings.partitions
        return {
            str(p): [START + timedelta(seconds=k / RATE) for k in range(p, self.count, parts)]
            for p in range(parts)
        }

    def grow(self) -> bool:
        if self.settings.total is not None:
            return False
        self.count += 11
        return True


class TestSimulatorSource(SourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> PlantWorld:
        return PlantWorld(tmp_path, partitions=1)


class TestSimulatorSourceWithPartitions(SourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> PlantWorld:
        return PlantWorld(tmp_path, partitions=3)


class TestSimulatorSourceThatEnds(SourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> PlantWorld:
        return PlantWorld(tmp_path, partitions=2, total=42)
