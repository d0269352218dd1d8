"""A broker for the suites that speak Kafka's protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.broker import Broker, TansuBroker


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for the whole session; every test makes topics of its own."""
    broker = TansuBroker(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.stop()
