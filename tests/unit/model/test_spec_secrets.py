"""Secrets: kept as references, resolved late, masked in messages."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streamops_nb.model.errors import SpecRefused
from streamops_nb.model.secrets import hides, literals, mask, resolve

SETTINGS = {
    "servers": "broker:9092",
    "security": {"username": "ana", "password": "${env:KAFKA_PASSWORD}"},
    "options": {"client.id": "x-${env:HOST}-${env:KAFKA_PASSWORD}"},
    "topics": ["${env:TOPIC}", 3, None],
}
VALUES = {"KAFKA_PASSWORD": "geheim", "HOST": "h1", "TOPIC": "${env:HOST}"}


def test_references_are_resolved_wherever_they_stand() -> None:
    before = repr(SETTINGS)
    assert resolve(SETTINGS, VALUES) == {
        "servers": "broker:9092",
        "security": {"username": "ana", "password": "geheim"},
        "options": {"client.id": "x-h1-geheim"},
        # a value is not read again as a reference
        "topics": ["${env:HOST}", 3, None],
    }
    assert repr(SETTINGS) == before


def test_all_missing_variables_are_named_with_their_paths_and_no_value() -> None:
    with pytest.raises(SpecRefused) as refusal:
        resolve(SETTINGS, {"HOST": "h1-value"}, ("streams", "readings", "source"))
    assert [(fault.where, fault.what) for fault in refusal.value.faults] == [
        (
            "streams.readings.source.security.password",
            "the environment variable KAFKA_PASSWORD is not set",
        ),
        (
            'streams.readings.source.options["client.id"]',
            "the environment variable KAFKA_PASSWORD is not set",
        ),
        ("streams.readings.source.topics[0]", "the environment variable TOPIC is not set"),
    ]
    assert "h1-value" not in str(refusal.value)


@pytest.mark.parametrize(
    "key",
    [
        "password", "sasl.password", "ssl.key.password", "PASSWD", "client_secret", "token",
        "accessToken", "api_key", "apikey", "aws_secret_access_key", "privateKey", "ssl.key.pem",
        "sasl.jaas.config", "basic.auth.user.info", "Authorization", "credentials",
    ],
)  # fmt: skip
def test_a_literal_secret_is_refused_with_the_reference_to_write(key: str) -> None:
    assert hides(key)
    for settings in ({key: "geheim"}, {"options": {key: 1234}}, {"list": [{key: "geheim"}]}):
        (fault,) = literals(settings)
        assert fault.what == "a secret must not be written into a specification"
        assert "${env:" in fault.remedy
        assert "geheim" not in str(fault)
        assert "1234" not in str(fault)
    assert literals({key: "${env:X}"}) == []
    assert literals({key: ""}) == literals({key: None}) == literals({key: True}) == []


@pytest.mark.parametrize(
    "key",
    [
        "username", "key", "path", "ssl.key.location", "ssl.ca.pem", "tokenizer", "partition_key",
        "sasl.oauthbearer.token.endpoint.url", "password_file", "secretary", "",
    ],
)  # fmt: skip
def test_other_settings_may_be_literal(key: str) -> None:
    assert not hides(key)
    assert literals({key: "x"}) == []


def test_a_login_in_an_address_is_a_literal_secret() -> None:
    (fault,) = literals({"servers": "kafka://ana:geheim@broker:9092"})
    assert fault.where == "servers"
    assert "geheim" not in str(fault)
    assert literals({"servers": "kafka://ana:${env:P}@broker:9092"}) == []
    assert literals({"servers": "kafka://broker:9092/a@b"}) == []


@pytest.mark.parametrize("text", ["${KAFKA_PASSWORD}", "${env:}", "${file:/etc/x}", "${env:A B}"])
def test_a_reference_that_nobody_resolves_is_refused(text: str) -> None:
    (fault,) = literals({"servers": text})
    assert fault.what == "a reference is not written as it should be"
    assert "${env:NAME}" in fault.remedy


def test_values_in_messages_become_references_again() -> None:
    text = "login of ana at h1 with geheim failed: broker://ana:geheim@h1"
    assert mask(text, SETTINGS, {**VALUES, "TOPIC": ""}) == (
        "login of ana at ${env:HOST} with ${env:KAFKA_PASSWORD} failed: "
        "broker://ana:${env:KAFKA_PASSWORD}@${env:HOST}"
    )


def test_a_value_is_masked_in_addresses_json_and_python_too() -> None:
    settings, environ = {"password": "${env:P}"}, {"P": 'ge"h/m\n'}
    for text in ("ge%22h%2Fm%0A", 'ge\\"h/m\\n', 'ge"h/m\\n', 'ge"h/m\n'):
        assert mask(f"<{text}>", settings, environ) == "<${env:P}>"


@given(st.text(max_size=20), st.text(max_size=20), st.text(alphabet="qvwxyz0189é", min_size=1))
def test_no_message_shows_a_value(before: str, after: str, value: str) -> None:
    # letters that the reference itself does not have, so that finding one means a leak
    assume(not set(value) & set("${env:P}"))
    assert value not in mask(f"{before}{value}{after}", {"password": "${env:P}"}, {"P": value})


def test_a_value_inside_another_is_masked_as_the_longer_one() -> None:
    settings = {"a": "${env:A}", "b": "${env:B}"}
    assert mask("abcd ab", settings, {"A": "ab", "B": "abcd"}) == "${env:B} ${env:A}"


def test_text_without_references_is_left_alone() -> None:
    assert mask("geheim", {"servers": "broker"}, {"P": "geheim"}) == "geheim"
