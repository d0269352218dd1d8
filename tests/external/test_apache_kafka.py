"""The Kafka source and the Kafka sink against Apache Kafka."""

from __future__ import annotations

import pytest

from tests.contract.kafka_sink_suite import KafkaSinkSuite, OnceSinkSuite
from tests.contract.kafka_source_suite import KafkaSourceSuite

pytestmark = pytest.mark.external


class TestKafkaSource(KafkaSourceSuite):
    """The same duties as against Tansu."""


class TestKafkaSink(KafkaSinkSuite):
    """At least once."""


class TestKafkaSinkReadAsTheHowToSays(OnceSinkSuite):
    """Exactly once."""
