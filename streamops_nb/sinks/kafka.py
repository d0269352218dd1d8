"""The sink ``kafka``: every row becomes a record of a topic."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Literal

import pyarrow as pa
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streamops_nb.db import Instance, Session, sealed
from streamops_nb.kafka_client import Connection, Endpoint
from streamops_nb.model.errors import SinkError
from streamops_nb.sinks import base
from streamops_nb.sinks.json_rows import json_texts

__all__ = ["KafkaSink", "KafkaSinkSettings"]

_DEFAULTS = {
    # the producer's own retries neither double nor reorder records
    "enable.idempotence": True,
    "linger.ms": 5,
    # after this long without an acknowledgement the batch counts as not written
    "message.timeout.ms": 15_000,
}


class KafkaSinkSettings(Endpoint, base.Settings):
    """What may stand below ``sink:`` for Kafka.

    Parameters
    ----------
    key
        The column whose text is the record's key: equal keys go to the same partition. The column
        is also part of the value.
    format
        How a row is written; ``json``.
    """

    key: str | None = None
    format: Literal["json"] = "json"


class KafkaSink:
    """Writes rows to a Kafka topic, at least once.

    `write` returns when the broker has acknowledged every record. After a crash, or an error, the
    batch is written again: a reader sees its rows twice unless it looks at the headers.

    ================== ==========================================================
    header             text
    ================== ==========================================================
    streamops-job      the job's name
    streamops-batch    the batch's number
    streamops-rows     how many records the batch has
    streamops-attempt  differs each time the batch is written
    ================== ==========================================================

    A batch is complete when as many records of *one* attempt have arrived as it has rows; a
    reader that takes the first complete attempt of every number sees every row exactly once.
    """

    Settings: ClassVar[type[base.Settings]] = KafkaSinkSettings
    transactional: ClassVar[bool] = False

    def __init__(self, settings: KafkaSinkSettings, context: base.Context) -> None:
        self._settings = settings
        self._context = context
        self._producer: Producer | None = None
        self._failures: list[KafkaError] = []
        self._connection = Connection[SinkError](settings, SinkError, _DEFAULTS)
        self._instance: Instance | None = None
        self._session: Session | None = None

    def open(self) -> None:
        """Connect, and see that the topic exists."""
        key = self._settings.key
        if key is not None and key not in self._context.schema:
            columns = ", ".join(f"`{name}`" for name in self._context.schema)
            raise SinkError(
                f"the key of the Kafka sink, `{key}`, is not a column of the output - "
                f"choose one of {columns}",
                retryable=False,
            )
        self._connect()

    def write(self, n: int, rows: pa.Table) -> None:
        """Send the rows of batch `n` and wait for all acknowledgements.

        If this raises, some of the records may have arrived.
        """
        if not rows.num_rows:
            return
        values, keys = json_texts(self._database(), rows, self._settings.key)
        self._send(values, keys, self._headers(n, len(values)))

    def tidy(self) -> None:
        """Hear what the client has to say; the topic's retention is the broker's."""
        if self._producer is not None:
            self._producer.poll(0)

    def close(self) -> None:
        """Disconnect."""
        self._disconnect()
        if self._session is not None and self._instance is not None:
            self._session.close()
            self._instance.close()
            self._session = self._instance = None

    def _headers(self, n: int, rows: int) -> list[tuple[str, bytes]]:
        texts = {
            "streamops-job": self._context.job,
            "streamops-batch": str(n),
            "streamops-rows": str(rows),
            "streamops-attempt": uuid.uuid4().hex,
        }
        return [(name, text.encode()) for name, text in texts.items()]

    def _send(
        self, values: list[bytes], keys: list[bytes | None], headers: list[tuple[str, bytes]]
    ) -> None:
        producer = self._producer or self._connect()
        self._failures.clear()
        try:
            for value, key in zip(values, keys, strict=True):
                self._produce(producer, value, key, headers)
            # every record is acknowledged or given up by then (message.timeout.ms)
            left = producer.flush(-1)
        except KafkaException as error:
            self._disconnect()
            raise self._connection.failure(error, "write records") from error
        if self._failures or left:
            self._disconnect()
            first = self._failures[0] if self._failures else None
            doing = f"write {len(self._failures)} of {len(values)} records"
            raise self._connection.failure(first, doing)
        self._connection.works()

    def _produce(
        self, producer: Producer, value: bytes, key: bytes | None, headers: list[Any]
    ) -> None:
        while True:
            try:
                producer.produce(self._settings.topic, value, key, headers=headers)
            except BufferError:
                producer.poll(0.1)  # the client's queue is full: let it send
            else:
                return

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        del message
        if error is not None:
            self._failures.append(error)

    def _connect(self) -> Producer:
        own = {"on_delivery": self._delivered, "delivery.report.only.error": True}
        try:
            producer = Producer(self._connection.config | own)
        except KafkaException as error:
            raise self._connection.invalid(error) from error
        topics = self._connection.ask(
            "find the partitions",
            # asked for all topics: asking for this one might create it
            lambda wait: producer.list_topics(timeout=wait).topics,
            lambda: producer.poll(0),
        )
        if self._settings.topic not in topics:
            missing = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
            raise self._connection.failure(missing, "find the partitions")
        self._producer = producer
        return producer

    def _disconnect(self) -> None:
        """Forget the producer, and with it what is not sent or makes it unusable."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(1)
            self._producer = None

    def _database(self) -> Session:
        if self._session is None:
            self._instance = sealed(threads=1)
            self._session = self._instance.session()
        return self._session
