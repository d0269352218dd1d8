"""The one place that touches a Kafka consumer: asking for offsets, fetching records."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import numpy as np
import pyarrow as pa
from confluent_kafka import OFFSET_END, Consumer, KafkaException, Message, TopicPartition

from streamops_nb.kafka_client import PATIENCE, Connection, Endpoint
from streamops_nb.model.errors import Interrupted, SourceError
from streamops_nb.sources.kafka_backlog import Backlog, fetched_rows

__all__ = ["Reader"]

T = TypeVar("T")

_OFFSETS_AGE = 1.0  # seconds for which answered offsets are good
_RESTING_AGE = 5.0  # the same at the end of a topic in which nothing has come for as long
_DOUBT = 2.0  # seconds after which an offset past the end is taken for lost
_METADATA_AGE = 4.0  # seconds after which a new partition is noticed
_CHUNK = 25_000  # records: a table in chunks of this size is decoded on all cores
_FIRST = 500  # records to fetch at once while their size is not known, or only few are wanted
_NEVER = float("-inf")
_LATEST, _EARLIEST = -1, -2  # what the protocol calls these "times"

_DEFAULTS = {
    # about what one span may hold, fetched ahead while the batch before is being worked on
    "queued.max.messages.kbytes": 32 * 1024,
    # nobody joins a group, so nobody can be thrown out of it for not polling
    "max.poll.interval.ms": 86_400_000,
}


class Reader:
    """A consumer that is told offsets, keeps what it fetched, and commits nothing.

    It joins no group: partitions are assigned with explicit offsets under a throw-away group name,
    and nothing is ever committed. Calls must not overlap.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.topic = endpoint.topic
        self.backlogs: dict[int, Backlog] = {}
        self.closing = False
        self._record_size = 0.0
        self._offsets: tuple[float, dict[int, int], dict[int, int]] = (_NEVER, {}, {})
        self._partitions: tuple[float, list[int]] = (_NEVER, [])
        self._news = time.monotonic()
        defaults = {"group.id": f"streamops-{uuid.uuid4().hex}", **_DEFAULTS}
        self._connection = Connection[SourceError](endpoint, SourceError, defaults)
        # two clients: a broker answers the requests of one connection in their order, so that a
        # question would wait until the fetch before it finds records or gives up (measured: 0.2 s)
        self._consumer = self._client()
        self._asker = self._client()

    def _client(self) -> Consumer:
        config = self._connection.config | {
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "allow.auto.create.topics": False,
        }
        try:
            return Consumer(config)
        except KafkaException as error:
            raise self._connection.invalid(error) from error

    def close(self) -> None:
        """Close the clients."""
        self._consumer.close()
        self._asker.close()

    # ------------------------------------------------------------------ questions

    def partitions(self) -> list[int]:
        """Say which partitions the topic has; a new one is noticed after a few seconds."""
        asked, numbers = self._partitions
        if time.monotonic() - asked < _METADATA_AGE:
            return numbers
        described = self._ask(
            "read the partitions", lambda wait: self._asker.list_topics(self.topic, wait)
        ).topics[self.topic]
        if described.error is not None:
            raise self._connection.failure(described.error, "read the partitions")
        self._partitions = (time.monotonic(), sorted(described.partitions))
        return self._partitions[1]

    @property
    def at_end(self) -> bool:
        """Whether all that is read was read up to where the broker last said that it ends."""
        return bool(self.backlogs) and all(log.at_end for log in self.backlogs.values())

    def ages(self) -> tuple[float, ...]:
        """How old the latest offsets may be, in seconds: first, and before saying that it is all.

        At rest the fetch that waits at the broker tells news, and the broker is asked seldom, for
        new partitions and whether it still answers: asking each second took 0.03 % of a core.
        """
        resting = (
            time.monotonic() - self._news > _RESTING_AGE
            and self._connection.content
            and self.at_end
        )
        return (_RESTING_AGE,) if resting else (_OFFSETS_AGE, 0.0)

    def offsets(self, max_age: float | None = None) -> tuple[dict[int, int], dict[int, int]]:
        """Give the earliest and the latest offsets, as the broker told them not long ago."""
        asked, earliest, latest = self._offsets
        began = time.monotonic()
        if began - asked > (self.ages()[0] if max_age is None else max_age):
            numbers = self.partitions()
            earliest = self._lookup(numbers, _EARLIEST)
            latest = self._lookup(numbers, _LATEST)
            self._offsets = (began, earliest, latest)
        return earliest, latest

    def offsets_now(self) -> tuple[dict[int, int], dict[int, int]]:
        """Give the earliest and the latest offsets, all asked anew, partitions included."""
        self._partitions, self._offsets = (_NEVER, []), (_NEVER, {}, {})
        return self.offsets()

    def at_time(self, milliseconds: int) -> dict[int, int]:
        """Find the first offsets whose broker timestamp is at or after a time; else the end."""
        _, latest = self.offsets_now()
        found = self._lookup(self.partitions(), milliseconds)
        return {p: latest[p] if at == OFFSET_END else at for p, at in found.items()}

    def fetched_end(self, partition: int) -> int:
        """Say where the partition ended when the broker last answered a fetch; -1 if it did not."""
        if partition not in self.backlogs:
            return -1
        where = TopicPartition(self.topic, partition)
        _, high = self._consumer.get_watermark_offsets(where, cached=True)
        return max(high, -1)

    def _lookup(self, numbers: Iterable[int], when: int) -> dict[int, int]:
        wanted = [TopicPartition(self.topic, p, when) for p in numbers]
        answer = self._ask(
            "look up offsets", lambda wait: self._asker.offsets_for_times(wanted, wait)
        )
        for found in answer:
            if found.error is not None:
                raise self._connection.failure(
                    found.error, f"look up offsets of partition {found.partition}"
                )
        return {found.partition: found.offset for found in answer}

    def _ask(self, doing: str, question: Callable[[float], T]) -> T:
        return self._connection.ask(doing, question, lambda: self._asker.poll(0))

    # ------------------------------------------------------------------ records

    def aim(self, starts: Mapping[int, int]) -> None:
        """Make the backlogs of these partitions begin at these offsets.

        Only a jump assigns anew: going on where the last span stopped keeps what was fetched.
        """
        jumped = False
        for partition, start in starts.items():
            backlog = self.backlogs.get(partition)
            if backlog is not None and backlog.start <= start <= backlog.end:
                backlog.skip(start)
            else:
                self.backlogs[partition] = Backlog(start)
                jumped = True
        if jumped:
            self._assign()

    def drop(self, partitions: Iterable[int]) -> None:
        """Stop reading partitions and forget what was fetched of them."""
        gone = [p for p in partitions if self.backlogs.pop(p, None) is not None]
        if gone:
            self._assign()

    def _assign(self) -> None:
        self._news = time.monotonic()
        try:
            # offsets are given to assign: a seek right after it fails
            self._consumer.assign(
                [TopicPartition(self.topic, p, log.end) for p, log in self.backlogs.items()]
            )
        except KafkaException as error:
            raise self._connection.failure(error, "read") from error

    def fill(self, missing: Callable[[], int], room: Callable[[], int]) -> None:
        """Fetch until nothing is missing, no room is left, or nothing more of it comes.

        Parameters
        ----------
        missing
            Says how many records are still wanted.
        room
            Says how many bytes may still be fetched.
        """
        fewest = count = missing()
        patience = time.monotonic() + PATIENCE
        while count > 0 and (space := room()) > 0 and time.monotonic() < patience:
            if self.closing:
                raise Interrupted("the source was closed while it was reading")
            fitting = int(space / self._record_size) + 1 if self._record_size else _FIRST
            # few are wanted: take more if they are here already, else wait for these few
            if count >= _FIRST or not self.pump(min(_FIRST, fitting), 0.0):
                self.pump(min(count, fitting, _CHUNK), 0.05)
            count = missing()
            if count < fewest:
                fewest = count
                patience = time.monotonic() + PATIENCE

    def doubtful(self, partition: int, told: int) -> bool:
        """Whether a partition was read further than the broker says that it reaches.

        True until a fetch has told its end, and for a moment after another broker took over. If
        it stays so, the topic was made again or records were lost: then this raises.
        """
        backlog = self.backlogs[partition]
        if max(told, self.fetched_end(partition)) >= backlog.end:
            backlog.doubted = None
            return False
        now = time.monotonic()
        if backlog.doubted is None:
            backlog.doubted = now
        elif now - backlog.doubted >= _DOUBT:
            self.check(partition, backlog.end, *self.offsets_now())
        return True

    def unanswered(self) -> SourceError:
        """Make the error that says that records do not come although they are there."""
        return self._connection.failure(None, "read")

    def pump(self, count: int, wait: float) -> int:
        """Take up to `count` records from the consumer into the backlogs; return how many came.

        This is the only call of ``consume``: it also serves callbacks and end-of-partition news.
        """
        messages = self._consumer.consume(count, wait)
        if not messages:
            return 0
        events: list[tuple[str, Message]] = []
        if any(map(Message.error, messages)):
            events = [(error.name(), m) for m in messages if (error := m.error()) is not None]
            messages = [m for m in messages if m.error() is None]
        if messages:
            self._keep(messages)
        # the ends first: an error that is raised must not lose them
        for name, event in sorted(events, key=lambda pair: pair[0] != "_PARTITION_EOF"):
            self._hear(name, event)
        return len(messages)

    def _keep(self, messages: list[Message]) -> None:
        self._connection.works()
        self._news = time.monotonic()
        count = len(messages)
        partitions = np.fromiter(map(Message.partition, messages), np.int32, count)
        offsets = np.fromiter(map(Message.offset, messages), np.int64, count)
        rows = fetched_rows(messages, offsets)
        self._record_size = max(rows["_raw"].nbytes / count, 1.0)
        for partition in np.unique(partitions).tolist():
            backlog = self.backlogs.get(partition)
            if backlog is None:
                continue
            chosen = np.flatnonzero(partitions == partition)
            if len(chosen) == count:
                backlog.add(offsets, rows)
            else:
                backlog.add(offsets[chosen], rows.take(pa.array(chosen)))

    def _hear(self, name: str, event: Message) -> None:
        partition, offset = event.partition(), event.offset()
        number = -1 if partition is None else partition
        backlog = self.backlogs.get(number)
        if name == "_PARTITION_EOF":
            if backlog is not None and offset is not None:
                backlog.reach(offset)
        elif name in ("_AUTO_OFFSET_RESET", "OFFSET_OUT_OF_RANGE"):
            self._out_of_range(number)
        elif name != "GROUP_AUTHORIZATION_FAILED":  # no group is used
            self.drop([number])
            doing = "read" if number < 0 else f"read partition {number}"
            raise self._connection.failure(event.error(), doing)

    def _out_of_range(self, partition: int) -> None:
        backlog = self.backlogs.get(partition)
        if backlog is None:
            return
        self.drop([partition])
        earliest, latest = self.offsets_now()
        self.check(partition, backlog.end, earliest, latest)
        raise SourceError(
            f"the broker refused offset {backlog.end} of partition {partition} of Kafka topic "
            f"{self.topic!r}, although it says that it has {earliest[partition]} to "
            f"{latest[partition]} - it will be tried again"
        )

    def check(
        self, partition: int, wanted: int, earliest: Mapping[int, int], latest: Mapping[int, int]
    ) -> None:
        """Raise if an offset is no longer retained, or was never written."""
        where = f"partition {partition} of Kafka topic {self.topic!r}"
        if partition not in latest:
            raise SourceError(
                f"{where} does not exist, but the position names it: the topic was deleted and "
                "made again - reset the position",
                retryable=False,
            )
        low, high = earliest[partition], latest[partition]
        if wanted < low:
            raise SourceError(
                f"{low - wanted} offsets of {where} are lost: the next record to read was "
                f"{wanted}, but the broker retains only {low} and later - reset the position (to "
                "earliest, to go on with what is left) and let the topic retain more",
                retryable=False,
            )
        if wanted > high:
            raise SourceError(
                f"{where} ends at offset {high}, but the next record to read was {wanted}: the "
                "topic was deleted and made again, or the broker lost records - reset the position",
                retryable=False,
            )
