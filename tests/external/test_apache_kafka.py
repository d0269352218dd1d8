"""The Kafka source and the Kafka sink against Apache Kafka."""

from __future__ import annotations

import time

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import NewPartitions

from streamops_nb.model.batch import Position, Slice, Span, advance
from streamops_nb.model.errors import SourceError
from streamops_nb.sources.base import Limit
from streamops_nb.testing.source_contract import drain
from tests.broker import Broker
from tests.contract.kafka_sink_suite import KafkaSinkSuite, OnceSinkSuite
from tests.contract.kafka_source_suite import TEN, KafkaSourceSuite, Opener, all_values, values
from tests.external.apache_kafka import USER, WORD, ApacheKafka

pytestmark = pytest.mark.external


class TestKafkaSource(KafkaSourceSuite):
    """The same duties as against Tansu, and what Tansu cannot show."""

    def test_what_a_transaction_takes_back_is_not_read_and_its_marks_are_passed(
        self, broker: Broker, opened: Opener
    ) -> None:
        topic = broker.topic(1)
        writer = Producer(
            {"bootstrap.servers": broker.servers, "transactional.id": topic, "log_level": 0}
        )
        writer.init_transactions(20)
        for value, commit in ((b"a", True), (b"b", False), (b"c", True)):
            writer.begin_transaction()
            writer.produce(topic, value, partition=0)
            writer.flush(10)
            if commit:
                writer.commit_transaction(20)
            else:
                writer.abort_transaction(20)
        source = opened(broker, topic)
        position: Position = {}
        found = []
        for span, table in drain(source, position, Limit(rows=1)):
            position = advance(position, span)
            found += values(table)
        assert found == [b"a", b"c"]
        assert position == source.ends().latest == {"0": 6}

    def test_an_open_transaction_is_neither_read_nor_waited_for(
        self, broker: Broker, opened: Opener
    ) -> None:
        topic = broker.topic(1)
        broker.produce(topic, 0, TEN)
        writer = Producer(
            {"bootstrap.servers": broker.servers, "transactional.id": topic, "log_level": 0}
        )
        writer.init_transactions(20)
        writer.begin_transaction()
        writer.produce(topic, b"later", partition=0)
        writer.flush(10)
        source = opened(broker, topic)
        assert all_values(source, {}) == TEN
        began = time.monotonic()
        assert not source.cut({"0": 10}, Limit())
        assert time.monotonic() - began < 2
        assert source.ends().latest == {"0": 10}
        writer.commit_transaction(20)
        patience = time.monotonic() + 20
        while not (found := all_values(source, {"0": 10})) and time.monotonic() < patience:
            time.sleep(0.1)  # the broker ends a transaction after it has said so
        assert found == [b"later"]

    def test_what_compaction_removed_is_passed(self, broker: Broker, opened: Opener) -> None:
        eager = {
            "cleanup_policy": "compact",
            "min_cleanable_dirty_ratio": "0.01",
            "segment_ms": "100",
            "max_compaction_lag_ms": "100",
        }
        topic = broker.topic(1, **eager)
        for key in (b"a", b"b", b"a", b"a"):
            broker.produce(topic, 0, [b"old"], key=key)
            time.sleep(0.15)  # so that each lies in a segment of its own
        broker.produce(topic, 0, [b"new"], key=b"a")
        source = opened(broker, topic)
        patience = time.monotonic() + 60
        while len(all_values(source, {})) > 3 and time.monotonic() < patience:
            time.sleep(0.5)
        tables = [table for _, table in drain(source, {}, Limit(rows=1))]
        offsets = [offset for table in tables for offset in table["_offset"].to_pylist()]
        assert offsets[0] == 1
        assert offsets[-1] == 4
        assert source.read(Span((Slice("0", 0, 5),)))["_offset"].to_pylist() == offsets

    def test_a_new_partition_is_read_from_its_beginning(
        self, broker: Broker, opened: Opener
    ) -> None:
        topic = broker.topic(1)
        broker.produce(topic, 0, TEN)
        source = opened(broker, topic)
        assert all_values(source, {}) == TEN
        broker.admin.create_partitions([NewPartitions(topic, 2)])[topic].result(10)
        patience = time.monotonic() + 20
        while "1" not in source.ends().latest and time.monotonic() < patience:
            time.sleep(0.2)
        broker.producer.list_topics(topic, 5)  # lets this client know the partition too
        broker.produce(topic, 1, [b"first"])
        assert all_values(source, {"0": 10}) == [b"first"]

    def test_lost_records_are_counted(self, broker: Broker, opened: Opener) -> None:
        topic = broker.topic(1)
        broker.produce(topic, 0, TEN)
        source = opened(broker, topic)
        first = source.cut({}, Limit(rows=2))
        upto = TopicPartition(topic, 0, 7)
        broker.admin.delete_records([upto])[upto].result(10)
        with pytest.raises(SourceError, match=r"5 offsets of partition 0 .* are lost") as caught:
            opened(broker, topic).cut(advance({}, first), Limit())
        assert caught.value.retryable is False
        assert "retains only 7 and later" in str(caught.value)

    def test_a_topic_that_is_made_again_is_an_error_and_final(
        self, broker: Broker, opened: Opener
    ) -> None:
        topic = broker.topic(1)
        broker.produce(topic, 0, TEN)
        source = opened(broker, topic)
        assert all_values(source, {}) == TEN
        broker.delete(topic)
        broker.create(topic, 1)
        broker.produce(topic, 0, TEN[:3])
        error = SourceError("none yet")
        patience = time.monotonic() + 30
        while error.retryable and time.monotonic() < patience:
            try:  # the client may first see nothing, then the old topic gone
                assert not source.cut({"0": 10}, Limit())
            except SourceError as caught:
                error = caught
        assert "partition 0" in str(error)
        assert "ends at offset 3, but the next record to read was 10" in str(error)
        assert all_values(source, source.ends().earliest) == TEN[:3]

    def test_a_password_opens_and_a_wrong_one_does_not(
        self, broker: ApacheKafka, opened: Opener
    ) -> None:
        topic = broker.topic(1)
        broker.produce(topic, 0, TEN)
        login = {"protocol": "SASL_PLAINTEXT", "mechanism": "PLAIN", "username": USER}
        place = {"servers": broker.sasl_servers}
        let_in = opened(broker, topic, **place, security=login | {"password": WORD})
        assert all_values(let_in, {}) == TEN
        refused = opened(broker, topic, **place, security=login | {"password": "wrong"})
        with pytest.raises(SourceError, match="refused the log-in") as caught:
            refused.ends()
        assert caught.value.retryable is False

    def test_tls_opens_with_the_right_authority_only(
        self, broker: ApacheKafka, opened: Opener
    ) -> None:
        topic = broker.topic(1)
        broker.produce(topic, 0, TEN)
        place = {"servers": broker.tls_servers}
        known = {"protocol": "SSL", "ca": str(broker.authority)}
        assert all_values(opened(broker, topic, **place, security=known), {}) == TEN
        with pytest.raises(SourceError, match="TLS handshake failed") as caught:
            opened(broker, topic, **place, security={"protocol": "SSL"}).ends()
        assert caught.value.retryable is False


class TestKafkaSink(KafkaSinkSuite):
    """At least once."""


class TestKafkaSinkReadAsTheHowToSays(OnceSinkSuite):
    """Exactly once."""
