"""The source ``kafka``: the records of a topic."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from datetime import datetime
from math import ceil
from zlib import crc32

import pyarrow as pa
from pydantic import Field

from streamops_nb.kafka_client import Endpoint
from streamops_nb.model.batch import Ends, Position, Slice, Span
from streamops_nb.model.errors import Interrupted
from streamops_nb.sources.base import Context, Limit, Settings, Traits
from streamops_nb.sources.kafka_backlog import FETCHED, share
from streamops_nb.sources.kafka_reader import Reader

__all__ = ["KafkaSettings", "KafkaSource"]

_SCHEMA = FETCHED.insert(1, pa.field("_partition", pa.string()))
_SPARE_ROWS, _SPARE_BYTES = 100_000, 4 << 20  # above a response of the broker: 1 MB a partition
_LONGEST = 3.0  # seconds: a slow broker gives smaller spans, not rarer ones
_ENOUGH = 1 << 40  # bytes: a span that was cut keeps its limit already


class KafkaSettings(Endpoint, Settings):
    """What may stand below ``source:`` for Kafka.

    Parameters
    ----------
    partitions
        The partitions to read; all, also ones added later, if left out.
    """

    partitions: tuple[int, ...] | None = Field(default=None, min_length=1)


class KafkaSource:
    """Reads a Kafka topic by offset, leaving no trace: no group, no commit.

    A position holds the offset of the next record per partition, named by its number. A raw
    table has, besides what the port asks for, ``_key`` (binary) and ``_time`` (the record's
    timestamp); a record without a value (a tombstone) is a row whose ``_raw`` is NULL. Only
    committed records of transactions are read, unless ``options`` says otherwise.

    Calls from several threads wait for each other: the consumer is used by one at a time.
    """

    traits = Traits(decoded=False, apart=True)
    Settings = KafkaSettings

    def __init__(self, settings: KafkaSettings, context: Context) -> None:
        del context  # nothing of it is needed
        self._only = settings.partitions
        self._reader = Reader(settings)
        self._lock = threading.Lock()
        self._closed = False

    # ------------------------------------------------------------------ where

    def ends(self) -> Ends:
        """Say how far the topic reaches; the broker is asked once a second, if at all."""
        with self._lock:
            self._stay_open()
            return self._combined(self._reader.offsets())

    def seek(self, to: datetime | int) -> Position:
        """Find a position by the records' timestamps, or that of the latest n offsets.

        Offsets that compaction emptied count as records here.
        """
        with self._lock:
            self._stay_open()
            if isinstance(to, datetime):
                found = self._reader.at_time(ceil(to.timestamp() * 1000))
                return {str(p): found[p] for p in self._chosen(found)}
            ends = self._combined(self._reader.offsets_now())
            lengths = [ends.latest[p] - ends.earliest[p] for p in ends.latest]
            backs = share(lengths, to)
            return {p: ends.latest[p] - back for p, back in zip(ends.latest, backs, strict=True)}

    def _combined(self, told: tuple[dict[int, int], dict[int, int]]) -> Ends:
        earliest, latest = told
        chosen = self._chosen(latest)
        return Ends(
            earliest={str(p): earliest[p] for p in chosen},
            latest={str(p): self._known_end(p, latest[p]) for p in chosen},
        )

    def _chosen(self, there: Iterable[int]) -> list[int]:
        return [p for p in there if self._only is None or p in self._only]

    def _known_end(self, partition: int, told: int) -> int:
        """Combine what the broker told with what fetching has found since."""
        backlog = self._reader.backlogs.get(partition)
        if backlog is None:
            return told
        if backlog.at_end:  # says more than the last fetch: open transactions do not count
            return max(told, backlog.end)
        return max(told, backlog.end, self._reader.fetched_end(partition))

    # ------------------------------------------------------------------ what

    def cut(self, position: Position, limit: Limit) -> Span:
        """Choose the next span among records that were fetched for it.

        Fetching first keeps the byte limit whatever the records' sizes are; `read` then finds
        them in memory.
        """
        with self._lock:
            self._stay_open()
            starts = self._starts(position)
            self._reader.aim(starts)
            order = sorted(starts)
            # who comes first follows from the position, so that the same position cuts the same
            turn = crc32(repr(sorted(starts.items())).encode()) % max(len(order), 1)
            return self._next(order[turn:] + order[:turn], limit)

    def _starts(self, position: Position) -> dict[int, int]:
        earliest, latest = self._reader.offsets()
        known = {int(p): offset for p, offset in position.items()}
        lost = [p for p in self._chosen(known) if p not in latest or known[p] < earliest[p]]
        if lost:
            earliest, latest = self._reader.offsets_now()
        for p in lost:
            self._reader.check(p, known[p], earliest, latest)
        return {p: known.get(p, earliest[p]) for p in self._chosen(latest)}

    def _next(self, order: list[int], limit: Limit) -> Span:
        self._reader.pump(1, 0.0)  # hear what has happened since
        began = time.monotonic()
        for before in self._reader.ages():
            # what was told a moment ago will mostly do; before saying that nothing is there, ask
            _, latest = self._reader.offsets(before + time.monotonic() - began)
            complete = self._fetch({p: latest.get(p, 0) for p in order}, limit)
            span = self._divide(order, limit)
            if span:
                return span
            if not complete:
                raise self._reader.unanswered()
        return span

    def _fetch(self, told: dict[int, int], limit: Limit) -> bool:
        """Fetch what a span of this limit may hold; False if some of it did not come."""
        logs = {p: self._reader.backlogs[p] for p in told}

        def due(p: int) -> int:
            """Count the offsets known to lie beyond what was fetched."""
            if self._reader.doubtful(p, told[p]):
                return 1
            return self._known_end(p, told[p]) - logs[p].end

        def missing() -> int:
            # when the bytes are used up, only a partition that has nothing yet may fetch more
            full = sum(log.nbytes for log in logs.values()) >= limit.nbytes
            wanted = share([log.rows + due(p) for p, log in logs.items()], limit.rows)
            return sum(
                max(want - log.rows, 0)
                for want, log in zip(wanted, logs.values(), strict=True)
                if not (full and log.rows)
            )

        until = time.monotonic() + _LONGEST

        def room() -> int:
            rows = sum(log.rows for log in logs.values())
            # a partition that lags behind may let the others pile up, but not for ever
            if rows > 2 * limit.rows + _SPARE_ROWS or (rows and time.monotonic() > until):
                return 0
            return 2 * limit.nbytes + _SPARE_BYTES - sum(log.nbytes for log in logs.values())

        self._reader.fill(missing, room)
        return missing() == 0

    def _divide(self, order: list[int], limit: Limit) -> Span:
        """Cut the backlogs: every partition gets its share, and the first one at least a record."""
        logs = [self._reader.backlogs[p] for p in order]
        rows = share([log.rows for log in logs], limit.rows)
        found = [log.stop(count, log.nbytes) for log, count in zip(logs, rows, strict=True)]
        if sum(nbytes for _, nbytes in found) > limit.nbytes:
            budgets = share([nbytes for _, nbytes in found], limit.nbytes)
            found = [
                log.stop(count, budget)
                for log, count, budget in zip(logs, rows, budgets, strict=True)
            ]
            first = next(i for i, count in enumerate(rows) if count)
            if found[first][0] == logs[first].start:
                found[first] = logs[first].stop(1, logs[first].nbytes)
        slices = [
            Slice(str(p), log.start, stop)
            for p, log, (stop, _) in sorted(zip(order, logs, found, strict=True))
            if stop > log.start
        ]
        return Span(tuple(slices))

    def read(self, span: Span) -> pa.Table:
        """Give the records of `span`, from memory if `cut` has just chosen it."""
        with self._lock:
            self._stay_open()
            self._reader.aim({int(s.partition): s.start for s in span})
            logs = {s: self._reader.backlogs[int(s.partition)] for s in span}

            def missing() -> int:
                return sum(max(s.stop - log.end, 0) for s, log in logs.items())

            self._reader.fill(missing, lambda: _ENOUGH)
            if missing():
                earliest, latest = self._reader.offsets_now()
                for s in span:
                    for edge in (s.start, s.stop):
                        self._reader.check(int(s.partition), edge, earliest, latest)
                raise self._reader.unanswered()
            pieces = [
                _with_partition(s.partition, rows)
                for s, log in logs.items()
                for rows in log.between(s.start, s.stop)
            ]
            return pa.Table.from_batches(pieces, _SCHEMA)

    def close(self) -> None:
        """Close the consumer; a call that is fetching at the moment is interrupted."""
        self._reader.closing = True
        with self._lock:
            if not self._closed:
                self._closed = True
                self._reader.close()

    def _stay_open(self) -> None:
        if self._reader.closing:
            raise Interrupted("the source is closed")


def _with_partition(name: str, rows: pa.RecordBatch) -> pa.RecordBatch:
    raw, offset, key, moment = rows.columns
    return pa.record_batch([raw, pa.repeat(name, len(rows)), offset, key, moment], schema=_SCHEMA)
