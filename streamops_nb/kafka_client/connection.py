"""The configuration of a client, and what its errors mean."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from confluent_kafka import KafkaError, KafkaException

from streamops_nb.kafka_client.endpoint import Endpoint
from streamops_nb.model.errors import SinkError, SourceError

__all__ = ["PATIENCE", "Connection"]

PATIENCE = 5.0
"""Seconds without an answer or a record after which the broker counts as lost."""

_ATTEMPT = 1.0  # seconds of one attempt; between attempts we hear why it failed

T = TypeVar("T")
E = TypeVar("E", SourceError, SinkError)

_LOGGER = "streamops_nb.kafka"

_SERVERS = "check that the broker runs and that `servers` names it (host:port)"
_LOGIN = "check `security`: protocol, mechanism, username and password"
_TOPIC = "create the topic, or correct `topic`"
_ACCESS = "have the broker's access list extended"
_SIZE = "raise `message.max.bytes`: of the topic, and under `options`"

# librdkafka's name of an error -> what it means, what to do about it, whether waiting can help
_MEANING = {
    "_ALL_BROKERS_DOWN": ("no broker answers", _SERVERS, True),
    "_AUTHENTICATION": ("the broker refused the log-in", _LOGIN, False),
    "_BAD_MSG": ("what answers does not speak Kafka's protocol", _SERVERS, True),
    "_MSG_TIMED_OUT": ("the broker did not take the records in time", _SERVERS, True),
    "_RESOLVE": ("the host name is not known", "check `servers`", True),
    "_SSL": ("the TLS handshake failed", _LOGIN, False),
    "_TIMED_OUT": ("the broker does not answer in time", _SERVERS, True),
    "_TRANSPORT": ("no broker answers", _SERVERS, True),
    "_UNKNOWN_PARTITION": ("there is no such topic or partition", _TOPIC, True),
    "_UNKNOWN_TOPIC": ("there is no such topic", _TOPIC, True),
    "CLUSTER_AUTHORIZATION_FAILED": ("this user may not do that", _ACCESS, False),
    "MSG_SIZE_TOO_LARGE": ("a record is larger than the broker takes", _SIZE, False),
    "SASL_AUTHENTICATION_FAILED": ("the broker refused the log-in", _LOGIN, False),
    "TOPIC_AUTHORIZATION_FAILED": ("this user may not use the topic", _ACCESS, False),
    "TOPIC_EXCEPTION": ("this cannot be the name of a topic", "correct `topic`", False),
    "UNKNOWN_TOPIC_OR_PART": ("there is no such topic or partition", _TOPIC, True),
}
_OTHERWISE = ("the broker reported an error", "see its reason", True)
_SILENCE = frozenset(
    # without connections librdkafka does not know partitions that it knew
    ("_ALL_BROKERS_DOWN", "_MSG_TIMED_OUT", "_TIMED_OUT", "_TRANSPORT", "_UNKNOWN_PARTITION")
)


class Connection(Generic[E]):
    """A client's configuration, and the memory of what its connections last complained about.

    Parameters
    ----------
    endpoint
        What the user wrote.
    kind
        The class of the errors to make.
    defaults
        Options that the user's may replace.
    """

    def __init__(self, endpoint: Endpoint, kind: type[E], defaults: Mapping[str, Any]) -> None:
        self._endpoint = endpoint
        self._kind: type[E] = kind
        self._complaint: KafkaError | None = None
        log = logging.getLogger(_LOGGER)
        if not log.handlers:
            # without any handler, Python prints what librdkafka has to say to stderr
            log.addHandler(logging.NullHandler())
        self.config: dict[str, Any] = {
            "client.id": "streamops_nb",
            "log.connection.close": False,
            # librdkafka waits up to 10 s between attempts; a restarted broker is noticed sooner
            "reconnect.backoff.max.ms": 1_000,
            **defaults,
            **endpoint.security.options(),
            **endpoint.options,
            "bootstrap.servers": endpoint.servers,
            "error_cb": self._note,
            "logger": log,
        }

    def _note(self, error: KafkaError) -> None:
        # that all brokers are down says less than what led to it
        if self._complaint is None or error.name() != "_ALL_BROKERS_DOWN":
            self._complaint = error

    @property
    def content(self) -> bool:
        """Whether the connections have complained of nothing since they last worked."""
        return self._complaint is None

    def works(self) -> None:
        """Forget complaints."""
        self._complaint = None

    def ask(self, doing: str, question: Callable[[float], T], serve: Callable[[], object]) -> T:
        """Ask the cluster something, for a few seconds at most.

        Parameters
        ----------
        doing
            What is tried, for the message of the error.
        question
            Asks, given the seconds that it may take.
        serve
            Polls the client, so that its connections can complain.
        """
        began = time.monotonic()
        while True:
            try:
                answer = question(_ATTEMPT)
            except KafkaException as error:
                serve()
                # without a complaint the broker may only be slow
                patience = PATIENCE if self._complaint is None else _ATTEMPT
                if time.monotonic() - began > patience:
                    raise self.failure(error, doing) from error
                time.sleep(0.05)  # some questions fail at once, while a connection is being made
            else:
                self.works()
                return answer

    def failure(self, error: KafkaError | KafkaException | None, doing: str) -> E:
        """Say what failed, where, why, and what to do about it.

        Parameters
        ----------
        error
            What a call gave, if anything; for silence, the last complaint says more.
        doing
            What was tried, for example ``read partition 3``.
        """
        told: KafkaError | None = error.args[0] if isinstance(error, KafkaException) else error
        name = "_TIMED_OUT" if told is None else told.name()
        if name in _SILENCE and self._complaint is not None:
            told, name = self._complaint, self._complaint.name()
        what, remedy, retryable = _MEANING.get(name, _OTHERWISE)
        reason = "" if told is None else f" ({_clean(told)})"
        return self._kind(
            f"cannot {doing} of Kafka topic {self._endpoint.topic!r} at {self._endpoint.servers}: "
            f"{what}{reason} - {remedy}",
            retryable=retryable,
        )

    def invalid(self, error: KafkaException) -> E:
        """Say that the client does not take its options."""
        return self._kind(
            f"the Kafka client does not accept its settings for topic {self._endpoint.topic!r}: "
            f"{_clean(error.args[0])} - correct `options` or `security`",
            retryable=False,
        )


def _clean(error: KafkaError) -> str:
    """Strip librdkafka's prefixes and timings, which differ from one attempt to the next."""
    text = re.sub(r"^(?:\w+://)?\S+?/(?:bootstrap|\d+): ", "", error.str())
    return re.sub(r" \(after \d+ms in state \w+[^)]*\)", "", text).strip()
