"""What the Kafka source promises, against any broker: give a fixture `broker`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from streamops_nb.model.batch import Position
from streamops_nb.sources.base import Context
from streamops_nb.sources.kafka import KafkaSettings, KafkaSource
from tests.broker import Broker
from tests.contract.source_contract import SourceContract, World, sample_records

__all__ = ["KafkaSourceSuite", "KafkaWorld", "open_source"]


def open_source(broker: Broker, topic: str, **settings: Any) -> KafkaSource:
    written = KafkaSettings(servers=broker.servers, topic=topic, **settings)
    return KafkaSource(written, Context(folder=Path(), now=time.time))


class KafkaWorld(World):
    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.topic = broker.topic(2)
        self.records: dict[str, list[Any]] = {"0": [], "1": []}
        self.opened: list[KafkaSource] = []
        self.write("0", sample_records(60))
        self.write("1", sample_records(40, start=60))

    def write(self, partition: str, records: list[dict[str, Any]]) -> None:
        for record in records:
            moment = int(datetime.fromisoformat(record["ts"]).timestamp() * 1000)
            self.broker.produce(
                self.topic, int(partition), [json.dumps(record).encode()], timestamp=moment
            )
        self.records[partition] += records

    def open(self) -> KafkaSource:
        # a jump to other offsets waits for the fetch under way: 200 ms by default
        options = {"fetch.wait.max.ms": 20}
        self.opened.append(open_source(self.broker, self.topic, options=options))
        return self.opened[-1]

    def known(self) -> dict[str, list[Any]]:
        return self.records

    def grow(self) -> bool:
        self.write("1", sample_records(5, start=100))
        self.write("0", sample_records(5, start=105))
        return True

    def times(self) -> dict[str, list[datetime]] | None:
        if not self.broker.finds_times:
            return None
        return {
            partition: [datetime.fromisoformat(record["ts"]).astimezone(UTC) for record in records]
            for partition, records in self.records.items()
        }

    def lose(self) -> Position | None:
        if self.broker.deletes_records:
            upto = TopicPartition(self.topic, 0, 10)
            self.broker.admin.delete_records([upto])[upto].result(10)
            return {"0": 5, "1": 0}
        self.broker.delete(self.topic)
        self.broker.create(self.topic, 2)
        return {"0": 60, "1": 0}

    def close(self) -> None:
        for source in self.opened:
            source.close()


class KafkaSourceSuite(SourceContract):
    @pytest.fixture
    def world(self, broker: Broker) -> Iterator[KafkaWorld]:
        world = KafkaWorld(broker)
        yield world
        world.close()
