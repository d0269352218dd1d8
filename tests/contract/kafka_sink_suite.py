"""What the Kafka sink promises, against any broker: give fixtures `broker` and `own_broker`."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from streamops_nb.model.errors import SinkError
from streamops_nb.sinks.base import Context
from streamops_nb.sinks.kafka import KafkaSink, KafkaSinkSettings
from streamops_nb.testing.sink_contract import SinkContract, SinkWorld, batch
from tests.broker import Broker

__all__ = ["KafkaSinkSuite", "OnceSinkSuite", "how_to"]

QUICK = {"message.timeout.ms": 2_000}
SCHEMA = {"n": "BIGINT", "device": "VARCHAR"}


def how_to(kind: str) -> list[str]:
    """Give the blocks of this kind in the how-to."""
    text = (Path(__file__).parents[2] / "docs" / "how-to-kafka.md").read_text(encoding="utf-8")
    return re.findall(rf"^```\w+ {kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def messages(broker: Broker, topic: str) -> list[Message]:
    """Read all records of a topic, by another client than the source."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker.servers,
            "group.id": "a-reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,
        }
    )
    unfinished = set(consumer.list_topics(topic, 5).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in unfinished])
    found: list[Message] = []
    patience = time.monotonic() + 20
    while unfinished:
        assert time.monotonic() < patience
        for message in consumer.consume(1_000, 0.02):
            error = message.error()
            if error is None:
                found.append(message)
            else:
                assert error.name() == "_PARTITION_EOF"
                unfinished.discard(message.partition() or 0)
    consumer.close()
    return found


def open_sink(
    broker: Broker, topic: str, schema: dict[str, str], options: dict[str, Any] = QUICK, **rest: Any
) -> KafkaSink:
    written = KafkaSinkSettings(servers=broker.servers, topic=topic, options=options, **rest)
    sink = KafkaSink(written, Context(job="hot", folder=Path(), schema=schema))
    sink.open()
    return sink


def as_json(value: Any) -> Any:
    """Say what a value must be once it has been JSON."""
    plain: dict[type, Any] = {
        datetime: lambda v: v.strftime("%Y-%m-%dT%H:%M:%S.%f" + ("Z" if v.tzinfo else "")),
        date: date.isoformat,
        bytes: lambda v: base64.b64encode(v).decode(),
        dict: lambda v: {key: as_json(inner) for key, inner in v.items()},
        list: lambda v: [as_json(inner) for inner in v],
    }
    return plain.get(type(value), lambda v: v)(value)


def as_map(rows: pa.Table, row: dict[str, Any]) -> dict[str, Any]:
    """Turn pyarrow's lists of pairs into dictionaries."""
    maps = [field.name for field in rows.schema if pa.types.is_map(field.type)]
    return {**row, **{name: dict(row[name]) for name in maps if row[name] is not None}}


class KafkaSinkWorld(SinkWorld):
    exactly_once = False
    partitions = 1

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.topic = broker.topic(self.partitions)
        self.sink: KafkaSink | None = None

    def open(self, schema: dict[str, str]) -> None:
        self.sink = open_sink(self.broker, self.topic, schema)

    def write(self, n: int, rows: pa.Table) -> None:
        assert self.sink is not None
        self.sink.write(n, rows)

    def break_it(self) -> str | None:
        self.broker.delete(self.topic)
        return self.topic

    def tidy(self) -> None:
        assert self.sink is not None
        self.sink.tidy()

    def seen(self) -> list[dict[str, Any]]:
        return [
            json.loads(message.value() or b"", parse_float=Decimal)
            for message in messages(self.broker, self.topic)
        ]

    def expected(self, rows: pa.Table) -> list[dict[str, Any]]:
        return [as_json(as_map(rows, row)) for row in rows.to_pylist()]

    def close(self) -> None:
        if self.sink is not None:
            self.sink.close()


