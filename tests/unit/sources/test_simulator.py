"""The simulated plant: the same records every time, and as odd as was asked for."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from streamops_nb.db import sealed
from streamops_nb.model.batch import Slice, Span
from streamops_nb.model.errors import SourceError
from streamops_nb.sources.base import Context, Limit
from streamops_nb.sources.plant import FIELDS
from streamops_nb.sources.simulator import SimulatorSettings, SimulatorSource

START = datetime(2025, 1, 1, tzinfo=UTC)
QUIET = {"late": 0, "silent": 0, "broken": 0}


def plant(now: datetime = START, **settings: Any) -> SimulatorSource:
    context = Context(folder=Path(), now=now.timestamp)
    return SimulatorSource(SimulatorSettings(**settings), context)


def records(source: SimulatorSource, start: int, stop: int, partition: str = "0") -> list[bytes]:
    raw: list[bytes] = source.read(Span((Slice(partition, start, stop),)))["_raw"].to_pylist()
    return raw


def decoded(source: SimulatorSource, start: int, stop: int) -> list[dict[str, Any]]:
    rows = [json.loads(record) for record in records(source, start, stop)]
    return [{**row, "ts": datetime.fromisoformat(row["ts"])} for row in rows]


WHOLE = records(plant(seed=7, total=60_000), 0, 60_000)


@given(st.integers(0, 60_000), st.integers(0, 300))
def test_a_record_does_not_depend_on_the_span_it_is_read_in(start: int, length: int) -> None:
    stop = min(60_000, start + length)
    assert records(plant(seed=7, total=60_000), start, stop) == WHOLE[start:stop]


def test_another_seed_is_another_plant() -> None:
    assert records(plant(seed=7), 0, 50) == WHOLE[:50]
    assert set(records(plant(seed=8), 0, 50)).isdisjoint(WHOLE[:50])


def test_the_fields_are_those_that_are_declared_and_decode_to_their_types() -> None:
    raw = plant(**QUIET).read(Span((Slice("0", 0, 1_000),)))
    instance = sealed()
    session = instance.session()
    session.register("raw", raw)
    shape = json.dumps(FIELDS)
    query = f"SELECT unnest(from_json_strict(decode(_raw), '{shape}')) FROM raw"
    rows = session.table(query)
    assert rows.column_names == list(FIELDS)
    assert all(rows[name].null_count == 0 for name in FIELDS)
    instance.close()


def test_records_arrive_at_the_rate_and_their_event_time_is_the_time_of_arrival() -> None:
    rows = decoded(plant(rate=8, **QUIET), 0, 20)
    assert [row["ts"] for row in rows] == [START + timedelta(seconds=k / 8) for k in range(20)]


def test_offsets_after_years_at_a_high_rate_are_still_exact() -> None:
    now = START + timedelta(days=3_650)
    source = plant(now, rate=1_000_000, **QUIET)
    latest = source.ends().latest["0"]
    assert latest == 3_650 * 86_400 * 1_000_000 + 1
    (row,) = decoded(source, latest - 1, latest)
    assert row["ts"] == now


def test_a_restart_with_the_clock_moved_on_finds_the_same_records_and_more() -> None:
    first, second = plant(START + timedelta(hours=1)), plant(START + timedelta(hours=2))
    position = first.seek(50)
    assert second.ends().latest["0"] == first.ends().latest["0"] + 3_600 * 500
    span = first.cut(position, Limit())
    assert second.read(span).equals(first.read(span))


def test_the_energy_meter_of_a_device_only_grows() -> None:
    source = plant(rate=50, devices=20, late=0.1, silent=0.1, broken=0)
    last: dict[str, tuple[datetime, float]] = {}
    by_time = sorted(decoded(source, 0, 50_000), key=lambda row: row["ts"])
    for row in by_time:
        before = last.get(row["device"])
        assert before is None or row["energy"] >= before[1]
        last[row["device"]] = row["ts"], row["energy"]
    first = {row["device"]: row["energy"] for row in reversed(by_time)}
    assert all(energy > first[device] for device, (_, energy) in last.items())


def test_values_stay_in_a_sensible_range_over_a_year() -> None:
    for day in range(0, 365, 30):
        start = day * 86_400
        for row in decoded(plant(rate=1, broken=0), start, start + 1_000):
            assert 15 < row["temp"] < 90
            assert 0 <= row["vibration"] < 5
            assert row["energy"] > 1_000
            assert row["status"] in {"ok", "warn", "fault"}


def test_devices_drift_now_and_then_and_say_so() -> None:
    statuses = Counter(row["status"] for row in decoded(plant(rate=20, broken=0), 0, 100_000))
    assert statuses["ok"] > 95_000
    assert statuses["warn"] > 100
    assert statuses["fault"] > 50


def test_late_devices_are_seconds_to_minutes_behind() -> None:
    rows = decoded(plant(rate=10, late=0.1, silent=0, broken=0), 0, 60_000)
    behind = [
        (START + timedelta(seconds=k / 10) - row["ts"]).total_seconds()
        for k, row in enumerate(rows)
    ]
    late = [seconds for seconds in behind if seconds]
    assert 0.06 < len(late) / len(rows) < 0.14
    assert set(late) == {2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0}


def test_silent_devices_pause_for_minutes_and_others_speak_in_their_place() -> None:
    source = plant(rate=100, devices=10, late=0, silent=0.2, broken=0)
    spoken: dict[int, Counter[str]] = {}
    for row in decoded(source, 0, 120_000):
        minutes = int((row["ts"] - START).total_seconds() // 120)
        spoken.setdefault(minutes, Counter())[row["device"]] += 1
    assert len(spoken) == 10
    silences = sum(10 - len(counts) for counts in spoken.values())
    assert 8 <= silences <= 35
    assert all(sum(counts.values()) == 12_000 for counts in spoken.values())


def test_a_share_of_the_records_is_broken_in_five_ways() -> None:
    raw = records(plant(late=0, silent=0, broken=0.1), 0, 20_000)
    kinds: Counter[str] = Counter()
    for record in raw:
        try:
            row = json.loads(record, parse_constant=lambda name: kinds.update([name]) or name)
        except ValueError:
            kinds["no json"] += 1
            continue
        kinds["text"] += row["temp"] == "n/a"
        kinds["date"] += row["ts"].startswith("2025-13-32")
    assert set(kinds) == {"no json", "NaN", "text", "date"}
    assert all(count > 300 for count in kinds.values())
    assert 1_800 < sum(kinds.values()) < 2_200


def test_a_device_keeps_to_its_partition() -> None:
    source = plant(devices=10, partitions=3, broken=0)
    devices = [
        {json.loads(record)["device"] for record in records(source, 0, 5_000, str(p))}
        for p in range(3)
    ]
    assert [len(found) for found in devices] == [4, 3, 3]
    assert len(set.union(*devices)) == 10


def test_partitions_share_the_records_evenly() -> None:
    source = plant(partitions=3, total=100)
    assert source.ends().latest == {"0": 34, "1": 33, "2": 33}
    assert source.ends().closed


def test_more_records_than_a_chunk_come_in_several_chunks() -> None:
    raw = plant(total=60_000).read(Span((Slice("0", 0, 60_000),)))["_raw"]
    assert [len(chunk) for chunk in raw.chunks] == [25_000, 25_000, 10_000]


def test_a_position_far_beyond_the_end_is_an_error_that_says_why() -> None:
    source = plant(START + timedelta(seconds=10), rate=100)
    with pytest.raises(
        SourceError, match="rate, start, total or partitions were changed"
    ) as caught:
        source.cut({"0": 1_000_000}, Limit())
    assert not caught.value.retryable
    with pytest.raises(SourceError, match="position 11 of partition 0"):
        plant(total=10).cut({"0": 11}, Limit())


def test_a_clock_that_is_set_back_a_little_only_means_nothing_yet() -> None:
    later, now = plant(START + timedelta(minutes=5)), plant(START)
    assert now.cut(later.ends().latest, Limit()) == Span()


def test_before_the_start_there_is_nothing() -> None:
    source = plant(START - timedelta(days=1), start="2025-01-01")
    assert source.ends().latest == {"0": 0}
    assert source.seek(START) == {"0": 0}
    assert source.cut({}, Limit()) == Span()


def test_a_time_without_a_zone_is_utc() -> None:
    assert SimulatorSettings(start="2025-01-01T00:00:00").start == START
    assert SimulatorSettings(start="2025-01-01T02:00:00+02:00").start == START


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"devices": 2, "partitions": 3}, "3 partitions need at least as many devices, not 2"),
        ({"broken": 1.5}, "less than or equal to 1"),
        ({"rate": 0}, "greater than or equal to 0.001"),
        ({"kind": "brewery"}, "plant"),
        ({"speed": 2}, "Extra inputs are not permitted"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SimulatorSettings(**settings)
