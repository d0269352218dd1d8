"""The Kafka sink against Tansu; `tests/external` runs the same against Apache Kafka."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from streamops_nb.sinks.kafka import KafkaSinkSettings
from tests.contract.kafka_sink_suite import KafkaSinkSuite, OnceSinkSuite, how_to


class TestKafkaSink(KafkaSinkSuite):
    """At least once."""


class TestKafkaSinkReadAsTheHowToSays(OnceSinkSuite):
    """Exactly once."""


def test_the_how_to_writes_a_sink_that_is_accepted() -> None:
    written = YAML(typ="safe").load(how_to("sink")[0])
    assert written.pop("type") == "kafka"
    settings = KafkaSinkSettings(**written)
    assert settings.security.protocol == "SSL"
    assert settings.key == "device"


def test_options_that_the_promises_rest_on_cannot_be_set() -> None:
    with pytest.raises(ValidationError, match=r"transactional\.id cannot be set"):
        KafkaSinkSettings(servers="a:1", topic="t", options={"transactional.id": "mine"})
