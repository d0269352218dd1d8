from __future__ import annotations

from tests.contract.kafka_source_suite import KafkaSourceSuite


class TestKafkaSource(KafkaSourceSuite):
    """Against Tansu; `tests/external` runs the same against Apache Kafka."""
