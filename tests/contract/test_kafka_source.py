"""The Kafka source against Tansu; `tests/external` runs the same against Apache Kafka."""

from __future__ import annotations

from ruamel.yaml import YAML

from streamops_nb.sources.kafka import KafkaSettings
from tests.contract.kafka_sink_suite import how_to
from tests.contract.kafka_source_suite import KafkaSourceSuite


class TestKafkaSource(KafkaSourceSuite):
    """All of the suite."""


def test_the_how_to_writes_a_source_that_is_accepted() -> None:
    written = YAML(typ="safe").load(how_to("source")[0])
    assert written.pop("type") == "kafka"
    settings = KafkaSettings(**written)
    assert settings.security.options()["sasl.mechanism"] == "SCRAM-SHA-512"
    assert settings.partitions == (0, 1)
