"""Event time: watermarks over partitions, idleness, lateness, guards, start points."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamops_nb.engine.runner import Runner
from streamops_nb.engine.watermark import FOREVER, NEVER
from streamops_nb.model.events import BatchCommitted
from streamops_nb.model.spec import JobSpec
from streamops_nb.testing import FakeClock
from tests.flow.growing import GrowingSource
from tests.flow.running import Batch, Bench, Input, Outcome, alike, arrow_schema, job

FIELDS = {"ts": "TIMESTAMPTZ", "id": "BIGINT", "device": "VARCHAR"}
BASE = datetime(2024, 1, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TUMBLE = "tumble(readings, ts, INTERVAL 10 SECONDS)"
COUNTS = f"SELECT window_start, window_end, count(*) AS n FROM {TUMBLE} GROUP BY ALL"
LISTS = f"SELECT window_start, window_end, list(id ORDER BY id) AS ids FROM {TUMBLE} GROUP BY ALL"
HOP = "hop(readings, ts, INTERVAL 5 SECONDS, INTERVAL 15 SECONDS)"
HOPS = f"SELECT window_start, window_end, list(id ORDER BY id) AS ids FROM {HOP} GROUP BY ALL"
HOP_COUNTS = f"SELECT window_start, window_end, count(*) AS n FROM {HOP} GROUP BY ALL"
SESSIONS = (
    "SELECT window_start, window_end, device, list(id ORDER BY id) AS ids "
    "FROM session(readings, ts, device, INTERVAL 4 SECONDS) GROUP BY ALL"
)


def _at(seconds: float) -> datetime:
    return BASE + timedelta(seconds=seconds)


def _us(seconds: float) -> int:
    return (_at(seconds) - EPOCH) // timedelta(microseconds=1)


class Live:
    """A job over a source that grows, on a clock that a test moves."""

    def __init__(
        self,
        bench: Bench,
        query: str,
        *,
        partitions: Sequence[str] = ("0",),
        rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        settings: Mapping[str, Any] | None = None,
        **parts: Any,
    ) -> None:
        self.clock = FakeClock(_at(0).timestamp())
        self.source = GrowingSource(arrow_schema(FIELDS), partitions)
        for name, given_rows in (rows or {}).items():
            self.source.append(name, *given_rows)
        self._ids = 0
        self._bench = bench
        stream = Input(fields=FIELDS, rows={}, settings={"event_time": "ts", **(settings or {})})
        self.spec: JobSpec = job(query, {"readings": stream}, **parts)
        self.database = bench.attach()
        self.runner = self._runner()

    def _runner(self) -> Runner:
        sources = {"readings": self.source}
        return self._bench.runner(self.spec, sources, self.database, now=self.clock.now)

    def restart(self) -> None:
        self.runner.close()
        self.runner = self._runner()

    def stop(self) -> None:
        """As the stop of a job does: window state is dropped, the stop point is remembered."""
        self.runner.file.clear()
        self.restart()

    def arrive(self, *seconds: float | None, partition: str = "0", device: str = "a") -> None:
        """Append rows of these event times."""
        for second in seconds:
            self._ids += 1
            stamp = None if second is None else _at(second)
            self.source.append(partition, {"ts": stamp, "id": self._ids, "device": device})

    def settle(self) -> list[tuple[Any, ...]]:
        """Step until there is nothing to do; give all output so far, times in seconds."""
        while self.runner.step() == 0.0:
            pass
        return self.rows()

    def finish(self) -> list[tuple[Any, ...]]:
        self.source.finish()
        while self.runner.step() is not None:
            pass
        return self.rows()

    def rows(self) -> list[tuple[Any, ...]]:
        return sorted(
            tuple((v - BASE).total_seconds() if isinstance(v, datetime) else v for v in row)
            for row in self.outcome().rows
        )

    def outcome(self) -> Outcome:
        return self._bench.outcome(self.runner, self.database)

    def watermarks(self) -> list[int]:
        return [fact.watermarks["readings"] for fact in self.outcome().batches]


# partitions


def test_a_window_is_emitted_when_the_watermark_passes_its_end(bench: Bench) -> None:
    live = Live(bench, COUNTS)
    live.arrive(1, 2, 9.999999)
    assert live.settle() == []
    live.arrive(10)
    assert live.settle() == [(0.0, 10.0, 3)]
    assert live.finish() == [(0.0, 10.0, 3), (10.0, 20.0, 1)]


def test_the_watermark_trails_by_the_delay(bench: Bench) -> None:
    live = Live(bench, COUNTS, settings={"watermark_delay": "5s"})
    live.arrive(1, 14.999999)
    assert live.settle() == []
    live.arrive(15)
    assert live.settle() == [(0.0, 10.0, 1)]


def test_a_partition_that_is_minutes_behind_loses_no_row(bench: Bench) -> None:
    live = Live(bench, COUNTS, partitions=["slow", "fast"])
    for minute in range(5):
        live.arrive(*range(minute * 60, minute * 60 + 60, 5), partition="fast")
        live.settle()
        live.arrive(*range(minute * 6, minute * 6 + 6), partition="slow")
        live.settle()
    live.arrive(*range(30, 300, 5), partition="slow")
    rows = live.finish()
    assert sum(n for *_, n in rows) == sum(map(len, live.source.rows.values())) == 144
    assert len({start for start, *_ in rows}) == len(rows) == 30
    assert live.outcome().total("late") == 0


def test_a_silent_partition_holds_all_windows_back_without_an_idle_timeout(bench: Bench) -> None:
    live = Live(bench, COUNTS, partitions=["0", "silent"], settings={"idle_timeout": None})
    live.arrive(1, 100, 1000)
    live.settle()
    live.clock.advance(86_400)
    assert live.settle() == []
    assert live.finish() == [(0.0, 10.0, 1), (100.0, 110.0, 1), (1000.0, 1010.0, 1)]


def test_a_silent_partition_is_given_up_after_the_idle_timeout(bench: Bench) -> None:
    live = Live(bench, COUNTS, partitions=["0", "silent"], settings={"idle_timeout": "30s"})
    live.arrive(1, 11)
    assert live.settle() == []
    live.clock.advance(30)
    live.arrive(12)
    assert live.settle() == []
    live.clock.advance(0.001)
    live.arrive(13)
    assert live.settle() == [(0.0, 10.0, 1)]


def test_windows_close_by_idleness_alone_when_no_row_comes(bench: Bench) -> None:
    live = Live(bench, COUNTS, partitions=["0", "1"], settings={"idle_timeout": "30s"})
    live.arrive(1, 2, partition="0")
    live.arrive(15, partition="1")
    assert live.settle() == []
    live.clock.advance(20)
    live.arrive(16, partition="1")
    live.settle()
    live.clock.advance(15)
    assert live.settle() == [(0.0, 10.0, 2)]


def test_all_partitions_idle_close_nothing(bench: Bench) -> None:
    live = Live(bench, COUNTS, partitions=["0", "1"], settings={"idle_timeout": "30s"})
    live.arrive(1, partition="0")
    live.arrive(15, partition="1")
    live.settle()
    live.clock.advance(86_400)
    assert live.settle() == []


def test_a_partition_with_a_backlog_is_not_idle(bench: Bench) -> None:
    live = Live(
        bench, COUNTS, partitions=["0", "1"], settings={"idle_timeout": "30s"}, trigger={"rows": 4}
    )
    # the limit goes to partition 0 first, so partition 1 is not read for long
    live.arrive(*range(20, 40), partition="0")
    live.arrive(*range(20), partition="1")
    while live.runner.step() == 0.0:
        live.clock.advance(31)
    assert live.outcome().total("late") == 0
    assert sum(n for *_, n in live.finish()) == 40


def test_a_partition_that_wakes_up_does_not_turn_the_watermark_back(bench: Bench) -> None:
    live = Live(bench, COUNTS, partitions=["0", "1"], settings={"idle_timeout": "30s"})
    live.arrive(1, partition="1")
    live.settle()
    live.clock.advance(31)
    live.arrive(5, 25, partition="0")
    live.settle()
    live.arrive(2, 3, 26, partition="1")  # 2 and 3 are late by now
    live.settle()
    assert live.finish() == [(0.0, 10.0, 2), (20.0, 30.0, 2)]
    assert live.outcome().total("late") == 2
    marks = live.watermarks()
    assert marks == sorted(marks)


def test_a_partition_that_appears_holds_the_watermark_from_then_on(bench: Bench) -> None:
    live = Live(bench, COUNTS, settings={"idle_timeout": None})
    live.arrive(1, 12)
    assert live.settle() == [(0.0, 10.0, 1)]
    live.arrive(14, partition="new")
    live.arrive(25, 35)
    assert live.settle() == [(0.0, 10.0, 1)]
    live.arrive(31, partition="new")
    assert live.settle() == [(0.0, 10.0, 1), (10.0, 20.0, 2), (20.0, 30.0, 1)]


def test_the_watermark_survives_a_restart(bench: Bench) -> None:
    live = Live(bench, COUNTS, partitions=["0", "1"])
    live.arrive(1, 30, partition="0")
    live.arrive(2, 20, partition="1")
    live.settle()
    live.restart()
    live.arrive(3, partition="1")
    live.settle()
    assert live.outcome().total("late") == 1
    assert live.rows() == [(0.0, 10.0, 2)]


def test_a_bounded_end_closes_all_windows_once(bench: Bench) -> None:
    live = Live(bench, COUNTS, settings={"watermark_delay": "1h"})
    live.arrive(*range(0, 100, 3))
    assert live.settle() == []
    rows = live.finish()
    assert (len(rows), sum(n for *_, n in rows)) == (10, 34)
    live.restart()
    assert live.runner.step() is None
    assert live.rows() == rows
    assert live.watermarks()[-1] == FOREVER


def test_a_stream_without_any_row_ends(bench: Bench) -> None:
    live = Live(bench, COUNTS)
    assert live.finish() == []
    assert live.watermarks() == [FOREVER]


PARTS = ("0", "1", "2")


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(PARTS),
            st.lists(st.integers(0, 120).map(lambda quarters: quarters / 4), max_size=6),
        ),
        max_size=8,
    ),
    st.sampled_from([(None, 0), (None, 7), ("30s", 0)]),
)
def test_the_watermark_never_goes_back_and_no_window_comes_twice(
    bench: Bench,
    arrivals: list[tuple[str, list[float]]],
    timing: tuple[str | None, int],
) -> None:
    """Whatever comes in whatever order, from partitions that fall idle and wake up."""
    idle, delay = timing
    live = Live(
        bench,
        COUNTS,
        partitions=PARTS,
        settings={"idle_timeout": idle, "watermark_delay": f"{delay}s"},
    )
    for partition, seconds in arrivals:
        live.arrive(*seconds, partition=partition)
        live.settle()
        live.clock.advance(20)
    rows = live.finish()
    assert len({start for start, *_ in rows}) == len(rows)
    marks = live.watermarks()
    assert marks == sorted(marks)
    late = live.outcome().total("late")
    assert sum(n for *_, n in rows) + late == sum(map(len, live.source.rows.values()))


# lateness


def _survivors(live: Live, ends: str) -> dict[int, list[float]]:
    """Per row, the ends of its windows that were open when it came, told from the facts.

    Parameters
    ----------
    ends
        A query that gives id and window_end of all rows and windows of the stream.
    """
    rows = {name: list(each) for name, each in live.source.rows.items()}
    batch = Batch()
    flat = Input(fields=FIELDS, rows=rows)
    open_ends: dict[int, list[int]] = {row["id"]: [] for row in flat.all_rows}
    for row_id, end in batch.rows(ends, {"readings": flat}):
        open_ends[row_id].append((end - EPOCH) // timedelta(microseconds=1))
    batch.close()
    frontier = NEVER
    for fact in live.outcome().batches:
        for piece in fact.spans.get("readings", ()):
            for row in rows[piece.partition][piece.start : piece.stop]:
                kept = [end for end in open_ends[row["id"]] if end > frontier]
                open_ends[row["id"]] = kept
        frontier = fact.frontiers["result"]
    return {row: [(end - _us(0)) / 1e6 for end in kept] for row, kept in open_ends.items()}


ARRIVALS = st.lists(
    st.lists(st.integers(0, 240).map(lambda quarters: quarters / 4), max_size=7), max_size=8
)


@settings(max_examples=25)
@given(ARRIVALS, st.sampled_from([0, 3]), st.sampled_from([2, 100]))
@pytest.mark.parametrize("query", [LISTS, HOPS, HOP_COUNTS])
def test_the_output_is_the_batch_result_but_for_late_rows_and_windows(
    bench: Bench, query: str, arrivals: list[list[float]], delay: int, rows: int
) -> None:
    live = Live(
        bench,
        query,
        settings={"watermark_delay": f"{delay}s"},
        errors={"late": "reject"},
        trigger={"rows": rows},
    )
    for seconds in arrivals:
        live.arrive(*seconds)
        live.settle()
    found = live.finish()
    window = HOP if "hop(" in query else TUMBLE
    kept = _survivors(live, f"SELECT id, window_end FROM {window}")
    size = 15.0 if "hop(" in query else 10.0
    windows: dict[float, list[int]] = {}
    for row, ends in kept.items():
        for end in ends:
            windows.setdefault(end, []).append(row)
    wanted = [
        (end - size, end, len(ids) if "count" in query else sorted(ids))
        for end, ids in windows.items()
    ]
    assert found == sorted(wanted)
    whole = dict.fromkeys(kept, 3 if size == 15.0 else 1)
    outcome = live.outcome()
    assert outcome.total("late") == sum(not ends for ends in kept.values())
    assert outcome.total("partly_late") == sum(0 < len(kept[row]) < whole[row] for row in kept)
    late = [json.loads(reject["raw"])["id"] for reject in outcome.rejects]
    assert sorted(late) == sorted(row for row, ends in kept.items() if not ends)


@settings(max_examples=25)
@given(ARRIVALS, st.sampled_from([0, 3]))
def test_sessions_are_those_of_the_rows_that_were_not_older_than_the_watermark(
    bench: Bench, batch: Batch, arrivals: list[list[float]], delay: int
) -> None:
    live = Live(bench, SESSIONS, settings={"watermark_delay": f"{delay}s"})
    for number, seconds in enumerate(arrivals):
        live.arrive(*seconds, device="ab"[number % 2])
        live.settle()
    live.finish()
    outcome = live.outcome()
    # a row is late if it is older than the frontier: take its own time for the end of its window
    instants = "SELECT id, ts + INTERVAL 1 MICROSECOND AS window_end FROM readings"
    on_time = {row for row, ends in _survivors(live, instants).items() if ends}
    rows = [row for row in live.source.rows["0"] if row["id"] in on_time]
    wanted = batch.rows(SESSIONS, {"readings": Input(fields=FIELDS, rows={"0": rows})})
    assert alike(outcome.rows, wanted) == []
    assert outcome.total("late") == len(live.source.rows["0"]) - len(rows)


def test_late_rows_are_counted_and_not_kept_unless_asked(bench: Bench) -> None:
    live = Live(bench, COUNTS)
    live.arrive(1, 30)
    live.settle()
    live.arrive(2, 31)
    live.settle()
    outcome = live.outcome()
    assert (outcome.total("late"), outcome.rejects) == (1, [])


def test_a_late_row_that_is_kept_says_where_it_came_from(bench: Bench) -> None:
    live = Live(bench, COUNTS, partitions=["p"], errors={"late": "reject"})
    live.arrive(1, 30, partition="p")
    live.settle()
    live.arrive(31, 2, partition="p")
    live.settle()
    (reject,) = live.outcome().rejects
    assert json.loads(reject["raw"])["id"] == 4
    told = {name: reject[name] for name in ("batch", "kind", "stream", "partition", "offset")}
    batch_number = live.outcome().batches[-1].n
    assert told == {
        "batch": batch_number,
        "kind": "late",
        "stream": "readings",
        "partition": "p",
        "offset": 3,
    }


def test_late_rows_do_not_count_against_the_error_policy(bench: Bench) -> None:
    live = Live(bench, COUNTS, errors={"late": "reject", "policy": "fail", "max_reject_share": 0.0})
    live.arrive(1, 30)
    live.settle()
    live.arrive(2, 3, 4)
    live.settle()
    assert live.outcome().total("late") == 3


def test_a_row_that_is_late_for_one_of_two_stages_is_counted_for_that_one(bench: Bench) -> None:
    live = Live(
        bench,
        f"WITH s AS (SELECT window_end AS e, count(*) AS n FROM {TUMBLE} GROUP BY ALL) "
        "SELECT window_start, sum(n) AS n FROM tumble(s, e, INTERVAL 1 MINUTE) GROUP BY ALL",
    )
    live.arrive(1, 30)
    live.settle()
    live.arrive(2, 31)  # its minute is open, its ten seconds are closed
    assert live.finish() == [(0.0, 3)]
    assert live.outcome().total("late") == 1


# guards


def test_event_times_of_no_use_are_rejects_and_close_nothing(bench: Bench) -> None:
    live = Live(bench, COUNTS, settings={"max_ahead": "1d"})
    live.arrive(1, None, 86_400 * 2, 86_400 * 365 * 5000, 2)
    assert live.settle() == []
    outcome = live.outcome()
    assert [(r["offset"], r["kind"], r["stage"]) for r in outcome.rejects] == [
        (1, "event time", "readings"),
        (2, "event time", "readings"),
        (3, "event time", "readings"),
    ]
    assert "NULL" in outcome.rejects[0]["reason"]
    assert "future" in outcome.rejects[1]["reason"]
    live.arrive(15)
    assert live.settle() == [(0.0, 10.0, 2)]


def test_the_guard_is_exact_to_the_microsecond(bench: Bench) -> None:
    live = Live(bench, "SELECT id FROM readings", settings={"max_ahead": "1d"})
    live.arrive(86_400, 86_400.000001, 86_399.999999)
    live.settle()
    outcome = live.outcome()
    assert (sorted(outcome.rows), [r["offset"] for r in outcome.rejects]) == ([(1,), (3,)], [1])


@pytest.mark.parametrize("infinite", ["infinity", "-infinity"])
def test_an_infinite_event_time_is_a_reject(bench: Bench, infinite: str) -> None:
    fields = {"ts": "TIMESTAMP", "id": "BIGINT"}
    session = bench.instance.session()
    rows = session.table(
        f"SELECT * FROM (VALUES ('{infinite}'::TIMESTAMP, 1::BIGINT), ('2024-01-01', 2)) t(ts, id)"
    )
    session.close()

    class Infinite(GrowingSource):
        def read(self, span: Any) -> Any:
            plain = super().read(span)
            return plain.set_column(0, "ts", rows["ts"].combine_chunks())

    source = Infinite(arrow_schema(fields))
    source.append("0", {"ts": None, "id": 1}, {"ts": None, "id": 2})
    source.finish()
    stream = Input(fields=fields, rows={}, settings={"event_time": "ts"})
    query = COUNTS.replace("readings", "r")
    database = bench.attach()
    runner = bench.runner(job(query, {"r": stream}), {"r": source}, database)
    while runner.step() is not None:
        pass
    outcome = bench.outcome(runner, database)
    assert [(r["kind"], r["offset"]) for r in outcome.rejects] == [("event time", 0)]
    assert "infinite" in outcome.rejects[0]["reason"]
    assert [n for *_, n in outcome.rows] == [1]


def test_one_row_from_the_far_future_closes_nothing_even_alone_in_its_partition(
    bench: Bench,
) -> None:
    live = Live(
        bench, COUNTS, partitions=["0", "1"], settings={"max_ahead": "1d", "idle_timeout": "10s"}
    )
    live.arrive(86_400 * 900, partition="1")
    live.arrive(1, partition="0")
    live.settle()
    live.clock.advance(11)
    live.arrive(2, partition="0")
    assert live.settle() == []


# start points

SPREAD = [{"ts": _at(t), "id": t, "device": "a"} for t in range(0, 60, 3)]
EVERY = [
    (0.0, 10.0, 4), (10.0, 20.0, 3), (20.0, 30.0, 3),
    (30.0, 40.0, 4), (40.0, 50.0, 3), (50.0, 60.0, 3),
]  # fmt: skip
AT_25 = {"at": "2024-01-01T00:00:25Z"}
AT_9 = {"at": {"positions": {"readings": {"0": 9}}}}  # the row of second 27


def _started(bench: Bench, query: str, start: Mapping[str, Any], **options: Any) -> Live:
    rows = options.pop("rows", {"0": SPREAD})
    return Live(bench, query, rows=rows, start=start, errors={"late": "reject"}, **options)


def test_a_job_that_starts_at_the_earliest_row_emits_all(bench: Bench) -> None:
    assert _started(bench, COUNTS, {"at": "earliest"}).finish() == EVERY


@pytest.mark.parametrize("start", [AT_25, AT_9])
@pytest.mark.parametrize("query", [COUNTS, LISTS, HOPS])
def test_windows_that_the_start_point_cuts_off_are_dropped_and_counted(
    bench: Bench, query: str, start: Mapping[str, Any]
) -> None:
    whole = _started(bench, query, {"at": "earliest"}).finish()
    live = _started(bench, query, start)
    found = live.finish()
    first, hops = (25, 2) if start is AT_25 else (28, 3)
    assert found == [row for row in whole if row[0] >= first]
    assert live.outcome().total("cut_off") == (hops if query == HOPS else 1)
    assert live.outcome().total("late") == 0


@pytest.mark.parametrize("start", [AT_25, AT_9])
@pytest.mark.parametrize("query", [COUNTS, LISTS, HOPS, HOP_COUNTS])
def test_windows_that_the_start_point_cuts_off_are_rebuilt_by_looking_back(
    bench: Bench, query: str, start: Mapping[str, Any]
) -> None:
    whole = _started(bench, query, {"at": "earliest"}).finish()
    live = _started(bench, query, {**start, "cut_off": "lookback"})
    found = live.finish()
    assert [row for row in whole if row[1] > 28] == found
    outcome = live.outcome()
    assert (outcome.total("late"), outcome.total("partly_late")) == (0, 0)
    assert (outcome.total("cut_off"), outcome.rejects) == (0, [])


def test_from_the_latest_row_on_no_half_window_comes(bench: Bench) -> None:
    live = _started(bench, COUNTS, {"at": "latest"})
    assert live.settle() == []
    live.arrive(58, 59, 60, 61, 72)
    assert live.settle() == [(60.0, 70.0, 2)]
    assert live.outcome().total("cut_off") == 1


def test_from_the_latest_row_on_with_a_lookback_the_open_window_is_whole(bench: Bench) -> None:
    live = _started(bench, COUNTS, {"at": "latest", "cut_off": "lookback"})
    live.arrive(58, 59, 60, 61, 72)
    assert live.settle() == [(50.0, 60.0, 5), (60.0, 70.0, 2)]


MINUTES = (
    "WITH m AS (SELECT {bound} AS t, count(*) AS n FROM tumble(readings, ts, INTERVAL {size}) "
    "GROUP BY ALL) SELECT window_start, window_end, sum(n) AS n FROM tumble(m, t, INTERVAL "
    "1 MINUTE) GROUP BY ALL"
)
LONG = [{"ts": _at(t), "id": t, "device": "a"} for t in range(0, 400, 3)]


@pytest.mark.parametrize("bound", ["window_start", "window_end"])
@pytest.mark.parametrize("size", ["10 SECONDS", "7 SECONDS"])
@pytest.mark.parametrize("second", ["01:25", "02:00", "02:02"])
@pytest.mark.parametrize("cut_off", ["drop", "lookback"])
def test_windows_over_windows_are_whole_after_a_start_in_the_middle(
    bench: Bench, bound: str, size: str, second: str, cut_off: str
) -> None:
    query = MINUTES.format(bound=bound, size=size)
    whole = _started(bench, query, {"at": "earliest"}, rows={"0": LONG}).finish()
    start = {"at": f"2024-01-01T00:{second}Z", "cut_off": cut_off}
    live = _started(bench, query, start, rows={"0": LONG})
    found = live.finish()
    assert set(found) <= set(whole)
    minutes, seconds = map(int, second.split(":"))
    begin = minutes * 60 + seconds
    # of the minutes that begin with the start point or later at most the first is not sure
    wanted = [row for row in whole if row[0] >= begin + (60 if cut_off == "drop" else -59)]
    assert set(wanted) <= set(found)
    assert live.outcome().total("late") == 0


def test_sessions_that_the_start_point_may_have_cut_are_not_emitted(bench: Bench) -> None:
    rows = [{"ts": _at(t), "id": t, "device": "a"} for t in (0, 3, 6, 9, 12, 30, 33, 36, 60)]
    whole = _started(bench, SESSIONS, {"at": "earliest"}, rows={"0": rows}).finish()
    assert [row[:2] for row in whole] == [(0.0, 16.0), (30.0, 40.0), (60.0, 64.0)]
    live = _started(bench, SESSIONS, {"at": "2024-01-01T00:00:10Z"}, rows={"0": rows})
    assert live.finish() == whole[1:]
    assert live.outcome().total("cut_off") == 1


def test_partitions_far_apart_cut_at_the_furthest_when_started_at_positions(bench: Bench) -> None:
    rows = {
        "behind": [{"ts": _at(t), "id": t, "device": "a"} for t in range(0, 60, 3)],
        "ahead": [{"ts": _at(t), "id": 100 + t, "device": "b"} for t in range(0, 60, 3)],
    }
    whole = _started(bench, LISTS, {"at": "earliest"}, rows=rows, partitions=()).finish()
    start = {"at": {"positions": {"readings": {"behind": 2, "ahead": 12}}}}
    found = _started(bench, LISTS, start, rows=rows, partitions=()).finish()
    assert found == [row for row in whole if row[0] >= 36]


def test_windows_that_a_stop_cut_off_are_not_emitted_as_whole(bench: Bench) -> None:
    live = Live(bench, COUNTS)
    live.arrive(1, 11, 12)
    assert live.settle() == [(0.0, 10.0, 1)]
    live.stop()
    live.arrive(13, 25, 31)
    assert live.settle() == [(0.0, 10.0, 1), (20.0, 30.0, 1)]
    assert live.outcome().total("cut_off") == 1


def test_what_a_job_says_of_its_batches_is_complete(bench: Bench) -> None:
    live = Live(bench, COUNTS, partitions=["0", "1"], trigger={"rows": 3})
    live.arrive(*range(0, 30, 2), partition="0")
    live.arrive(*range(1, 30, 2), partition="1")
    live.finish()
    facts: list[BatchCommitted] = live.outcome().batches
    read = Counter(
        offset
        for fact in facts
        for piece in fact.spans.get("readings", ())
        for offset in ((piece.partition, n) for n in range(piece.start, piece.stop))
    )
    assert read == Counter((name, n) for name in "01" for n in range(15))
    assert sum(fact.rows_in for fact in facts) == 30
    assert [fact.seq for fact in live.outcome().facts] == list(range(1, len(facts) + 1))
    assert facts[-1].state_rows == 0
    assert facts[-1].lag == {"readings": 0}