class OnceWorld(KafkaSinkWorld):
    """Read as the how-to says: exactly once, from two partitions."""

    exactly_once = True
    partitions = 2

    def die_halfway(self, n: int, rows: pa.Table) -> bool:
        assert self.sink is not None
        texts = [json.dumps(row).encode() for row in self.expected(rows)]
        half = texts[: len(texts) // 2]
        self.sink._send(half, [None] * len(half), self.sink._headers(n, len(texts)))
        return True

    def seen(self) -> list[dict[str, Any]]:
        defined: dict[str, Any] = {}
        exec(how_to("once")[0], defined)  # the how-to's own words
        once = defined["Once"]()
        batches: dict[int, list[dict[str, Any]]] = {}
        for message in messages(self.broker, self.topic):
            for record in once.take(message):
                number = int(dict(record.headers())["streamops-batch"])
                row = json.loads(record.value(), parse_float=Decimal)
                batches.setdefault(number, []).append(row)
        return [
            row
            for number in sorted(batches)
            for row in sorted(batches[number], key=lambda row: (row["n"] is None, row["n"]))
        ]

    def expected(self, rows: pa.Table) -> list[dict[str, Any]]:
        found = super().expected(rows)
        return sorted(found, key=lambda row: (row["n"] is None, row["n"]))


class OnceSinkSuite(SinkContract):
    @pytest.fixture
    def world(self, broker: Broker) -> Iterator[OnceWorld]:
        world = OnceWorld(broker)
        yield world
        world.close()


class KafkaSinkSuite(SinkContract):
    @pytest.fixture
    def world(self, broker: Broker) -> Iterator[KafkaSinkWorld]:
        world = KafkaSinkWorld(broker)
        yield world
        world.close()

    def test_a_record_carries_its_job_batch_and_number_of_rows(self, broker: Broker) -> None:
        topic = broker.topic(2)
        sink = open_sink(broker, topic, SCHEMA)
        sink.write(3, batch(0, 5))
        sink.write(3, batch(0, 5))
        sink.close()
        headers = [dict(message.headers() or []) for message in messages(broker, topic)]
        attempts = [header.pop("streamops-attempt") for header in headers]
        told = {"streamops-job": b"hot", "streamops-batch": b"3", "streamops-rows": b"5"}
        assert headers == [told] * 10
        assert [attempts.count(attempt) for attempt in set(attempts)] == [5, 5]

    def test_equal_keys_go_to_the_same_partition(self, broker: Broker) -> None:
        topic = broker.topic(3)
        sink = open_sink(broker, topic, SCHEMA, key="device")
        devices = [f"d{n % 20}" if n % 7 else None for n in range(200)]
        sink.write(1, pa.table({"n": list(range(200)), "device": devices}))
        sink.close()
        places: dict[bytes, set[int | None]] = {}
        for message in messages(broker, topic):
            key, row = message.key(), json.loads(message.value() or b"")
            assert (key.decode() if key is not None else None) == row["device"]
            if key is not None:
                places.setdefault(key, set()).add(message.partition())
        assert len(places) == 20
        assert all(len(partitions) == 1 for partitions in places.values())
        assert len(set.union(*places.values())) > 1

    def test_a_key_that_is_no_column_is_refused_by_name(self, broker: Broker) -> None:
        with pytest.raises(SinkError, match=r"`devise`.*choose one of `n`, `device`") as caught:
            open_sink(broker, "any", SCHEMA, key="devise")
        assert caught.value.retryable is False

    def test_a_missing_topic_is_an_error_and_is_not_made(self, broker: Broker) -> None:
        with pytest.raises(SinkError, match=r"'no-such-topic'.*create the topic") as caught:
            open_sink(broker, "no-such-topic", SCHEMA)
        assert caught.value.retryable is True
        assert "no-such-topic" not in broker.admin.list_topics(timeout=5).topics

    def test_a_record_that_is_too_large_is_an_error_that_retrying_does_not_mend(
        self, broker: Broker
    ) -> None:
        topic = broker.topic(1)
        options = {"message.max.bytes": 100_000}
        sink = open_sink(broker, topic, {"n": "VARCHAR"}, options=options)
        with pytest.raises(SinkError, match="larger than the broker takes") as caught:
            sink.write(1, pa.table({"n": ["small", "x" * 200_000]}))
        assert caught.value.retryable is False
        sink.write(2, pa.table({"n": ["small"]}))
        sink.close()
        assert json.loads(messages(broker, topic)[-1].value() or b"") == {"n": "small"}

    def test_a_log_in_that_the_broker_refuses_is_an_error_and_final(self, broker: Broker) -> None:
        login = {"protocol": "SASL_PLAINTEXT", "mechanism": "PLAIN", "username": "ana"}
        with pytest.raises(SinkError, match=r"refused the log-in.*check `security`") as caught:
            open_sink(broker, "any", SCHEMA, security={**login, "password": "wrong-word"})
        assert caught.value.retryable is False
        assert "wrong-word" not in str(caught.value)

    def test_a_batch_that_met_a_dead_broker_can_be_written_when_it_is_back(
        self, own_broker: Broker
    ) -> None:
        topic = own_broker.topic(1)
        sink = open_sink(own_broker, topic, SCHEMA)
        sink.write(1, batch(0, 5))
        own_broker.stop()
        with pytest.raises(SinkError, match=own_broker.servers) as caught:
            sink.write(2, batch(5, 9))
        assert caught.value.retryable is True
        own_broker.start()
        sink.write(2, batch(5, 9))
        sink.close()
        found = [json.loads(message.value() or b"")["n"] for message in messages(own_broker, topic)]
        assert found == list(range(9))
