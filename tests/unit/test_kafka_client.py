from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from streamops_nb.kafka_client import Endpoint, Security


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ({"protocol": "SASL_SSL"}, "needs a mechanism"),
        ({"username": "ana"}, "set protocol to SASL_SSL"),
        ({"protocol": "SSL", "password": "x"}, "set protocol to SASL_SSL"),
        ({"ca": "/ca.pem"}, "set protocol to SSL or SASL_SSL"),
        ({"mechanism": "SCRAM"}, "SCRAM-SHA-256"),
    ],
)
def test_security_settings_that_do_not_fit_are_refused_with_a_remedy(
    written: dict[str, Any], remedy: str
) -> None:
    with pytest.raises(ValidationError, match=remedy):
        Security(**written)


def test_security_settings_become_the_options_of_the_client() -> None:
    security = Security(
        protocol="SASL_SSL", mechanism="PLAIN", username="ana", password="word", ca="/ca.pem"
    )
    assert security.options() == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "ana",
        "sasl.password": "word",
        "ssl.ca.location": "/ca.pem",
    }


def test_a_password_is_never_shown() -> None:
    endpoint = Endpoint(
        servers="a:1",
        topic="t",
        security=Security(protocol="SASL_SSL", mechanism="PLAIN", password="hidden-word"),
        options={"ssl.key.password": "hidden-word"},
    )
    assert "hidden-word" not in repr(endpoint) + str(endpoint)


@pytest.mark.parametrize("option", ["enable.auto.commit", "auto.offset.reset", "bootstrap.servers"])
def test_an_option_that_the_promises_rest_on_is_refused(option: str) -> None:
    with pytest.raises(ValidationError, match=rf"{option} cannot be set.*remove it"):
        Endpoint(servers="a:1", topic="t", options={option: "x"})


def test_the_package_is_imported_without_a_kafka_client() -> None:
    program = "import streamops_nb, sys; sys.exit('confluent_kafka' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
