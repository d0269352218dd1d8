"""What the Kafka source promises, against any broker: give `broker` and `own_broker`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from confluent_kafka import Consumer, TopicPartition

from streamops_nb.model.batch import Position, Slice, Span, advance
from streamops_nb.model.errors import Interrupted, SourceError
from streamops_nb.sources import kafka_reader
from streamops_nb.sources.base import Context, Limit
from streamops_nb.sources.kafka import KafkaSettings, KafkaSource
from streamops_nb.sources.kafka_reader import Reader
from streamops_nb.testing.source_contract import SourceContract, World, drain, sample_records
from tests.broker import Broker, free_port

__all__ = ["TEN", "KafkaSourceSuite", "KafkaWorld", "Opener", "all_values", "open_source", "values"]

CONTEXT = Context(folder=Path(), now=time.time)
Opener = Callable[..., KafkaSource]


def open_source(broker: Broker, topic: str, **settings: Any) -> KafkaSource:
    written = KafkaSettings(**{"servers": broker.servers, "topic": topic, **settings})
    return KafkaSource(written, CONTEXT)


class KafkaWorld(World):
    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.topic = broker.topic(2)
        self.records: dict[str, list[Any]] = {"0": [], "1": []}
        self.opened: list[KafkaSource] = []
        self.write("0", sample_records(60))
        self.write("1", sample_records(40, start=60))

    def write(self, partition: str, records: list[dict[str, Any]]) -> None:
        for record in records:
            moment = int(datetime.fromisoformat(record["ts"]).timestamp() * 1000)
            self.broker.produce(
                self.topic, int(partition), [json.dumps(record).encode()], timestamp=moment
            )
        self.records[partition] += records

    def open(self) -> KafkaSource:
        # a jump to other offsets waits for the fetch under way: up to 500 ms by default
        options = {"fetch.wait.max.ms": 20}
        self.opened.append(open_source(self.broker, self.topic, options=options))
        return self.opened[-1]

    def known(self) -> dict[str, list[Any]]:
        return self.records

    def grow(self) -> bool:
        self.write("1", sample_records(5, start=100))
        self.write("0", sample_records(5, start=105))
        return True

    def times(self) -> dict[str, list[datetime]] | None:
        if not self.broker.finds_times:
            return None
        return {
            partition: [datetime.fromisoformat(record["ts"]).astimezone(UTC) for record in records]
            for partition, records in self.records.items()
        }

    def traces(self) -> Any:
        """The broker's groups, and what each has committed."""
        return {group: self.broker.committed(group) for group in self.broker.groups()}

    def lose(self) -> Position | None:
        if self.broker.deletes_records:
            upto = TopicPartition(self.topic, 0, 10)
            self.broker.admin.delete_records([upto])[upto].result(10)
            return {"0": 5, "1": 0}
        return {"0": 10_000, "1": 0}  # past the end, as if the topic had been made again

    def close(self) -> None:
        for source in self.opened:
            source.close()


TEN = [b"%d" % n for n in range(10)]


def values(table: pa.Table) -> list[bytes | None]:
    return list(table["_raw"].to_pylist())


def all_values(source: KafkaSource, position: Position, **limit: int) -> list[bytes | None]:
    return [v for _, table in drain(source, position, Limit(**limit)) for v in values(table)]


def until(done: Callable[[], bool]) -> None:
    patience = time.monotonic() + 30
    while not done():
        assert time.monotonic() < patience
        time.sleep(0.01)


