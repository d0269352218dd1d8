"""The contract of the door, on every door there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import streamops_nb as so
from streamops_nb.client.workspace import RemoteWorkspace
from streamops_nb.ops.workspace import Workspace
from tests.contract.door_contract import (
    DoorContract,
    test_the_contract_makes_every_call_of_the_table,
)
from tests.ops.operated import opened
from tests.serving.served import served

__all__ = ["test_the_contract_makes_every_call_of_the_table"]


class TestTheOwnersDoor(DoorContract):
    """In this process."""

    @pytest.fixture
    def door(self, tmp_path: Path) -> Iterator[Workspace]:
        with opened(tmp_path / "w") as workspace:
            yield workspace


class TestTheDoorThroughTheOwner(DoorContract):
    """As a second process of the same user has it."""

    @pytest.fixture
    def door(self, tmp_path: Path) -> Iterator[Workspace]:
        with opened(tmp_path / "w"), so.connect(tmp_path / "w") as workspace:
            assert isinstance(workspace, RemoteWorkspace)
            yield workspace


class TestTheServedDoor(DoorContract):
    """As an administrator has it from anywhere."""

    served = True

    @pytest.fixture
    def door(self, tmp_path: Path) -> Iterator[Workspace]:
        with served(tmp_path, folders=(tmp_path,)) as house, house.door() as workspace:
            workspace.resources.ensure()
            yield workspace
