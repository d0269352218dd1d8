"""Jobs are operated alike through every door there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import streamops_nb as so
from streamops_nb.ops.workspace import Workspace
from tests.contract.operating_contract import OperatingContract
from tests.serving.served import served


class TestTheOwnersDoor(OperatingContract):
    """In this process."""

    @pytest.fixture
    def door(self, tmp_path: Path) -> Iterator[Workspace]:
        with so.connect(tmp_path / "w", memory="512MB") as workspace:
            yield workspace


class TestTheServedDoor(OperatingContract):
    """As an administrator has it from anywhere."""

    @pytest.fixture
    def door(self, tmp_path: Path) -> Iterator[Workspace]:
        with served(tmp_path, variables=frozenset({"TOKEN"})) as house, house.door() as workspace:
            yield workspace