def rest(source: KafkaSource, position: Position, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the end of a topic, and let that have been long ago."""
    monkeypatch.setattr(kafka_reader, "_RESTING_AGE", 60.0)
    reader = source._reader
    until(lambda: not source.cut(position, Limit()) and reader.at_end)
    reader._news = float("-inf")


class KafkaSourceSuite(SourceContract):
    """The contract of all sources, and what only Kafka has."""

    @pytest.fixture
    def world(self, broker: Broker) -> Iterator[KafkaWorld]:
        world = KafkaWorld(broker)
        yield world
        world.close()

    @pytest.fixture
    def opened(self) -> Iterator[Callable[..., KafkaSource]]:
        """Open sources that are closed after the test."""
        with ExitStack() as stack:

            def open_one(broker: Broker, topic: str, **settings: Any) -> KafkaSource:
                source = open_source(broker, topic, **settings)
                stack.callback(source.close)
                return source

            yield open_one

    # ---------------------------------------------------------------- records

    def test_keys_tombstones_and_poison_come_through_as_they_are(
        self, broker: Broker, opened: Opener
    ) -> None:
        topic = broker.topic(1)
        broker.produce(topic, 0, [b'{"n": 1}'], key=b"a", timestamp=1_767_225_600_123)
        broker.produce(topic, 0, [None], key=b"a", timestamp=1_767_225_600_124)
        broker.produce(topic, 0, [b"\xff\x00 not JSON"], timestamp=1_767_225_600_125)
        broker.produce(topic, 0, [b""], key=b"", timestamp=1_767_225_600_126)
        source = opened(broker, topic)
        table = source.read(source.cut({}, Limit()))
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        assert table.to_pylist() == [
            {
                "_raw": raw,
                "_partition": "0",
                "_offset": offset,
                "_key": key,
                "_time": moment + timedelta(milliseconds=123 + offset),
            }
            for offset, (raw, key) in enumerate(
                [(b'{"n": 1}', b"a"), (None, b"a"), (b"\xff\x00 not JSON", None), (b"", b"")]
            )
        ]

    def test_a_record_above_the_byte_limit_comes_alone(
        self, broker: Broker, opened: Opener
    ) -> None:
        topic = broker.topic(1)
        large = b"x" * 900_000
        broker.produce(topic, 0, [b"before", large, large, b"after"])
        source = opened(broker, topic)
        sizes = [table.num_rows for _, table in drain(source, {}, Limit(nbytes=10_000))]
        assert sizes == [1, 1, 1, 1]
        assert all_values(source, {}, nbytes=10_000) == [b"before", large, large, b"after"]

    def test_the_byte_limit_holds_when_records_suddenly_grow(
        self, broker: Broker, opened: Opener
    ) -> None:
        topic = broker.topic(2)
        for partition in (0, 1):
            broker.produce_many(topic, partition, [b"s" * 10] * 2_000 + [b"l" * 20_000] * 40)
        source = opened(broker, topic)
        tables = [table for _, table in drain(source, {}, Limit(rows=3_000, nbytes=100_000))]
        assert sum(table.num_rows for table in tables) == 2 * 2_040
        assert max(sum(map(len, values(table))) for table in tables) <= 100_000  # type: ignore[arg-type]

    def test_a_partition_with_little_is_not_kept_waiting_by_one_with_much(
        self, broker: Broker, opened: Opener
    ) -> None:
        topic = broker.topic(2)
        broker.produce_many(topic, 0, [b"%d" % n for n in range(30_000)])
        broker.produce(topic, 1, TEN)
        source = opened(broker, topic)
        first = source.cut({}, Limit(rows=1_000))
        assert [(s.partition, s.start, s.stop) for s in first] == [("0", 0, 990), ("1", 0, 10)]

    def test_sequential_spans_come_without_assigning_anew(
        self, broker: Broker, opened: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        topic = broker.topic(2)
        for partition in (0, 1):
            broker.produce_many(topic, partition, [b"%d" % n for n in range(5_000)])
        assigned: list[int] = []
        assign = Reader._assign
        monkeypatch.setattr(Reader, "_assign", lambda self: assigned.append(1) or assign(self))
        source = opened(broker, topic)
        assert len(all_values(source, {}, rows=700)) == 10_000
        assert assigned == [1]

    def test_a_topic_at_rest_is_not_asked_and_its_news_comes_all_the_same(
        self, broker: Broker, opened: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        topic = broker.topic(2)
        broker.produce(topic, 0, TEN)
        source = opened(broker, topic)
        position: Position = {"0": 10, "1": 0}
        rest(source, position, monkeypatch)
        asked: list[int] = []
        lookup = Reader._lookup
        monkeypatch.setattr(
            Reader, "_lookup", lambda self, *what: asked.append(what[1]) or lookup(self, *what)
        )
        for _ in range(5):
            assert not source.cut(position, Limit())
            assert source.ends().latest == {"0": 10, "1": 0}
        assert asked == []
        broker.produce(topic, 1, [b"new"])
        until(lambda: bool(source.cut(position, Limit())))
        assert all_values(source, position) == [b"new"]

    def test_a_broker_that_stops_while_its_topic_rests_is_an_error(
        self, own_broker: Broker, opened: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        topic = own_broker.topic(1)
        own_broker.produce(topic, 0, TEN)
        source = opened(own_broker, topic)
        rest(source, {"0": 10}, monkeypatch)
        own_broker.stop()

        def refused() -> bool:
            try:
                source.cut({"0": 10}, Limit())
            except SourceError as error:
                return "Connection refused" in str(error)
            return False

        until(refused)

    def test_only_the_chosen_partitions_are_read(self, broker: Broker, opened: Opener) -> None:
        topic = broker.topic(3)
        for partition in range(3):
            broker.produce(topic, partition, [b"%d" % partition])
        source = opened(broker, topic, partitions=(0, 2))
        assert sorted(all_values(source, {})) == [b"0", b"2"]  # type: ignore[type-var]
        assert source.ends().latest == {"0": 1, "2": 1}
        assert source.seek(10) == {"0": 0, "2": 0}

    # ---------------------------------------------------------------- leaving no trace

    def test_groups_and_committed_offsets_are_as_before(
        self, broker: Broker, opened: Opener
    ) -> None:
        topic = broker.topic(2)
        broker.produce(topic, 0, TEN)
        place = TopicPartition(topic, 0, 4)
        other = Consumer(
            {"bootstrap.servers": broker.servers, "group.id": topic, "enable.auto.commit": False}
        )
        other.commit(offsets=[place], asynchronous=False)
        groups = broker.groups()
        source = opened(broker, topic)
        assert len(all_values(source, {})) == 10
        assert len(values(source.read(source.cut(source.seek(3), Limit(rows=3))))) == 3
        assert [p.offset for p in other.committed([TopicPartition(topic, 0)], 10)] == [4]
        assert broker.groups() == groups
        other.close()

    def test_several_threads_may_use_a_source(self, broker: Broker, opened: Opener) -> None:
        topic = broker.topic(2)
        written = {str(p): [b"%d-%d" % (p, n) for n in range(400)] for p in (0, 1)}
        for partition, records in written.items():
            broker.produce_many(topic, int(partition), records)
        source = opened(broker, topic, options={"fetch.wait.max.ms": 20})

        def read(start: int) -> tuple[list[bytes | None], list[bytes]]:
            partition = str(start % 2)
            span = Span((Slice(partition, start, start + 50),))
            source.ends()
            return values(source.read(span)), written[partition][start : start + 50]

        with ThreadPoolExecutor(4) as pool:
            for found, wanted in pool.map(read, range(0, 340, 17)):
                assert found == wanted

    def test_closing_interrupts_a_thread_that_waits_for_records(
        self, broker: Broker, opened: Opener
    ) -> None:
        topic = broker.topic(1)
        broker.produce(topic, 0, TEN)
        source = opened(broker, topic)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(source.read, Span((Slice("0", 0, 1_000_000),)))
            while not source._lock.locked():
                time.sleep(0.001)
            source.close()
            with pytest.raises(Interrupted):
                waiting.result(2)
        with pytest.raises(Interrupted):
            source.ends()

    # ---------------------------------------------------------------- what may go wrong

    def test_a_missing_topic_is_an_error_until_it_is_there(
        self, broker: Broker, opened: Opener
    ) -> None:
        topic = f"late-{broker.topic(1)}"
        source = opened(broker, topic)
        with pytest.raises(SourceError, match=rf"'{topic}'.*create the topic") as caught:
            source.ends()
        assert caught.value.retryable is True
        assert topic not in broker.admin.list_topics(timeout=5).topics
        broker.create(topic, 1)
        broker.produce(topic, 0, TEN)
        assert all_values(source, {}) == TEN

    @pytest.mark.parametrize(
        ("servers", "reason"),
        [
            ("127.0.0.1:{port}", "Connection refused"),
            ("no-such-host.invalid:9092", "the host name is not known"),
        ],
    )
    def test_a_broker_that_is_not_there_is_an_error_soon_and_in_silence(
        self, servers: str, reason: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        where = servers.format(port=free_port())
        source = KafkaSource(KafkaSettings(servers=where, topic="t"), CONTEXT)
        began = time.monotonic()
        with pytest.raises(SourceError, match=reason) as caught:
            source.ends()
        assert time.monotonic() - began < 10
        assert caught.value.retryable is True
        assert where in str(caught.value)
        assert "check" in str(caught.value)
        source.close()
        assert capfd.readouterr() == ("", "")

    def test_a_log_in_that_the_broker_refuses_is_an_error_and_final(
        self, broker: Broker, opened: Opener, capfd: pytest.CaptureFixture[str]
    ) -> None:
        login = {"protocol": "SASL_PLAINTEXT", "mechanism": "PLAIN", "username": "ana"}
        source = opened(broker, "t", security={**login, "password": "wrong-word"})
        with pytest.raises(SourceError, match=r"refused the log-in.*check `security`") as caught:
            source.ends()
        assert caught.value.retryable is False
        assert "wrong-word" not in str(caught.value) + repr(source)
        source.close()
        assert capfd.readouterr() == ("", "")

    def test_tls_with_a_broker_that_has_none_is_an_error_soon(
        self, broker: Broker, opened: Opener
    ) -> None:
        source = opened(broker, "t", security={"protocol": "SSL"})
        began = time.monotonic()
        with pytest.raises(SourceError, match=broker.servers):
            source.ends()
        assert time.monotonic() - began < 10

    @pytest.mark.parametrize(
        "options", [{"no.such.option": 1}, {"fetch.wait.max.ms": "soon"}], ids=["name", "value"]
    )
    def test_an_option_that_the_client_does_not_know_is_an_error_and_final(
        self, broker: Broker, opened: Opener, options: dict[str, Any]
    ) -> None:
        with pytest.raises(SourceError, match=next(iter(options))) as caught:
            opened(broker, "t", options=options)
        assert caught.value.retryable is False

    def test_a_span_that_cannot_be_read_again_is_an_error_not_a_shorter_table(
        self, broker: Broker, opened: Opener
    ) -> None:
        topic = broker.topic(1)
        broker.produce(topic, 0, TEN)
        source = opened(broker, topic)
        with pytest.raises(SourceError, match=r"partition 0.*ends at offset 10") as caught:
            source.read(Span((Slice("0", 5, 20),)))
        assert caught.value.retryable is False

    def test_a_position_in_a_partition_that_does_not_exist_is_an_error_and_final(
        self, broker: Broker, opened: Opener
    ) -> None:
        source = opened(broker, broker.topic(1))
        with pytest.raises(SourceError, match=r"partition 7 .* does not exist") as caught:
            source.cut({"0": 0, "7": 3}, Limit())
        assert caught.value.retryable is False

    def test_a_broker_that_hangs_is_an_error_and_reading_goes_on_when_it_is_back(
        self, own_broker: Broker, opened: Opener
    ) -> None:
        topic = own_broker.topic(1)
        own_broker.produce(topic, 0, TEN)
        source = opened(own_broker, topic)
        first = source.cut({}, Limit(rows=4))
        assert values(source.read(first)) == TEN[:4]
        own_broker.freeze()
        fresh = opened(own_broker, topic)
        began = time.monotonic()
        with pytest.raises(SourceError, match=own_broker.servers) as caught:
            fresh.cut({}, Limit())
        assert caught.value.retryable is True
        assert time.monotonic() - began < 10
        own_broker.thaw()
        assert all_values(fresh, {}) == TEN
        assert all_values(source, advance({}, first)) == TEN[4:]

    def test_reading_goes_on_when_a_stopped_broker_is_back(
        self, own_broker: Broker, opened: Opener
    ) -> None:
        topic = own_broker.topic(1)
        own_broker.produce(topic, 0, TEN)
        source = opened(own_broker, topic)
        position: Position = {}
        for span, _ in drain(source, {}):
            position = advance(position, span)
        own_broker.stop()
        time.sleep(1.1)  # what the broker told is good for a second
        with pytest.raises(SourceError, match="Connection refused") as caught:
            source.cut(position, Limit())
        assert caught.value.retryable is True
        own_broker.start()
        own_broker.produce(topic, 0, [b"new"])
        patience = time.monotonic() + 20
        found: list[bytes | None] = []
        while not found and time.monotonic() < patience:
            with suppress(SourceError):
                found = all_values(source, position)
        assert found == [b"new"]
