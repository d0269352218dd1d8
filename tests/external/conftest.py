"""Apache Kafka for the suites, started once; jars are fetched where they are missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.external.apache_kafka import ApacheKafka, fetch_jars


@pytest.fixture(scope="session")
def jars() -> Path:
    return fetch_jars()


@pytest.fixture(scope="session")
def broker(jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with ApacheKafka(tmp_path_factory.mktemp("kafka"), jars) as broker:
        yield broker


@pytest.fixture
def own_broker(jars: Path, tmp_path: Path) -> Iterator[Broker]:
    """A broker for one test, which may stop it."""
    with ApacheKafka(tmp_path, jars) as broker:
        yield broker
